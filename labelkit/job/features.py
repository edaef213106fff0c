"""The features of a run: the columns that a model may read, and duplicates by these columns."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.data import text_columns
from labelkit.data.duplicates import duplicate_groups, joined_groups, share_group
from labelkit.data.labels import Labels, Mask
from labelkit.data.probability_columns import probabilities
from labelkit.errors import LabelkitError
from labelkit.job.own_columns import OwnColumns

if TYPE_CHECKING:
    from labelkit.data.labels import Texts
    from labelkit.ml.features import Features


class JobFeatures(OwnColumns):
    """The part of a job that selects feature columns and groups duplicates."""

    seed: int
    excluded_columns: list[str]

    if TYPE_CHECKING:  # from the job

        @property
        def text(self) -> list[str]:
            """The text columns."""

        def has_text(self) -> bool:
            """Return whether the text columns are known."""

        @property
        def cache_dir(self) -> Path:
            """The cache folder."""

        def _texts(self, column: str) -> Texts: ...

    @cached_property
    def _not_features(self) -> set[str]:
        names = [
            self.options.get("id") or "id",
            self.options.get("gold"),
            self.options.get("group"),
            "label",
            "gold",
            *(self.options.get("label") or []),
            *self.excluded_columns,
        ]
        return {name for name in names if name} | set(self.machine_columns)

    def visible_columns(self) -> list[str]:
        """Return the columns for labeling functions and prompts, without labels, gold and ours."""
        key = self.options.get("id") or "id"
        return [n for n in self.source.columns if n not in self._not_features or n == key]

    def feature_names(self) -> list[str]:
        """Return the feature columns of a model."""
        return self.features().needed

    def features(self) -> "Features":
        """Return the features, which turn the feature columns into a matrix; not fitted yet."""
        from labelkit.ml import feature_selection
        from labelkit.ml.features import Features

        choice = self.options.get("features", "auto")
        columns = list(self.options.get("column") or [])
        self.source.require(columns, "--column")
        text = self.text if choice != "columns" and self.has_text() else []
        if columns and choice == "auto":
            choice = "mixed" if text else "columns"
        not_features = {*self._not_features, *text, *self.source.binary_columns()}
        other_columns = columns or [
            name for name in self.source.columns if name not in not_features
        ]
        if choice == "auto" and not (text or columns):
            text_columns.refuse_unread_texts(self.source, other_columns)
        needed = other_columns if choice in ("columns", "mixed") or not text else []
        kinds = dict.fromkeys(text, "text") | self.source.feature_kinds(needed)
        if not text and not kinds:
            raise LabelkitError(
                f"{self.source.name} has no feature column: all are keys, labels or labelkit's own"
            )

        def best() -> str:
            return feature_selection.best(
                self.source,
                text,
                self._training_labels,
                self.groups,
                self.seed,
                lambda: self.cache_dir,
            )

        return Features(text, kinds, choice, self.seed, best, lambda: self.cache_dir, columns)

    def _training_labels(self) -> Labels:
        labels = self.labels()
        return labels._replace(codes=np.where(self.excluded_from_training, -1, labels.codes))

    def from_proba(self, classes: Sequence[str]) -> npt.NDArray[np.float64] | None:
        """Return a matrix rows x classes from the columns PREFIX<class> of --from-proba, or None.

        Raises LabelkitError if a class has no column, or a row does not sum to one.
        """
        prefix = self.options.get("from_proba")
        return probabilities(self.source, prefix, classes) if prefix else None

    # -- duplicates ----------------------------------------------------------------------------

    def groups(self, names: Sequence[str] = ()) -> npt.NDArray[np.int64]:
        """Return a group number per row: rows of one --group, and duplicates, share a number.

        `names` are the columns that define duplicates; by default those that a model reads.
        """
        return self._groups_of(list(names) or self.feature_names())

    def _groups_of(self, names: Sequence[str]) -> npt.NDArray[np.int64]:
        table = self.source.read(names, typed=True) if names else None
        parts = [np.arange(self.rows) if table is None else duplicate_groups(table)]
        group = self.options.get("group")
        if group:
            self.source.require([group], "--group")
            parts.append(np.unique(self._texts(group).astype(str), return_inverse=True)[1])
        return joined_groups(parts)

    @cached_property
    def excluded_from_training(self) -> Mask:
        """The mask of audit rows, their duplicates, and the rows of their --group."""
        if not self.audit_mask.any():
            return self.audit_mask
        return share_group(self._groups_of(self.content_columns()), self.audit_mask)

    def content_columns(self) -> list[str]:
        """Return the columns that define duplicates: the text columns, else all visible ones.

        Empty for a file with keys and labels only.
        """
        if self.has_text():
            return self.text
        columns = self.options.get("column") or self.visible_columns()
        return [name for name in columns if name != self.key_name]

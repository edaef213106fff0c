"""What is known before the questions are answered: the data, what was tried, what may be spent."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labelkit.plan.language_models import Model
from labelkit.plan.mixes import Facts, Limits
from labelkit.plan.routed_trial import Sent
from labelkit.plan.trials import Known, Measured, Mix

if TYPE_CHECKING:
    from labelkit.job.job import Job

_OF_INIT = ["FIRST_CLASS", "SECOND_CLASS"]  # what init writes where it can tell none


class Seen(NamedTuple):
    """What was found out before the questions are answered."""

    job: "Job"
    known: Known
    facts: Facts
    found: Measured
    functions: Path | None
    measured: Sequence[str]  # the language models whose labels are in the file
    sent: dict[Mix, Sent]  # what is sent where on the way to the target accuracy
    limits: Limits
    audit_is_typed: bool = False

    @property
    def to_try(self) -> dict[str, Model]:
        """The language models that have a name and no labels on the known rows yet."""
        every = self.facts.models.items()
        return {k: model for k, model in every if model.name and k not in self.measured}

    @property
    def classes(self) -> list[str]:
        """The classes that are named: those which init wrote as an example are none."""
        classes = self.job.classes or []
        return [] if classes == _OF_INIT else classes

    @property
    def in_file(self) -> tuple[int, int]:
        """How many labels the column label has already: those that were picked, and audit rows."""
        options = self.job.options
        if options.get("gold") or (options.get("label") or ["label"])[0] != "label":
            return 0, 0
        given = self.known.values != ""
        audit = int((given & self.known.audit).sum())
        return int(given.sum()) - audit, audit

    @property
    def all_labelled(self) -> bool:
        """Whether each row has a label already, so that what is left to do is to look at those."""
        return self.known.rows == self.facts.rows and not self.job.options.get("gold")

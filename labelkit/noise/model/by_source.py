"""Which class is mistaken for which by each source of labels: --by COLUMN."""

from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.noise.label_quality import LabelEvidence
from labelkit.noise.model.noise_model import Mixture
from labelkit.noise.model.transition_matrix import NoiseModel
from labelkit.stats.blocks import row_blocks

if TYPE_CHECKING:
    from labelkit.job.job import Job

MOST = 20
FEWEST = 20  # labels of a source


def tell(job: "Job", evidence: LabelEvidence, mixture: Mixture, name: str) -> dict[str, NoiseModel]:
    """Show how many labels of each source are wrong, worst first, and fill the summary.

    Whatever the method, they are counted by the `mixture` that counts the errors of all rows.
    Returns the mistakes of each source with enough labels.
    """
    of_row = job.source.texts(name)[evidence.rows].astype(str)
    found = []
    for source in np.unique(of_row):
        rows = np.flatnonzero(of_row == source)
        if len(rows) >= FEWEST:
            found.append((str(source), _of(evidence, mixture, rows), len(rows)))
    rest = len(np.unique(of_row)) - len(found)
    if rest:
        console.note(f"--by {name}: {rest:,} with fewer than {FEWEST} labels are not shown")
    found.sort(key=lambda each: (-each[1].errors / each[2], each[0]))
    shown = [[source or "(empty)", n, model.errors, model.errors / n, _commonest(model)]
            for source, model, n in found]  # fmt: skip
    console.table(
        f"errors by {name}, estimated",
        [name, "labels", "errors", "share", "commonest: given, truly"],
        shown[:MOST],
    )
    job.figures({"by": {"column": name, "sources": _facts(found)}})
    return {source: model for source, model, _ in found}


def _of(evidence: LabelEvidence, mixture: Mixture, rows: Any) -> NoiseModel:
    k = len(evidence.classes)
    joint = np.zeros((k, k))
    for part in row_blocks(len(rows), k):
        some = rows[part]
        joint += mixture.joint(evidence.given[some], evidence.probabilities[some])
    return NoiseModel(evidence.classes, joint)


def _commonest(model: NoiseModel) -> str:
    worst = model.worst(1)
    return f"{worst[0][0]}, {worst[0][1]} ({worst[0][2]:,})" if worst and worst[0][2] else ""


def _facts(found: list[tuple[str, NoiseModel, int]]) -> dict[str, Any]:
    return {source: {"labels": n, **model.facts()} for source, model, n in found}

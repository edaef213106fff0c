"""The verdict on the labels of a file, from its columns and from what decide measured."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.data.labels import Codes, Texts
from labelkit.report import accuracy
from labelkit.report.accuracy import Judged
from labelkit.report.data import FINAL, PEOPLE, ReportData, confidence_of, figures
from labelkit.verdict import evidence, messages
from labelkit.verdict.alarms import Alarm
from labelkit.verdict.evidence import AUDIT, GOLD, Figure
from labelkit.verdict.judge import Target, target_of
from labelkit.verdict.messages import Conclusion, File


def conclude(found: ReportData, every: list[Judged]) -> Conclusion:
    """Return the verdict on the decided labels, else on those of the first column of labels."""
    column = FINAL if found.decided else next(iter(found.machines), "")
    read = {name: found.texts(name) for name in dict.fromkeys([*found.machines, column]) if name}
    names, codes = _codes(found, read)
    people, gold = codes[PEOPLE], codes.get(GOLD)
    given = codes[column] if column else people
    labelled = (given >= 0) | (people >= 0)
    by_people = people >= 0
    if gold is not None and evidence.is_complete(gold >= 0, labelled):
        final = np.where(labelled, np.where(given >= 0, given, people), -1)
        truth, judged = gold, np.ones(found.rows, dtype=bool)
        figure = evidence.measured(final, gold, judged, GOLD)
    else:
        truth, judged = people, by_people & found.people.audit
        figure = _by_audit(every, column, int(labelled.sum()))
    # What was decided without people is not in the file: it holds their answers there.
    is_machine = (~by_people if found.decided else True) if column else False
    machine = np.where(is_machine, given, -1)
    sure = found.numbers(confidence_of(column)) if column else np.full(found.rows, np.nan)
    known = evidence.gather(
        names,
        evidence.Labels(machine, sure),
        truth,
        judged,
        ~by_people,
        {name: codes[name] for name in found.machines},
        figure,
        rows=found.rows,
        labelled=int(labelled.sum()),
    )
    labels = [name for name in (PEOPLE, column) if name and found.job.source.has(name)]
    paths = [str(path) for path in found.job.options["input"]]
    path = paths[0] if len(paths) == 1 else ""
    file = File(
        *(found.job.options, found.job.task, path, labels, confidence_of(column)),
        seconds=found.work()[1],
    )
    return messages.conclude(known, _target(found), file, _of_decide(found))


def _codes(found: ReportData, read: dict[str, Texts]) -> tuple[list[str], dict[str, Codes]]:
    """Return the classes, and the codes in them of each column, of people and of gold."""
    columns = read | {PEOPLE: found.people.values}
    if found.gold is not None:
        columns[GOLD] = found.gold
    cells = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    seen = {text for values in cells.values() for text in pc.unique(values).to_pylist()}
    names = sorted(seen - {"", None})
    order = pa.array(names, pa.string())
    codes = {name: pc.fill_null(pc.index_in(values, order), -1) for name, values in cells.items()}
    return names, {name: np.asarray(each, dtype=np.int32) for name, each in codes.items()}


def _by_audit(every: list[Judged], column: str, labelled: int) -> Figure | None:
    claimed = accuracy.claim(every)
    if claimed is None:
        return None
    # Of a file that came without its history it is not known what was decided without people.
    of = "" if claimed.column == column else claimed.column
    # A decision about some rows (--where) claims nothing of the labels of the others.
    labels = min(labelled, claimed.labels or labelled)
    return Figure(*claimed.figure, rows=claimed.rows, basis=AUDIT, labels=labels, of=of)


def _target(found: ReportData) -> Target:
    """Return the target that is given, else the one of the last decision."""
    given = found.job.options.get("target_accuracy")
    decided = figures(found.latest("decide")).get("verdict") or {}
    if given is None and not decided.get("target_is_default", True):
        given = float(decided["target"])
    return target_of(given)


def _of_decide(found: ReportData) -> Sequence[Alarm]:
    """Return the alarms of decide about what it decided without people."""
    told = figures(found.latest("decide")).get("verdict") or {}
    return [
        Alarm(each["code"], each["text"], "", dict(each["figures"]))
        for each in told.get("alarms", [])
        if not each["source"] and found.decided
    ]

"""import: what people said in another tool, as the answers file that merge reads."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labelkit import console
from labelkit.config import plugins
from labelkit.config.label_text import ClassReader
from labelkit.data.labels import encode, read_labels
from labelkit.errors import UsageError, listing
from labelkit.interop.task_types import ANNOTATOR, ORIGIN, ROW_CHECK, Said
from labelkit.interop.tool_file import Given

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Sorted(NamedTuple):
    """The answers to keep, oldest first, and what became of the others."""

    kept: list[Said]
    tasks: int
    unanswered: int
    replaced: int


def bring(job: "Job", origin: str, label_field: str | None, annotator: str | None) -> None:
    """Write the answers file; raises LabelkitError for answers that no row or class has."""
    read = plugins.load("from", origin)
    output = _checked_output(job)
    given = Given(
        str(job.options["input"]),
        key=job.options.get("id"),
        label_field=label_field,
        delimiter=job.options["delimiter"],
        encoding=job.options["encoding"],
        declared=job.classes or (),
    )
    said = [_named(one, annotator) for one in _read(read, given, origin)]
    key_name = _one_key(given, said)
    found = _sorted(said)
    labels, left_out = _labels(job, given, found.kept)
    _write(job, output, key_name, found.kept, labels)
    _close(job, output, key_name, found, labels, left_out)


def _checked_output(job: "Job") -> str:
    from labelkit.io import output_checks

    output = str(job.options.get("output") or "")
    if not output:
        raise UsageError("import needs -o ANSWERS (- for stdout)")
    given = str(job.options["input"])
    inputs = [] if given == "-" else [Path(given)]
    output_checks.check(job.name, output, False, inputs, job.options["format"])
    return output


def _read(read: Callable[[Given], Iterator[Said]], given: Given, origin: str) -> list[Said]:
    """Return what the file says; raises LabelkitError where its shape is not the tool's."""
    try:
        return list(read(given))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise given.wrong(f"it is not as {origin} writes it ({error}); is --from right?") from error


def _named(said: Said, annotator: str | None) -> Said:
    return said._replace(who=annotator) if annotator and not said.who else said


def _sorted(said: Sequence[Said]) -> Sorted:
    """Return the latest answer of each person to each row, in the order in which they were given.

    A skip is taken back by a label of the same person, and the other way round.
    """
    answered = [one for one in said if one.labels or one.skipped]
    latest: dict[tuple[str, str], Said] = {}
    for one in sorted(answered, key=lambda one: one.when):
        latest.pop((one.key, one.who), None)
        latest[one.key, one.who] = one
    keys = {one.key for one in said}
    return Sorted(
        list(latest.values()),
        len(keys),
        len(keys - {one.key for one in answered}),
        len(answered) - len(latest),
    )


def _one_key(given: Given, said: Sequence[Said]) -> str:
    names = list(dict.fromkeys(one.key_name for one in said))
    if len(names) > 1:
        raise given.wrong(
            f"its tasks are keyed by several columns ({listing(names)}): they come from several "
            f"files; import each by itself"
        )
    return names[0] if names else "id"


def _labels(job: "Job", given: Given, said: Sequence[Said]) -> tuple[list[str], int]:
    """Return the label of each answer ('' for a skip), and how many were left out.

    Raises LabelkitError for a label outside the classes and for several in one answer.
    """
    ignore = job.ignores_unknown_labels()
    several = [one for one in said if len(one.labels) > 1]
    if several and not ignore:
        one = several[0]
        raise given.wrong(
            f"{one.place} ({console.clean(one.key)}) was given "
            f"{console.count(len(one.labels), 'labels')} "
            f"({listing(map(repr, one.labels))}; {console.count(len(several), 'such answers')}), "
            "and a row has one; "
            f"mend it in the tool, or give --unknown-label ignore, which leaves them out"
        )
    values = np.array([one.labels[0] if len(one.labels) == 1 else "" for one in said], dtype=object)
    classes = job.classes or given.classes

    def places() -> list[str]:
        return [f"{one.place}: {console.clean(one.key)}" for one in said]

    known, _, found = encode(values, classes, ignore, given.name, places)
    if classes is None and found:
        told = listing(console.clean(name, 40) for name in found)
        console.note(f"the labels are {told}; with --classes A,B others are refused")
        job.warn_of_spellings(found)
    left_out = (read_labels(values, classes) != "") & (known == "")
    return [str(label) for label in known], len(several) + int(left_out.sum())


def _write(
    job: "Job", output: str, key_name: str, said: Sequence[Said], labels: Sequence[str]
) -> None:
    import pyarrow as pa

    from labelkit.io.table import write_table

    table: dict[str, Any] = {
        key_name: pa.array([one.key for one in said], pa.string()),
        ROW_CHECK: pa.array([one.check or None for one in said], pa.string()),
        "label": pa.array([label or None for label in labels], pa.string()),
        ORIGIN: pa.array([one.origin or None for one in said], pa.string()),
        "label_note": pa.array([one.note or None for one in said], pa.string()),
        "label_flag": pa.array([one.flag for one in said], pa.bool_()),
        ANNOTATOR: pa.array([one.who or None for one in said], pa.string()),
        "label_seconds": pa.array([one.seconds for one in said], pa.float64()),
    }
    write_table(pa.table(table), output, given_format=job.options["format"], name=output)


def _close(
    job: "Job",
    output: str,
    key_name: str,
    found: Sorted,
    labels: Sequence[str],
    left_out: int,
) -> None:
    answered = [(one, label) for one, label in zip(found.kept, labels, strict=True) if label]
    given = [one for one, _ in answered]
    skipped = sum(one.skipped for one in found.kept)
    people = {one.who for one in found.kept if one.who}
    shown = [(one, label) for one, label in answered if one.guess]
    taken = sum(ClassReader([label]).class_of(one.guess) is not None for one, label in shown)
    timed = [one.seconds for one in found.kept if one.seconds is not None]
    job.count(
        tasks=found.tasks, labels=len(given), skipped=skipped, unanswered=found.unanswered,
        people=len(people), replaced=found.replaced, left_out=left_out,
        suggestions=len(shown), suggestions_accepted=taken,
    )  # fmt: skip
    parts = [
        console.count(found.tasks, "rows"),
        f"{console.count(len(given), 'labels')}{_by(len(people))}",
    ]
    parts += [
        f"{n:,} {what}"
        for n, what in (
            (skipped, "skipped"),
            (found.unanswered, "not answered yet"),
            (found.replaced, "replaced by a later answer of the same person"),
            (left_out, "of no class left out"),
        )
        if n
    ]
    if shown:
        parts.append(f"{taken / len(shown):.0%} of {console.count(len(shown), 'guesses')} taken")
    if timed:
        job.cost(people_seconds=round(sum(timed), 1))
        parts.append(_time(timed))
    job.record(Path(output), ["label", ORIGIN, ANNOTATOR])
    job.closing(" · ".join(parts), output=output)
    if given and output != "-":
        console.note(_brought(output, key_name))


def _by(people: int) -> str:
    return f" by {people:,} {'person' if people == 1 else 'people'}" if people else ""


def _time(timed: Sequence[float]) -> str:
    each = sum(timed) / len(timed)
    return f"{sum(timed) / 3600:.1f} hours ({each:.1f} s an answer)"


def _brought(output: str, key_name: str) -> str:
    """Return how the answers come into the data: which file that is, the export does not say."""
    key = [] if key_name in ("id", "row") else ["--id", key_name]
    brings = shlex.join(["labelkit", "merge", "DATA", output, "-o", "LABELLED", *key])
    return f"the answers come into the file that was exported with: {brings}"

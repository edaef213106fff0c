"""import: answers given in another tool, written as the answers file that merge reads."""

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
from labelkit.interop.task_types import ANNOTATOR, ORIGIN, ROW_CHECK, ImportedAnswer
from labelkit.interop.tool_file import ToolFile

if TYPE_CHECKING:
    from labelkit.job.job import Job


class LatestAnswers(NamedTuple):
    """The latest answers, oldest first, with the number of tasks, unanswered and replaced ones."""

    kept: list[ImportedAnswer]
    tasks: int
    unanswered: int
    replaced: int


def import_answers(job: "Job", origin: str, label_field: str | None, annotator: str | None) -> None:
    """Write the answers file; raises LabelkitError for answers without a row or a known class."""
    read_answers = plugins.load("from", origin)
    output = _checked_output(job)
    tool_file = ToolFile(
        str(job.options["input"]),
        key=job.options.get("id"),
        label_field=label_field,
        delimiter=job.options["delimiter"],
        encoding=job.options["encoding"],
        declared=job.classes or (),
    )
    answers = [_named(answer, annotator) for answer in _read(read_answers, tool_file, origin)]
    key_name = _one_key(tool_file, answers)
    latest = _latest_answers(answers)
    labels, left_out = _labels(job, tool_file, latest.kept)
    _write(job, output, key_name, latest.kept, labels)
    _close(job, output, key_name, latest, labels, left_out)


def _checked_output(job: "Job") -> str:
    from labelkit.io import output_checks

    output = str(job.options.get("output") or "")
    if not output:
        raise UsageError("import needs -o ANSWERS (- for stdout)")
    input_name = str(job.options["input"])
    inputs = [] if input_name == "-" else [Path(input_name)]
    output_checks.check(job.name, output, False, inputs, job.options["format"])
    return output


def _read(
    read: Callable[[ToolFile], Iterator[ImportedAnswer]], tool_file: ToolFile, origin: str
) -> list[ImportedAnswer]:
    """Return the file's answers; raises LabelkitError if it is not an export of the tool."""
    try:
        return list(read(tool_file))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise tool_file.error(f"not a valid {origin} export ({error}); check --from") from error


def _named(answer: ImportedAnswer, annotator: str | None) -> ImportedAnswer:
    return answer._replace(who=annotator) if annotator and not answer.who else answer


def _latest_answers(answers: Sequence[ImportedAnswer]) -> LatestAnswers:
    """Return the latest answer of each person to each row, in order of time.

    A later label replaces a skip of the same person, and the other way round.
    """
    answered = [answer for answer in answers if answer.labels or answer.skipped]
    latest: dict[tuple[str, str], ImportedAnswer] = {}
    for answer in sorted(answered, key=lambda answer: answer.when):
        latest.pop((answer.key, answer.who), None)
        latest[answer.key, answer.who] = answer
    keys = {answer.key for answer in answers}
    return LatestAnswers(
        list(latest.values()),
        len(keys),
        len(keys - {answer.key for answer in answered}),
        len(answered) - len(latest),
    )


def _one_key(tool_file: ToolFile, answers: Sequence[ImportedAnswer]) -> str:
    names = list(dict.fromkeys(answer.key_name for answer in answers))
    if len(names) > 1:
        raise tool_file.error(
            f"its tasks have different key columns ({listing(names)}), so they come from several "
            f"files; import the tasks of each file separately"
        )
    return names[0] if names else "id"


def _labels(
    job: "Job", tool_file: ToolFile, answers: Sequence[ImportedAnswer]
) -> tuple[list[str], int]:
    """Return the label of each answer ('' for a skip), and how many were left out.

    Raises LabelkitError for a label outside the classes and for several in one answer.
    """
    ignore = job.ignores_unknown_labels()
    several = [answer for answer in answers if len(answer.labels) > 1]
    if several and not ignore:
        answer = several[0]
        raise tool_file.error(
            f"{answer.location} ({console.clean(answer.key)}) has "
            f"{console.count(len(answer.labels), 'labels')} ({listing(map(repr, answer.labels))}; "
            f"{console.count(len(several), 'such answers')}), but a row has one label; fix it in "
            "the tool, or pass --unknown-label ignore to skip such answers"
        )
    values = np.array(
        [answer.labels[0] if len(answer.labels) == 1 else "" for answer in answers], dtype=object
    )
    classes = job.classes or tool_file.classes

    def locations() -> list[str]:
        return [f"{answer.location}: {console.clean(answer.key)}" for answer in answers]

    labels, _, classes_seen = encode(values, classes, ignore, tool_file.name, locations)
    if classes is None and classes_seen:
        class_names = listing(console.clean(name, 40) for name in classes_seen)
        console.note(f"labels in the file: {class_names}; pass --classes A,B to refuse others")
        job.warn_of_spellings(classes_seen)
    left_out = (read_labels(values, classes) != "") & (labels == "")
    return [str(label) for label in labels], len(several) + int(left_out.sum())


def _write(
    job: "Job", output: str, key_name: str, answers: Sequence[ImportedAnswer], labels: Sequence[str]
) -> None:
    import pyarrow as pa

    from labelkit.io.table_writer import write_table

    table: dict[str, Any] = {
        key_name: pa.array([answer.key for answer in answers], pa.string()),
        ROW_CHECK: pa.array([answer.check or None for answer in answers], pa.string()),
        "label": pa.array([label or None for label in labels], pa.string()),
        ORIGIN: pa.array([answer.origin or None for answer in answers], pa.string()),
        "label_note": pa.array([answer.note or None for answer in answers], pa.string()),
        "label_flag": pa.array([answer.flag for answer in answers], pa.bool_()),
        ANNOTATOR: pa.array([answer.who or None for answer in answers], pa.string()),
        "label_seconds": pa.array([answer.seconds for answer in answers], pa.float64()),
    }
    write_table(pa.table(table), output, given_format=job.options["format"], name=output)


def _close(
    job: "Job",
    output: str,
    key_name: str,
    latest: LatestAnswers,
    labels: Sequence[str],
    left_out: int,
) -> None:
    answered = [(answer, label) for answer, label in zip(latest.kept, labels, strict=True) if label]
    labelled = [answer for answer, _ in answered]
    skipped = sum(answer.skipped for answer in latest.kept)
    people = {answer.who for answer in latest.kept if answer.who}
    shown = [(answer, label) for answer, label in answered if answer.guess]
    accepted = sum(
        ClassReader([label]).class_of(answer.guess) is not None for answer, label in shown
    )
    timed = [answer.seconds for answer in latest.kept if answer.seconds is not None]
    job.count(
        tasks=latest.tasks, labels=len(labelled), skipped=skipped, unanswered=latest.unanswered,
        people=len(people), replaced=latest.replaced, left_out=left_out,
        suggestions=len(shown), suggestions_accepted=accepted,
    )  # fmt: skip
    parts = [
        console.count(latest.tasks, "rows"),
        f"{console.count(len(labelled), 'labels')}{_by(len(people))}",
    ]
    parts += [
        f"{n:,} {what}"
        for n, what in (
            (skipped, "skipped"),
            (latest.unanswered, "unanswered"),
            (latest.replaced, "replaced by a later answer of the same person"),
            (left_out, "left out (unknown class)"),
        )
        if n
    ]
    if shown:
        suggestions = console.count(len(shown), "suggestions")
        parts.append(f"{accepted / len(shown):.0%} of {suggestions} accepted")
    if timed:
        job.cost(people_seconds=round(sum(timed), 1))
        parts.append(_time(timed))
    job.record(Path(output), ["label", ORIGIN, ANNOTATOR])
    job.print_summary(" · ".join(parts), output=output)
    if labelled and output != "-":
        console.note(_merge_hint(output, key_name))


def _by(people: int) -> str:
    return f" by {people:,} {'person' if people == 1 else 'people'}" if people else ""


def _time(timed: Sequence[float]) -> str:
    each = sum(timed) / len(timed)
    return f"{sum(timed) / 3600:.1f} hours ({each:.1f} s an answer)"


def _merge_hint(output: str, key_name: str) -> str:
    """Return a note with the merge command; DATA, because the export does not name its input."""
    key = [] if key_name in ("id", "row") else ["--id", key_name]
    command = shlex.join(["labelkit", "merge", "DATA", output, "-o", "LABELLED", *key])
    return f"merge the answers into the exported file: {command}"

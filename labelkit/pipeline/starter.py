"""`labelkit init`: a starter task file and labeling functions for a data file."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelkit import console
from labelkit.errors import UsageError
from labelkit.options import command

if TYPE_CHECKING:
    from labelkit.job import Job

_MOST_CLASSES = 30


@command("init", inputs="one", uses=("text", "classes", "label", "id"))
def init(
    job: "Job",
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where to write the two files.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files of that name.")] = False,
) -> None:
    """Write a starter labelkit.toml and lfs.py for a data file.

    It guesses the text, the key and the classes from the data; look at both files and mend them.

    Example:
      labelkit init sample_data/reviews.csv --dir build/start --classes NEGATIVE,POSITIVE
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {folder / "labelkit.toml": _task_text(job), folder / "lfs.py": _functions_text(job)}
    taken = [str(path) for path in paths if path.exists()]
    if taken and not force:
        raise UsageError(f"{taken[0]} is there already; give --force to write over it, or --dir")
    from labelkit.files import whole

    for path, text in paths.items():
        with whole(path) as stream:
            stream.write(text.encode())
    data = job.options["input"]
    console.note(f"init: {job.rows:,} rows looked at -> {folder / 'labelkit.toml'}, "
                 f"{folder / 'lfs.py'}")  # fmt: skip
    task = ["--task", str(folder / "labelkit.toml")] if folder != Path() else []
    then = shlex.join(["labelkit", "weak-label", data, "-o", "weak.csv", *task])
    console.note(f"next: edit both, then: {then}")


def _guessed_classes(job: "Job") -> list[str]:
    if job.classes:
        return job.classes
    values = sorted(set(job.labels().values) - {""})
    return values if 2 <= len(values) <= _MOST_CLASSES else []


def _task_text(job: "Job") -> str:
    text = job.text if job.has_text() else []
    classes = _guessed_classes(job)
    shown = classes or ["FIRST_CLASS", "SECOND_CLASS"]
    lines = [
        f"# The task: what the rows of {_comment(job.source.name)} are to be labelled as.",
        "# Each option of a command is a key of the command's table; the command line wins.",
        "[task]",
        f"name = {_toml(Path(job.source.name).stem)}",
        f"text = {_toml(text)}" if text else '# text = ["..."]   # no column reads like a text',
        f"classes = {_toml(shown)}" + ("" if classes else "   # name your classes here"),
        'guidelines = ""   # what you would tell a person who labels',
        *([f"id = {_toml(job.key_name)}"] if job.key_name != "row" else []),
        "",
        "[task.descriptions]   # one sentence for each class",
        *(f'{_toml(name)} = ""' for name in shown),
        "",
        "[cost]",
        "human_label = 0.30      # dollars",
        "human_seconds = 300",
        "",
        "[weak-label]",
        'functions = "lfs.py"',
        "",
        "# [[weak-label.rule]]",
        '# name = "praise"',
        f"# label = {_toml(shown[-1])}",
        '# any_of = ["wonderful", "loved"]',
        "",
        "# [llm-label]",
        '# model = "gpt-4o-mini"   # or "local"; the key comes from OPENAI_API_KEY',
        "# price = [0.15, 0.60]    # dollars per million tokens in, out",
        '# where = "weak_confidence < 0.8 or weak_label is empty"',
        "",
        "[query]",
        "n = 60",
        "audit = 100",
    ]
    return "\n".join(lines) + "\n"


def _functions_text(job: "Job") -> str:
    classes = _guessed_classes(job) or ["FIRST_CLASS", "SECOND_CLASS"]
    columns = ", ".join(_comment(name) for name in job.visible_columns())
    return f'''"""Labeling functions: each looks at a row and names a class, or abstains with None.

Columns: {columns}
"""


def lf_example(row):
    # Replace the words by ones that speak for a class, and add more functions like this one.
    words = ["replace", "these"]
    text = {_row_text(job)}
    return {classes[-1]!r} if any(word in text for word in words) else None
'''


def _row_text(job: "Job") -> str:
    if job.has_text():
        return "row.text.lower()" if "text" in job.text else f"row[{job.text[0]!r}].lower()"
    return f"str(row[{job.source.columns[0]!r}]).lower()"


def _comment(text: str) -> str:
    return console.clean(text).replace("\\", "/").replace('"""', "'")


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    import json

    # JSON's strings are TOML's basic strings but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

"""`labelkit init`: a starter task file and labeling functions for a data file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelkit import console
from labelkit.command import next_steps
from labelkit.command.declare import command
from labelkit.errors import UsageError

RULE = "[[weak-label.rule]]"
_PLACEHOLDERS = ["FIRST_CLASS", "SECOND_CLASS"]  # for unknown classes

if TYPE_CHECKING:
    from labelkit.init.guess import Guess
    from labelkit.job.job import Job


@command("init", inputs="one", uses=("text", "classes", "label", "id"))
def init(
    job: "Job",
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Folder for the two files.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Write a starter labelkit.toml and lfs.py for a data file.

    It guesses the text columns, the key and the classes from the data. If a column holds labels,
    it proposes rules learned from them. Check and edit both files.

    Example:
      labelkit init sample_data/reviews.csv --dir build/start --classes NEGATIVE,POSITIVE
    """
    paths = [folder / "labelkit.toml", folder / "lfs.py"]
    existing = [str(path) for path in paths if path.exists()]
    if existing and not force:
        raise UsageError(f"{existing[0]} already exists; pass --force to overwrite it, or --dir")
    from labelkit.init import guess as guesses
    from labelkit.io.files import ending_of, whole

    guess = guesses.of(job)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in zip(
        paths, (_task_text(job, guess), _functions_text(job, guess)), strict=True
    ):
        with whole(path) as stream:
            stream.write(text.encode())
    data = job.options["input"]
    rows = console.count(job.rows, "rows")
    console.note(f"init: {rows} read{_guess_summary(guess)} -> {paths[0]}, {paths[1]}")
    task = ["--task", str(paths[0])] if folder != Path() else []
    output = f"weak{ending_of(data) or '.csv'}"
    read_options = {option: job.options[option] for option in ("delimiter", "encoding")}
    next_command = next_steps.command(
        read_options, job.task, "weak-label", data, "-o", output, *task
    )
    console.note("edit both files, then run the next command")
    console.next_step(next_command)


def _guess_summary(guess: "Guess") -> str:
    columns = {"text": ", ".join(guess.text), "key": guess.key, "labels": guess.labels}
    parts = [f" · {what}: {console.clean(name)}" for what, name in columns.items() if name]
    n = guess.rules.count(RULE)
    return "".join(parts) + (f" · {console.count(n, 'rules')} proposed" if n else "")


def _task_text(job: "Job", guess: "Guess") -> str:
    classes = _at_least_two(guess.classes)
    lines = [
        f"# The task: how to label the rows of {_comment(job.source.name)}.",
        "# Options of a command are keys of its table; the command line overrides them.",
        "[task]",
        f"name = {_toml(Path(job.source.name).stem)}",
        _text_line(guess.text),
        f"classes = {_toml(classes)}{_classes_comment(guess)}",
        'guidelines = ""   # instructions for the people who label',
        *([f"id = {_toml(guess.key)}{_key_comment(guess.key)}"] if guess.key else []),
        *([_gold_line(guess.labels)] if guess.labels not in ("", "label") else []),
        "",
        "[task.descriptions]   # one sentence for each class",
        *(f'{_toml(name)} = ""' for name in classes),
        "",
        "[cost]",
        "human_label = 0.30      # dollars",
        "human_seconds = 300",
        "",
        "[weak-label]",
        'functions = "lfs.py"',
        "",
        *_rule_lines(guess, classes),
        "",
        "# [llm-label]",
        '# model = "gpt-4o-mini"   # or "local"; the key comes from OPENAI_API_KEY',
        "# price = [0.15, 0.60]    # dollars per million tokens in, out",
        '# where = "true"   # all rows; in pipeline else those that rules leave doubtful',
        "",
        "[query]",
        "n = 60",
        "audit = 100",
    ]
    return "\n".join(lines) + "\n"


def _text_line(text: list[str]) -> str:
    if not text:
        return '# text = ["..."]   # no text column was detected'
    return f"text = {_toml(text)}" + ("   # keep the relevant ones" if len(text) > 1 else "")


def _at_least_two(classes: list[str]) -> list[str]:
    return [*classes, *_PLACEHOLDERS[len(classes) :]]


def _classes_comment(guess: "Guess") -> str:
    if len(guess.classes) < len(_PLACEHOLDERS):
        return "   # name your classes here"
    return f"   # column {_comment(guess.labels)}" if guess.labels else ""


def _key_comment(key: str) -> str:
    return "   # the row number: column id has duplicates" if key == "row" else ""


def _gold_line(column: str) -> str:
    return f"# gold = {_toml(column)}   # if its labels are correct: used to measure accuracy only"


def _rule_lines(guess: "Guess", classes: list[str]) -> list[str]:
    if guess.rules:
        return [
            "# Proposed rules; keep those that make sense. They were learned from column "
            f"{_comment(guess.labels)}: measured on it their accuracy is too high.",
            *(f"# {console.clean(line, 500)}".rstrip() for line in guess.rules.strip().split("\n")),
        ]
    return [
        f"# {RULE}",
        '# name = "praise"',
        f"# label = {_toml(classes[-1])}",
        '# any_of = ["wonderful", "loved"]',
    ]


def _functions_text(job: "Job", guess: "Guess") -> str:
    classes = _at_least_two(guess.classes)
    columns = ", ".join(_comment(name) for name in job.visible_columns())
    return f'''"""Labeling functions: each gets a row and returns a class, or None to abstain.

Columns: {columns}
"""


def lf_example(row):
    # Replace the words by ones that indicate a class, and add more functions like this one.
    words = ["replace", "these"]
    text = {_row_text(job, guess.text)}
    return {classes[-1]!r} if any(word in text for word in words) else None
'''


def _row_text(job: "Job", text: list[str]) -> str:
    if not text:
        return f"str(row[{job.source.columns[0]!r}]).lower()"
    # Without a column named text, row.text is the task's text columns joined.
    if "text" in text or not job.source.has("text"):
        return "row.text.lower()"
    return f"row[{text[0]!r}].lower()"


def _comment(text: str) -> str:
    return console.clean(text).replace("\\", "/").replace('"""', "'")


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    import json

    # JSON strings are TOML basic strings except for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

"""`labelkit init`: a starter task file and labeling functions for a data file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelkit import console
from labelkit.command import next_steps
from labelkit.command.declare import command
from labelkit.errors import UsageError

RULE = "[[weak-label.rule]]"
_PLACES = ["FIRST_CLASS", "SECOND_CLASS"]  # for classes that nothing tells

if TYPE_CHECKING:
    from labelkit.init.guess import Guess
    from labelkit.job.job import Job


@command("init", inputs="one", uses=("text", "classes", "label", "id"))
def init(
    job: "Job",
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where to write the two files.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files of that name.")] = False,
) -> None:
    """Write a starter labelkit.toml and lfs.py for a data file.

    It guesses the text, the key and the classes from the data, and where a column holds labels
    it proposes rules that they speak for; look at both files and mend them.

    Example:
      labelkit init sample_data/reviews.csv --dir build/start --classes NEGATIVE,POSITIVE
    """
    paths = [folder / "labelkit.toml", folder / "lfs.py"]
    taken = [str(path) for path in paths if path.exists()]
    if taken and not force:
        raise UsageError(f"{taken[0]} is there already; give --force to write over it, or --dir")
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
    console.note(
        f"init: {console.count(job.rows, 'rows')} looked at{_told(guess)} -> {paths[0]}, {paths[1]}"
    )
    task = ["--task", str(paths[0])] if folder != Path() else []
    output = f"weak{ending_of(data) or '.csv'}"
    reads = {option: job.options[option] for option in ("delimiter", "encoding")}
    then = next_steps.command(reads, job.task, "weak-label", data, "-o", output, *task)
    console.note("edit both files, then go on")
    console.next_step(then)


def _told(guess: "Guess") -> str:
    columns = {"text": ", ".join(guess.text), "key": guess.key, "labels": guess.labels}
    parts = [f" · {what}: {console.clean(name)}" for what, name in columns.items() if name]
    n = guess.rules.count(RULE)
    return "".join(parts) + (f" · {console.count(n, 'rules')} proposed" if n else "")


def _task_text(job: "Job", guess: "Guess") -> str:
    shown = _two_or_more(guess.classes)
    lines = [
        f"# The task: what the rows of {_comment(job.source.name)} are to be labelled as.",
        "# Each option of a command is a key of the command's table; the command line wins.",
        "[task]",
        f"name = {_toml(Path(job.source.name).stem)}",
        _text_line(guess.text),
        f"classes = {_toml(shown)}{_of_classes(guess)}",
        'guidelines = ""   # what you would tell a person who labels',
        *([f"id = {_toml(guess.key)}{_of_key(guess.key)}"] if guess.key else []),
        *([_gold_line(guess.labels)] if guess.labels not in ("", "label") else []),
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
        *_rule_lines(guess, shown),
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
        return '# text = ["..."]   # no column reads like a text'
    return f"text = {_toml(text)}" + ("   # keep those that tell" if len(text) > 1 else "")


def _two_or_more(classes: list[str]) -> list[str]:
    return [*classes, *_PLACES[len(classes) :]]


def _of_classes(guess: "Guess") -> str:
    if len(guess.classes) < len(_PLACES):
        return "   # name your classes here"
    return f"   # column {_comment(guess.labels)}" if guess.labels else ""


def _of_key(key: str) -> str:
    return "   # the row's number: column id names several rows alike" if key == "row" else ""


def _gold_line(column: str) -> str:
    return f"# gold = {_toml(column)}   # if it holds the truth: it measures, and teaches nothing"


def _rule_lines(guess: "Guess", shown: list[str]) -> list[str]:
    if guess.rules:
        return [
            "# Rules to keep where they make sense, learned from column "
            f"{_comment(guess.labels)}: measured by it they look too good.",
            *(f"# {console.clean(line, 500)}".rstrip() for line in guess.rules.strip().split("\n")),
        ]
    return [
        f"# {RULE}",
        '# name = "praise"',
        f"# label = {_toml(shown[-1])}",
        '# any_of = ["wonderful", "loved"]',
    ]


def _functions_text(job: "Job", guess: "Guess") -> str:
    classes = _two_or_more(guess.classes)
    columns = ", ".join(_comment(name) for name in job.visible_columns())
    return f'''"""Labeling functions: each looks at a row and names a class, or abstains with None.

Columns: {columns}
"""


def lf_example(row):
    # Replace the words by ones that speak for a class, and add more functions like this one.
    words = ["replace", "these"]
    text = {_row_text(job, guess.text)}
    return {classes[-1]!r} if any(word in text for word in words) else None
'''


def _row_text(job: "Job", text: list[str]) -> str:
    if not text:
        return f"str(row[{job.source.columns[0]!r}]).lower()"
    # Without a column of that name, row.text is all that the task calls its text.
    if "text" in text or not job.source.has("text"):
        return "row.text.lower()"
    return f"row[{text[0]!r}].lower()"


def _comment(text: str) -> str:
    return console.clean(text).replace("\\", "/").replace('"""', "'")


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    import json

    # JSON's strings are TOML's basic strings but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

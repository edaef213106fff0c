"""`labelkit cache`: what is stored beside a task, and how to delete it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from labelkit import console
from labelkit.command.declare import command
from labelkit.config import paths
from labelkit.errors import LabelkitError


class Action(StrEnum):
    """What to do with the stored answers and embeddings."""

    show = "show"
    clear = "clear"


@command("cache", inputs="none", uses=("cache",), job=False)
def cache(
    options: dict[str, Any],
    action: Annotated[
        Action, typer.Argument(metavar="[show|clear]", help="Default: show.", show_default=False)
    ] = Action.show,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete answers that were paid for without asking.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show or delete what is stored in .labelkit: answers of language models, embeddings.

    Answers may quote the texts that were asked about. With clear they are deleted, and asked and
    paid again when they are needed. What was spent stays counted ([cost] budget), and so do open
    batch jobs. What people labelled is never in .labelkit and is never deleted.

    Examples:
      labelkit cache
      labelkit cache clear --cache build/.labelkit
    """
    folder = paths.cache_dir(options, "")
    stored = _stored(folder)
    if action is Action.show:
        console.data_table(["what", "number", "bytes"], stored, as_json=as_json)
    rows = [row for row in stored if row[1]]
    if not rows:
        console.note(f"cache: nothing is stored in {folder} (--cache DIR names another folder)")
    elif action is Action.clear:
        _clear(folder, rows, yes)
    else:
        console.note(f"cache: {folder}; labelkit cache clear deletes it")


Row = tuple[str, int, int]


def _stored(folder: Path) -> list[Row]:
    from labelkit.llm.client.response_cache import stored_answers
    from labelkit.ml.embedding import stored_vectors

    answers, vectors = stored_answers(folder), stored_vectors(folder)
    return [("answers", *answers), ("embeddings", *vectors)]


def _clear(folder: Path, rows: list[Row], yes: bool) -> None:
    from labelkit.llm.client.response_cache import Cache, stored_answers
    from labelkit.ml.embedding import delete_vectors

    named = " and ".join(f"{n:,} {what if n > 1 else what[:-1]}" for what, n, _ in rows)
    paid = ""
    if stored_answers(folder)[0]:
        opened = Cache(folder)
        try:
            dollars = opened.dollars()
            paid = f", for which ${dollars:,.2f} were paid" if dollars else ""
            question = f"Delete {named} in {folder}{paid}?"
            if console.can_ask() and not yes and not console.ask(question):
                raise LabelkitError("nothing was deleted")
            opened.clear()
        finally:
            opened.close()
    delete_vectors(folder)
    freed = sum(size for _, _, size in rows) - sum(size for _, _, size in _stored(folder))
    console.note(
        f"cache: {named} deleted from {folder}{paid} ({console.count(max(freed, 0), 'bytes')}); "
        "what was spent "
        f"stays counted"
    )

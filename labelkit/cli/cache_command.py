"""`labelkit cache`: shows and deletes stored answers and embeddings."""

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
    yes: Annotated[bool, typer.Option("--yes", help="Delete without confirmation.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show or delete the answers of language models and embeddings stored in .labelkit.

    Answers may quote the texts of requests. clear deletes them; they are requested and paid for
    again when needed. The money spent still counts towards [cost] budget, and open batch jobs are
    kept. Human labels are never in .labelkit and are never deleted.

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
        console.note(f"cache: {folder} is empty (use --cache DIR for another folder)")
    elif action is Action.clear:
        _clear(folder, rows, yes)
    else:
        console.note(f"cache: {folder}; delete it with labelkit cache clear")


Row = tuple[str, int, int]


def _stored(folder: Path) -> list[Row]:
    from labelkit.llm.client.response_cache import stored_answers
    from labelkit.ml.embedding import stored_vectors

    answers, vectors = stored_answers(folder), stored_vectors(folder)
    return [("answers", *answers), ("embeddings", *vectors)]


def _clear(folder: Path, rows: list[Row], yes: bool) -> None:
    from labelkit.llm.client.response_cache import Cache, stored_answers
    from labelkit.ml.embedding import delete_vectors

    named = " and ".join(console.count(n, what) for what, n, _ in rows)
    paid = ""
    if stored_answers(folder)[0]:
        opened = Cache(folder)
        try:
            dollars = opened.dollars()
            paid = f" (${dollars:,.2f} paid)" if dollars else ""
            question = f"Delete {named} in {folder}{paid}?"
            if console.can_ask() and not yes and not console.ask(question):
                raise LabelkitError("cancelled; nothing was deleted")
            opened.clear()
        finally:
            opened.close()
    delete_vectors(folder)
    freed = sum(size for _, _, size in rows) - sum(size for _, _, size in _stored(folder))
    console.note(
        f"cache: deleted {named} from {folder}{paid}, {console.count(max(freed, 0), 'bytes')}; "
        "the money spent still counts towards the budget"
    )

"""annotate: a person labels rows, on a screen, in a page or by lines; every answer is kept."""

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

from labelkit import console
from labelkit.annotate.options import Wanted
from labelkit.annotate.ui.background_loader import Opening
from labelkit.errors import Terminated

if TYPE_CHECKING:
    from labelkit.annotate.annotation_job import Sitting
    from labelkit.command.declare import Unopened

Ask = Callable[[Opening], None]


def annotate(unopened: "Unopened", wanted: Wanted) -> None:
    """Ask a person for the labels of the rows, and write the answers on the way out."""
    wanted.check()

    def sit_down() -> "Sitting":
        from labelkit.annotate import annotation_job as sitting

        return sitting.sit_down(unopened.open(), wanted)

    opening = Opening(sit_down)
    ended: Terminated | None = None
    try:
        ask_by(unopened, wanted)(opening)
    except Terminated as error:
        ended = error
    except KeyboardInterrupt:  # a way to quit: everything is kept
        pass
    finally:
        try:
            sitting = opening.sitting()
            sitting.end()
        finally:
            opening.tell()
    with sitting.job:
        if ended is not None:
            raise sitting.closed_by(ended.number)
        sitting.close()


def ask_by(unopened: "Unopened", wanted: Wanted) -> Ask:
    """Return the way of asking: the page, the screen of a terminal, or else line prompts."""
    if wanted.web:
        return lambda opening: _by_page(opening.sitting(), wanted.port or 0)
    if wanted.plain or not (console.can_ask() and console.is_terminal()):
        return lambda opening: _by_lines(opening.sitting())
    return lambda opening: _on_screen(opening, unopened, wanted)


def _on_screen(opening: Opening, unopened: "Unopened", wanted: Wanted) -> None:
    # Nothing of what a first screen loads is garbage; to look for it takes a tenth of the time.
    gc.disable()
    from labelkit.annotate.ui import terminal
    from labelkit.annotate.ui.first_row_preview import glimpse

    terminal.run(opening, glimpse(unopened.options, wanted))


def _by_page(sitting: "Sitting", port: int) -> None:
    from labelkit.annotate.ui import web

    web.run(sitting.session, sitting.marks, sitting.context, sitting.guide, port)


def _by_lines(sitting: "Sitting") -> None:
    from labelkit.annotate.ui import lines

    lines.run(sitting.session, sitting.marks, sitting.context, sitting.guide)

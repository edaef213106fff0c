"""annotate: a person labels rows on a terminal screen, in a browser page or with line prompts."""

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

from labelkit import console
from labelkit.annotate.options import AnnotateOptions
from labelkit.annotate.ui.background_loader import BackgroundLoader
from labelkit.errors import Terminated

if TYPE_CHECKING:
    from labelkit.annotate.annotation_job import AnnotationJob
    from labelkit.command.declare import Unopened

Ask = Callable[[BackgroundLoader], None]


def annotate(unopened: "Unopened", options: AnnotateOptions) -> None:
    """Run a labelling session, and write the answers at its end."""
    options.check()

    def open_job() -> "AnnotationJob":
        from labelkit.annotate import annotation_job

        return annotation_job.open_job(unopened.open(), options)

    loader = BackgroundLoader(open_job)
    ended: Terminated | None = None
    try:
        ask_by(unopened, options)(loader)
    except Terminated as error:
        ended = error
    except KeyboardInterrupt:  # ends the session; all answers are saved
        pass
    finally:
        try:
            annotation = loader.annotation()
            annotation.write_answers()
        finally:
            loader.print_messages()
    with annotation.job:
        if ended is not None:
            raise annotation.ended_by_signal(ended.number)
        annotation.report()


def ask_by(unopened: "Unopened", options: AnnotateOptions) -> Ask:
    """Return the user interface: browser page, terminal screen, or else line prompts."""
    if options.web:
        return lambda loader: _on_page(loader.annotation(), options.port or 0)
    if options.plain or not (console.can_ask() and console.is_terminal()):
        return lambda loader: _by_lines(loader.annotation())
    return lambda loader: _on_screen(loader, unopened, options)


def _on_screen(loader: BackgroundLoader, unopened: "Unopened", options: AnnotateOptions) -> None:
    # Loading the first screen creates no garbage, and collection takes a tenth of its time.
    gc.disable()
    from labelkit.annotate.ui import terminal
    from labelkit.annotate.ui.first_row_preview import load_preview

    terminal.run(loader, load_preview(unopened.options, options))


def _on_page(annotation: "AnnotationJob", port: int) -> None:
    from labelkit.annotate.ui import web

    web.run(annotation.session, annotation.marks, annotation.comparison, annotation.guide, port)


def _by_lines(annotation: "AnnotationJob") -> None:
    from labelkit.annotate.ui import lines

    lines.run(annotation.session, annotation.marks, annotation.comparison, annotation.guide)

"""Opens the annotation job, in a thread while the first screen is already shown."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from labelkit import console

if TYPE_CHECKING:
    from labelkit.annotate.annotation_job import AnnotationJob


class BackgroundLoader:
    """Opens a annotation once; who asks for it waits for it, and hears what stopped it."""

    def __init__(self, open_job: "Callable[[], AnnotationJob]") -> None:
        self._open_job = open_job
        self._annotation: AnnotationJob | None = None
        self._failure: BaseException | None = None
        self.messages: list[str] = []  # messages of the opening thread
        self._thread: threading.Thread | None = None

    def start(self, then: Callable[[], object]) -> None:
        """Open it in a thread, and call `then` there when it is open or opening has failed.

        Messages printed meanwhile are collected for `print_messages`.
        """

        def work() -> None:
            with console.keeping() as self.messages:
                self._open()
            then()

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def annotation(self) -> "AnnotationJob":
        """Return the annotation; raises what stopped it, if it could not be opened."""
        if self._thread is not None:
            if self._thread is not threading.current_thread():
                self._thread.join()
        elif self._annotation is None and self._failure is None:
            self._open()
        if self._failure is not None:
            raise self._failure
        assert self._annotation is not None
        return self._annotation

    def print_messages(self) -> None:
        """Print the collected messages."""
        for line in self.messages:
            console.say(line)

    def _open(self) -> None:
        try:
            self._annotation = self._open_job()
        except BaseException as error:  # raised by `annotation`
            self._failure = error

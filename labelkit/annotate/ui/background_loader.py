"""A sitting that is opened at once, or in a thread while a person already looks at the screen."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from labelkit import console

if TYPE_CHECKING:
    from labelkit.annotate.annotation_job import Sitting


class Opening:
    """Opens a sitting once; who asks for it waits for it, and hears what stopped it."""

    def __init__(self, sit_down: "Callable[[], Sitting]") -> None:
        self._sit_down = sit_down
        self._sitting: Sitting | None = None
        self._failure: BaseException | None = None
        self.said: list[str] = []  # what was to be said while it was opened in a thread
        self._thread: threading.Thread | None = None

    def begin(self, then: Callable[[], object]) -> None:
        """Open it in a thread, and call `then` there when that is done or has failed.

        What is to be said meanwhile is kept for `tell`.
        """

        def work() -> None:
            with console.keeping() as self.said:
                self._open()
            then()

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def sitting(self) -> "Sitting":
        """Return the sitting; raises what stopped it, if it could not be opened."""
        if self._thread is not None:
            if self._thread is not threading.current_thread():
                self._thread.join()
        elif self._sitting is None and self._failure is None:
            self._open()
        if self._failure is not None:
            raise self._failure
        assert self._sitting is not None
        return self._sitting

    def tell(self) -> None:
        """Say what was kept."""
        for line in self.said:
            console.say(line)

    def _open(self) -> None:
        try:
            self._sitting = self._sit_down()
        except BaseException as error:  # raised to whoever asks
            self._failure = error

"""The terminal user interface: loads the file behind the screen and handles keys.

It appears before the file is read: this module and its imports do not import data libraries.
"""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Input

from labelkit import console
from labelkit.annotate.ui import terminal_render
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.terminal_screen import AnnotateScreen
from labelkit.errors import LabelkitError, Terminated

if TYPE_CHECKING:
    from labelkit.annotate.ui.background_loader import BackgroundLoader
    from labelkit.annotate.ui.first_row_preview import Preview

END_SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # signals that end the session after saving its answers


def run(loader: "BackgroundLoader", preview: "Preview") -> None:
    """Show rows until the person leaves or the file cannot be opened.

    Raises LabelkitError if the screen fails, for example on bytes that no keyboard sends.
    """
    app = AnnotateApp(loader, preview)
    handlers = {number: signal.getsignal(number) for number in END_SIGNALS}
    try:
        app.run()
    finally:  # the handlers of the app end with its event loop
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_IGN if number == app.ended_by else handler)
    if app.ended_by:
        raise Terminated(app.ended_by)
    if app.return_code or app.is_broken:
        raise LabelkitError(
            "the screen failed (see the error above); all answers are saved; run the same command "
            "to continue, or with --plain for line prompts"
        )


class Opened(Message):
    """The annotation job is open, or opening it has failed."""


class AnnotateApp(AnnotateScreen):
    """The screen with its keys: one row at a time, one key per decision."""

    BINDINGS: ClassVar = [("ctrl+c", "leave", ""), ("ctrl+q", "leave", "")]

    def __init__(self, loader: "BackgroundLoader", preview: "Preview") -> None:
        super().__init__(loader, preview)
        self._waiting: list[str] = []  # keys pressed while loading
        self._keys: dict[str, str] = {}  # the class of each digit
        self.is_broken = False
        self.ended_by = 0  # the signal

    def panic(self, *renderables: Any) -> None:
        """End because the terminal cannot be read any more; sets `is_broken`, not a return code."""
        self.is_broken = True
        super().panic(*renderables)

    def on_mount(self) -> None:
        """Show the preview, and open the file in the background."""
        for number in END_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                with suppress(NotImplementedError, RuntimeError, ValueError):  # no main thread
                    asyncio.get_running_loop().add_signal_handler(number, self._end_by, number)
        self.draw(f"Loading {console.clean(self.preview.name, 40)}…")
        self.call_after_refresh(self._open)

    def _end_by(self, number: int) -> None:
        self.ended_by = number
        self.exit()

    def _open(self) -> None:
        gc.enable()
        self.loader.start(lambda: self.post_message(Opened()))

    def on_opened(self) -> None:
        """Show the first row; its time begins now."""
        try:
            self._annotation = self.loader.annotation()
        except BaseException:  # raised again where the caller of the app uses the loader
            self.exit()
            return
        self._keys = words.keys_of(self.session.classes)
        self.session.show(self.session.current)
        if self.mode == "opening":
            self.mode = "row"
        warned = [line for line in self.loader.messages if line.startswith(console.WARNING)]
        self.draw(warned[-1] if warned else "? shows the keys", wrong=bool(warned))
        self._replay_waiting_keys()

    def _replay_waiting_keys(self) -> None:
        """Handle the keys pressed while loading, if the row and the classes were on the screen."""
        waiting, self._waiting = self._waiting, []
        was_shown = self._was_shown()
        for pressed in waiting:
            if not was_shown or self.mode != "row":
                self.draw("Ignored keys pressed while loading.", wrong=True)
                return
            if pressed == "q":
                self.exit()
                return
            self._act(pressed)

    def _was_shown(self) -> bool:
        first, row = self.preview.first, self.session.current
        if first is None or row is None or self.preview.classes != self.session.classes:
            return False
        return first.key == self.session.table.keys[row]

    # -- keys ----------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Handle a key."""
        if self.mode in ("note", "find"):
            self._key_in_entry(event)
            return
        event.stop()
        event.prevent_default()
        pressed = event.character if event.is_printable and event.character else event.key
        waits_for_others = self.mode == "opening" and bool(self._waiting)
        leaves = pressed == "q" and not waits_for_others and self.mode != "help"
        if pressed in ("ctrl+c", "ctrl+q") or leaves:
            self.exit()
        elif self.mode == "opening":
            self._waiting.append(pressed)
        elif self.mode == "small":
            return
        elif pressed in _SCROLLS:
            self.query_one("#card", VerticalScroll).scroll_relative(
                y=_SCROLLS[pressed], animate=False
            )
        elif self.mode == "help":
            self._show_help(False)
        else:
            self._act(pressed)

    def _act(self, pressed: str) -> None:
        try:
            status = self._do(pressed)
        except LabelkitError as error:
            self.bell()
            self.draw(str(error), wrong=True)
            return
        if status is not None and self.mode == "row":
            self.draw(status)

    def _do(self, pressed: str) -> str | None:
        """Run a key's action; return the status to show, None to leave the screen unchanged."""
        if pressed in ("backspace", "delete", "u", "ctrl+z"):
            return "nothing to undo" if self.session.undo() is None else "undone"
        if pressed == "?":
            self._show_help(True)
            return None
        if self.session.current is None:
            return None
        if len(pressed) == 1 and pressed in words.DIGITS:
            return self._decide_by_digit(pressed)
        if pressed in ("enter", "a"):
            suggestion = self.session.row_info().suggestion
            if suggestion is None:
                return "no suggestion to accept"
            return self._decide(suggestion.label)
        action = _ACTIONS.get(pressed)
        return action(self) if action else None

    def _show_help(self, visible: bool) -> None:
        self.mode = "help" if visible else "row"
        self._lay_out()
        self.draw("up and down scroll, any other key closes the help" if visible else "")

    def _decide_by_digit(self, digit: str) -> str:
        label = self._keys.get(digit)
        if label is None:
            return f"no class has the digit {digit}"
        if label not in self._shown_classes:  # a class must be visible to be given
            return f"{digit} is not on the screen: enlarge the terminal, or find the class with /"
        return self._decide(label)

    def _decide(self, label: str) -> str:
        row = self.session.current
        assert row is not None
        self.session.decide(label)
        return f"{console.clean(self.session.table.keys[row], 30)}: {console.clean(label, 60)}"

    def _skip(self) -> str:
        self.session.skip()
        return "skipped"

    def _flag(self) -> str:
        return "flagged" if self.session.flag() else "no longer flagged"

    def _copies(self) -> str:
        self.session.with_copies = not self.session.with_copies
        return ""

    def action_leave(self) -> None:
        """Leave, like q, but also while a note is typed."""
        self.exit()

    # -- the entry line ------------------------------------------------------------------------

    def _open_note(self) -> None:
        note = self.session.current_answer().note
        self._open_entry("note", "note: Enter saves, Esc cancels", note)

    def _open_find(self) -> None:
        self._open_entry("find", "part of the class name: Enter selects, Esc cancels")
        self._narrow("")

    def _open_entry(self, mode: str, placeholder: str, text: str = "") -> None:
        self.mode = mode
        entry = self.query_one("#entry", Input)
        entry.value, entry.placeholder = text, placeholder
        self._show_entry()

    def _close_entry(self) -> None:
        self._hide_entry()
        self.mode = "row"
        self._lay_out()

    def _key_in_entry(self, event: events.Key) -> None:
        """Close the entry line, or move through the matching classes."""
        if event.key == "escape":
            self._close_entry()
            self.draw("")
        elif self.mode == "find" and event.key in ("up", "down"):
            step = 1 if event.key == "down" else -1
            self.selected_match = max(
                0, min(len(self.matching_classes) - 1, self.selected_match + step)
            )
            self._put("classes", self._class_list())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Update the matching classes while a name is typed."""
        if self.mode == "find":
            self._narrow(event.value)

    def _narrow(self, typed: str) -> None:
        self.matching_classes, self.selected_match = (
            terminal_render.matching(self.session.classes, typed),
            0,
        )
        self._put("classes", self._class_list())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save the note, or give the selected class."""
        finding = self.mode == "find"
        label = (
            self.matching_classes[self.selected_match]
            if finding and self.matching_classes
            else None
        )
        self._close_entry()
        try:
            if not finding:
                self.session.note(event.value)
                self.draw("note saved" if event.value.strip() else "note removed")
            else:
                self.draw("No matching class." if label is None else self._decide(label))
        except LabelkitError as error:
            self.bell()
            self.draw(str(error), wrong=True)


_SCROLLS = {"down": 1, "up": -1, "j": 1, "k": -1, "pagedown": 10, "pageup": -10}
_ACTIONS: dict[str, Callable[[AnnotateApp], str | None]] = {
    "space": AnnotateApp._skip,
    " ": AnnotateApp._skip,
    "s": AnnotateApp._skip,
    "f": AnnotateApp._flag,
    "=": AnnotateApp._copies,
    "n": AnnotateApp._open_note,
    "/": AnnotateApp._open_find,
}

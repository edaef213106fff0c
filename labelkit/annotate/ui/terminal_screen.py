"""What the terminal screen shows: layout, current row, classes, status and entry line."""

from typing import TYPE_CHECKING

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from labelkit import console
from labelkit.annotate.ui import terminal_render
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.terminal_render import LOWEST, NARROWEST, ROOMY
from labelkit.data.suggestions import BLIND_ORIGINS

if TYPE_CHECKING:
    from labelkit.annotate.annotation_job import AnnotationJob
    from labelkit.annotate.session import Session
    from labelkit.annotate.ui.background_loader import BackgroundLoader
    from labelkit.annotate.ui.first_row_preview import Preview

HINTS = ("Space skip · Backspace undo · f flag · q leave · ? help", "? help")


class AnnotateScreen(App[None]):
    """The screen. It shows plain content: markup and escape codes in cells are not interpreted."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = ""
    CSS = """
    #progress { height: 1; background: $primary; color: $text; padding: 0 1; }
    #card { height: 1fr; padding: 0 2; }
    #about { height: auto; padding: 0 2; color: $text-muted; }
    #classes { height: auto; padding: 0 2; }
    .roomy #card { padding: 1 2; }
    .roomy #classes { border-top: solid $primary; }
    #entry { display: none; height: 3; }
    #bottom { height: 1; padding: 0 1; background: $panel; }
    #status { width: 1fr; height: 1; }
    #hint { width: auto; height: 1; color: $text-muted; }
    #small { display: none; height: 100%; }
    .hidden { display: none; }
    """

    def __init__(self, loader: "BackgroundLoader", preview: "Preview") -> None:
        super().__init__()
        self.loader, self.preview = loader, preview
        self.mode = "opening"  # then row, help, note, find, small
        self._mode_before = "opening"  # before the terminal became too small
        self.matching_classes: list[str] = []
        self.selected_match = 0
        self._annotation: AnnotationJob | None = None
        self._shown_classes: frozenset[str] = frozenset()  # those on the screen
        self._status = ("", False)  # the status line, and whether it is an error

    @property
    def is_opening(self) -> bool:
        """Whether the file is still being read; keys are queued meanwhile."""
        return self._annotation is None

    @property
    def session(self) -> "Session":
        """The session, once the file is open."""
        assert self._annotation is not None
        return self._annotation.session

    def compose(self) -> ComposeResult:
        """Yield the parts of the screen, from top to bottom."""
        yield Static(id="progress", markup=False)
        with VerticalScroll(id="card", can_focus=False):
            yield Static(id="text", markup=False)
        yield Static(id="about", markup=False)
        yield Static(id="classes", markup=False)
        yield Input(id="entry", select_on_focus=False)
        with Horizontal(id="bottom"):
            yield Static(id="status", markup=False)
            yield Static(id="hint", markup=False)
        yield Static(id="small", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Lay out the screen again, or show that the terminal is too small."""
        small = event.size.width < NARROWEST or event.size.height < LOWEST
        if small:
            if self.mode != "small":
                self._mode_before = self.mode
                self._hide_entry()
            self.mode = "small"
            self._put(
                "small",
                f"Too small: {event.size.width}x{event.size.height}.\n"
                f"Make it {NARROWEST}x{LOWEST} or more.\nAll answers are saved.\nq: leave",
            )
        elif self.mode == "small":
            self._grow()
        self._lay_out()
        if not small:
            self.draw(*self._status, scrolls=False)

    def _lay_out(self) -> None:
        """Hide the parts that the mode does not need, to leave lines for the text."""
        small, roomy = self.mode == "small", self.size.height >= ROOMY
        typing = self.mode in ("note", "find")
        hidden = {
            "progress": small,
            "card": small,
            "about": small or self.mode == "help" or (typing and not roomy),
            "classes": small or self.mode == "help" or (self.mode == "note" and not roomy),
            "bottom": small,
        }
        for name, is_hidden in hidden.items():
            self.query_one(f"#{name}").set_class(is_hidden, "hidden")
        self.query_one("#small").display = small
        self.query_one("#about").styles.max_height = max(2, self.size.height // 5)
        self.screen.set_class(roomy, "roomy")
        self.refresh(layout=True)

    @property
    def _width(self) -> int:
        return self.size.width - 4  # the padding

    @property
    def _class_lines(self) -> int:
        return max(1, self.size.height * 3 // 8)

    def _grow(self) -> None:
        """Return to the mode before the terminal became too small."""
        typing = self._mode_before in ("note", "find")
        self.mode = self._mode_before if typing else "opening" if self.is_opening else "row"
        if typing:
            self._show_entry()
        self.draw("")

    # -- what is shown -------------------------------------------------------------------------

    def draw(self, status: str, wrong: bool = False, scrolls: bool = True) -> None:
        """Show the current row (or the help), and the status in the last line."""
        self._status = (status, wrong)
        with self.batch_update():
            self._put_status()
            if self._annotation is None:
                self._draw_preview()
                return
            self._put("progress", self._progress_text())
            if self.mode == "help":
                self._put(
                    "text", terminal_render.guide(self._annotation.guide, self.session.classes)
                )
            elif self.session.current is None:
                reason = self.session.stop_reason or "every row is answered"
                self._put("text", f"Done: {reason}.\n\nq: leave · Backspace: undo")
                self._put("about", "")
                self._put("classes", "")
            else:
                self._put("text", self._row_text(self._annotation, self.session.current))
                self._put("about", self._about_text())
                self._put("classes", self._class_list())
            if scrolls:
                self.query_one("#card", VerticalScroll).scroll_home(animate=False)

    def _put_status(self) -> None:
        status, wrong = self._status
        self._put("status", Content.styled(status, "bold red") if wrong else status)
        room = self.size.width - 4 - console.cells_of(status)
        is_reading = self.mode in ("row", "opening")
        self._put("hint", next((h for h in HINTS if is_reading and len(h) <= room), ""))

    def _draw_preview(self) -> None:
        listed = terminal_render.classes(self.preview.classes, self._width, self._class_lines)
        self._put("classes", listed.content)
        first = self.preview.first
        if first is None:
            self._put("progress", console.clean(self.preview.name, 60))
            return
        key = console.clean(first.key, 40)
        self._put("progress", f"{console.clean(first.key_name, 20)} {key}")
        marks = self.preview.marks.for_row(first.info.origin in BLIND_ORIGINS)
        self._put("text", terminal_render.row(first.texts, first.fields, "", marks))
        self._put("about", terminal_render.row_info(first.info))

    def _put(self, name: str, content: Content | str) -> None:
        plain = content if isinstance(content, Content) else Content(content)
        self.query_one(f"#{name}", Static).update(plain)

    def _progress_text(self) -> str:
        # The key comes early, because a narrow terminal cuts the end of the line.
        table, row = self.session.table, self.session.current
        key = "" if row is None else console.clean(table.keys[row], 40)
        asked = f"{console.clean(table.key_name, 20)} {key}" if key else ""
        progress = self.session.progress()
        line = words.progress_line(progress, asked)
        if not progress.total:
            return line
        filled = round(10 * min(1, progress.done / progress.total))
        return f"{'█' * filled}{'░' * (10 - filled)} {line}"

    def _row_text(self, annotation: "AnnotationJob", row: int) -> Content:
        texts, comparison = self.session.table.texts(row), annotation.comparison
        marks = annotation.marks.for_row(self.session.asks_blind(row))
        return terminal_render.row(texts, comparison.fields(row), comparison.nearest(row), marks)

    def _about_text(self) -> Content:
        more = (words.copies_line(self.session), words.marks_line(self.session))
        return terminal_render.row_info(self.session.row_info(), more)

    def _class_list(self) -> Content:
        if self.mode == "find":
            return terminal_render.found_classes(
                self.matching_classes, self.selected_match, self._width, self._class_lines
            )
        listed = terminal_render.classes(self.session.classes, self._width, self._class_lines)
        self._shown_classes = listed.labels
        return listed.content

    # -- the entry line ------------------------------------------------------------------------

    def _show_entry(self) -> None:
        self._lay_out()
        entry = self.query_one("#entry", Input)
        entry.display = True
        entry.cursor_position = len(entry.value)
        entry.focus()

    def _hide_entry(self) -> None:
        self.query_one("#entry", Input).display = False
        self.set_focus(None)

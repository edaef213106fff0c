"""The terminal screen: one row at a time, one key a decision."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from labelkit import console
from labelkit.errors import LabelkitError
from labelkit.people import words
from labelkit.people.context import Context
from labelkit.people.highlight import Highlighter, shown
from labelkit.people.session import Session

NARROWEST, LOWEST = 40, 12
MOST_LISTED = 20  # classes; the others are found with /
HELP = """\
1 … 9 0    give the label beside the digit, and go on
Enter      take the guess (a, too)
Space      skip (s, too)
Backspace  undo, also what an earlier session did (u, too)
f          flag for a second look; n  write a note
=          with or without the rows that look the same
/          find a class by its name: type, choose with up and down, Enter
up down PgUp PgDn j k   scroll the text
a value's percents: its percentile among the rows labelled so far in each
           class; of words, the share of those rows that have the same
q          leave; everything is kept, the same command goes on
?          these keys; any key goes back"""


def run(session: Session, highlighter: Highlighter, context: Context) -> None:
    """Show the rows one by one until the person leaves."""
    AnnotateApp(session, highlighter, context).run()


class AnnotateApp(App[None]):
    """The screen. What it shows is plain content: markup and escapes in cells mean nothing."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = ""
    CSS = """
    #progress { height: 1; background: $primary; color: $text; padding: 0 1; }
    #card { height: 1fr; padding: 1 2; }
    #about { height: auto; max-height: 6; padding: 0 2; color: $text-muted; }
    #classes { height: auto; max-height: 8; padding: 0 2; }
    #entry { display: none; height: 3; }
    #status { height: 1; padding: 0 1; background: $panel; }
    #small { display: none; height: 100%; }
    .hidden { display: none; }
    """
    BINDINGS: ClassVar = [("ctrl+c", "leave", ""), ("ctrl+q", "leave", "")]

    def __init__(self, session: Session, highlighter: Highlighter, context: Context) -> None:
        super().__init__()
        self.session, self.highlighter, self.context = session, highlighter, context
        self.mode = "row"  # or help, note, find, small
        self.found: list[str] = []
        self.chosen = 0
        self._keys = words.keys_of(session.classes)

    def compose(self) -> ComposeResult:
        """Lay the screen out, top to bottom."""
        yield Static(id="progress", markup=False)
        with VerticalScroll(id="card", can_focus=False):
            yield Static(id="text", markup=False)
        yield Static(id="about", markup=False)
        yield Static(id="classes", markup=False)
        yield Input(id="entry")
        yield Static(id="status", markup=False)
        yield Static(id="small", markup=False)

    def on_mount(self) -> None:
        """Show the first row; its time begins now."""
        self.session.show(self.session.current)
        self.draw("? shows the keys")

    def on_resize(self, event: events.Resize) -> None:
        """Say so where the terminal is too small to read a row."""
        small = event.size.width < NARROWEST or event.size.height < LOWEST
        for name in ("progress", "card", "about", "classes", "status"):
            self.query_one(f"#{name}").set_class(small, "hidden")
        self.query_one("#small").display = small
        self.refresh(layout=True)
        if small:
            self._close_entry()
            self.mode = "small"
            self._put(
                "small",
                f"Too small: {event.size.width}x{event.size.height}.\n"
                f"Make it {NARROWEST}x{LOWEST} or more.\nNothing is lost.\nq: leave",
            )
        elif self.mode == "small":
            self.mode = "row"
            self.draw("")

    # -- what is shown -------------------------------------------------------------------------

    def draw(self, status: str, *, wrong: bool = False) -> None:
        """Show the current row, and in the last line what has just happened."""
        with self.batch_update():
            self._put("progress", self._progress_text())
            self._put("status", Content.styled(status, "bold red") if wrong else status)
            if self.session.current is None:
                over = self.session.over or "every row is answered"
                self._put("text", f"Done: {over}.\n\nq: leave · Backspace: undo")
                self._put("about", "")
                self._put("classes", "")
                return
            self._put("text", self._row_text(self.session.current))
            self._put("about", self._about_text())
            self._put("classes", self._class_list())
            self.query_one("#card", VerticalScroll).scroll_home(animate=False)

    def _put(self, name: str, content: Content | str) -> None:
        plain = content if isinstance(content, Content) else Content(content)
        self.query_one(f"#{name}", Static).update(plain)

    def _progress_text(self) -> str:
        progress = self.session.progress()
        line = words.progress_line(progress)
        if progress.total:
            filled = round(10 * min(1, progress.done / progress.total))
            line = f"{'█' * filled}{'░' * (10 - filled)} {line}"
        if self.session.current is None:
            return line
        key = console.clean(self.session.deck.keys[self.session.current], 40)
        return f"{line} · {console.clean(self.session.deck.key_name, 20)} {key}"

    def _row_text(self, row: int) -> Content:
        parts: list[Content | tuple[str, str]] = []
        texts = self.session.deck.texts(row)
        for name, text in texts:
            if len(texts) > 1:
                parts.append((f"{console.clean(name)}\n", "bold dim"))
            parts += [self._marked(shown(text)), Content("\n")]
        fields = self.context.fields(row)
        if texts and fields:
            parts.append(Content("\n"))
        width = max((len(console.clean(field.name, 30)) for field in fields), default=0)
        for field in fields:
            parts.append((f"{console.clean(field.name, 30):<{width}}  ", "dim"))
            parts.append(self._marked(shown(field.value)))
            parts.append((f"   {field.beside}\n" if field.beside else "\n", "dim"))
        near = self.context.nearest(row)
        if near:
            parts.append((f"\nnearest labelled: {near}", "dim"))
        return Content.assemble(*parts)

    def _marked(self, text: str) -> Content:
        content = Content(text)
        for start, end in self.highlighter.spans(text):
            content = content.stylize("bold underline", start, end)
        return content

    def _about_text(self) -> Content:
        about = self.session.about()
        suggestion = words.suggestion_line(about)
        taken = f"{suggestion} (Enter takes it)" if suggestion else ""
        others = (
            words.reason_line(about), words.copies_line(self.session),
            words.marks_line(self.session),
        )  # fmt: skip
        rest = "\n".join(line for line in others if line)
        gap = "\n" if taken and rest else ""
        return Content.assemble((taken, "bold"), gap + rest)

    def _class_list(self) -> Content:
        if self.mode == "find":
            return _listed(self.found, self.chosen)
        of_class = {label: key for key, label in self._keys.items()}
        parts: list[tuple[str, str]] = []
        for label in self.session.classes[:MOST_LISTED]:
            key = of_class.get(label)
            parts.append((f"[{key}] " if key else "", "bold"))
            parts.append((f"{console.clean(label, 60)}   ", ""))
        rest = len(self.session.classes) - MOST_LISTED
        if rest > 0:
            parts.append((f"and {rest:,} more: / finds them", "dim"))
        elif len(self.session.classes) > len(self._keys):
            parts.append(("/ finds those without a digit", "dim"))
        return Content.assemble(*parts)

    # -- keys ----------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Do what the key says."""
        if self.mode in ("note", "find"):
            self._key_in_entry(event)
            return
        event.stop()
        event.prevent_default()
        pressed = event.character if event.is_printable and event.character else event.key
        if pressed in ("q", "ctrl+c", "ctrl+q"):
            self.exit()
        elif self.mode == "small":
            return
        elif self.mode == "help":
            self.mode = "row"
            self.draw("")
        elif pressed in _SCROLLS:
            self.query_one("#card", VerticalScroll).scroll_relative(
                y=_SCROLLS[pressed], animate=False
            )
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
        """Return what to say about it; None where the screen stays as it is."""
        if pressed in ("backspace", "delete", "u", "ctrl+z"):
            return "nothing to undo" if self.session.undo() is None else "undone"
        if pressed == "?":
            self.mode = "help"
            self._put("text", HELP)
            return None
        if self.session.current is None:
            return None
        if pressed in self._keys:
            return self._decide(self._keys[pressed])
        if pressed in ("enter", "a"):
            suggestion = self.session.about().suggestion
            if suggestion is None:
                return "there is no guess to take"
            return self._decide(suggestion.label)
        action = _ACTIONS.get(pressed)
        return action(self) if action else None

    def _decide(self, label: str) -> str:
        row = self.session.current
        assert row is not None
        self.session.decide(label)
        return f"{console.clean(self.session.deck.keys[row], 30)}: {console.clean(label, 60)}"

    def _skip(self) -> str:
        self.session.skip()
        return "skipped"

    def _flag(self) -> str:
        return "flagged" if self.session.flag() else "no longer flagged"

    def _copies(self) -> str:
        self.session.with_copies = not self.session.with_copies
        return ""

    def action_leave(self) -> None:
        """Leave, as q does, also from within a note."""
        self.exit()

    # -- the line to type in -------------------------------------------------------------------

    def _open_note(self) -> None:
        self._open_entry("note", "a note; Enter keeps it, Esc does not")
        self.query_one("#entry", Input).value = self.session.of_current().note

    def _open_find(self) -> None:
        self._open_entry("find", "part of the class's name; Enter takes it, Esc goes back")
        self._narrow("")

    def _open_entry(self, mode: str, placeholder: str) -> None:
        self.mode = mode
        entry = self.query_one("#entry", Input)
        entry.value, entry.placeholder, entry.display = "", placeholder, True
        entry.focus()

    def _close_entry(self) -> None:
        entry = self.query_one("#entry", Input)
        entry.display = False
        self.set_focus(None)
        self.mode = "row"

    def _key_in_entry(self, event: events.Key) -> None:
        """Leave the line, or walk through the classes that were found."""
        if event.key == "escape":
            self._close_entry()
            self.draw("")
        elif self.mode == "find" and event.key in ("up", "down"):
            step = 1 if event.key == "down" else -1
            self.chosen = max(0, min(len(self.found) - 1, self.chosen + step))
            self._put("classes", self._class_list())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the classes while a name is typed."""
        if self.mode == "find":
            self._narrow(event.value)

    def _narrow(self, typed: str) -> None:
        self.found, self.chosen = matching(self.session.classes, typed), 0
        self._put("classes", self._class_list())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the note, or give the class that was found."""
        finding = self.mode == "find"
        label = self.found[self.chosen] if finding and self.found else None
        self._close_entry()
        try:
            if not finding:
                self.session.note(event.value)
                self.draw("noted" if event.value.strip() else "the note is gone")
            else:
                self.draw("no class is called so" if label is None else self._decide(label))
        except LabelkitError as error:
            self.bell()
            self.draw(str(error), wrong=True)


def matching(classes: Sequence[str], typed: str) -> list[str]:
    """Return the classes whose name holds what is typed, those that begin with it first."""
    wanted = typed.strip().casefold()
    holding = [name for name in classes if wanted in name.casefold()]
    return sorted(holding, key=lambda name: not name.casefold().startswith(wanted))


def _listed(found: Sequence[str], chosen: int) -> Content:
    """Return the classes that were found, the chosen one marked, as far as there is room."""
    first = max(0, min(chosen - 3, len(found) - 7))
    lines: list[tuple[str, str]] = []
    for place, label in enumerate(found[first : first + 7], first):
        mark, style = ("› ", "bold reverse") if place == chosen else ("  ", "")
        lines.append((f"{mark}{console.clean(label, 60)}\n", style))
    return Content.assemble(*(lines or [("no class is called so", "dim")]))


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

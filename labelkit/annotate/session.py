"""A session: which row comes next, what a person decided, undo. Knows no screen."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from labelkit import console
from labelkit.annotate.journal import Journal, now
from labelkit.annotate.row import About
from labelkit.annotate.working_time import longest_work, worked
from labelkit.data.answers_journal import DECISIONS, Entry
from labelkit.data.columns import AUDIT
from labelkit.data.suggestions import BLIND_ORIGINS
from labelkit.errors import LabelkitError, UsageError, listing, nearest

if TYPE_CHECKING:
    from labelkit.annotate.rows import Deck

REDO = ("flagged", "skipped")
_RECENT = 50  # decisions that the pace is taken from


class Said(NamedTuple):
    """What a person has said of a row so far."""

    label: str = ""
    origin: str = ""
    note: str = ""
    flag: bool = False
    skipped: bool = False
    shown: tuple[float, ...] = ()  # seconds on the screen, each time until a decision
    who: str = ""
    is_copy: bool = False  # answered together with a row that looks the same


NOTHING = Said()


class Progress(NamedTuple):
    """How far it is: rows answered, of how many (None: open end), seconds a row and to the end."""

    done: int
    total: int | None
    pace: float | None
    left: float | None
    skipped: int
    flagged: int


class Limits(NamedTuple):
    """When to stop asking."""

    labels: int | None = None
    minutes: float | None = None

    def reached(self, session: "Session") -> str:
        """Return which limit is reached, '' while none is."""
        if self.labels is not None and session.labels_given() >= self.labels:
            return f"the {console.count(self.labels, 'labels')} of --labels are given"
        if self.minutes is not None and session.minutes() >= self.minutes:
            return f"the {self.minutes:g} minutes of --minutes are over"
        return ""


class Order(Protocol):
    """Chooses which row is asked next."""

    def next(self, is_open: Callable[[int], bool]) -> int | None:
        """Return the next of the open rows, None where there is none."""

    def about(self, row: int) -> About:
        """Return why the row is asked and what it probably is."""

    def changed(self, reopened: bool) -> None:
        """Hear that answers have changed; `reopened`: one was taken back."""

    def over(self, session: "Session") -> str:
        """Return why no more rows are asked, '' while there are."""


_NO_LIMITS = Limits()


class FileOrder:
    """The rows of the file as they stand; those with a label there are not asked."""

    def __init__(self, deck: "Deck", rows: Iterable[int], limits: Limits = _NO_LIMITS) -> None:
        self._deck, self._limits = deck, limits
        self._rows = list(rows)
        self._at = 0

    @property
    def total(self) -> int:
        """How many rows are asked in all."""
        return len(self._rows)

    def next(self, is_open: Callable[[int], bool]) -> int | None:
        """Return the first open row."""
        while self._at < len(self._rows) and not is_open(self._rows[self._at]):
            self._at += 1
        return self._rows[self._at] if self._at < len(self._rows) else None

    def about(self, row: int) -> About:
        """Return what the file says."""
        return self._deck.about(row)

    def changed(self, reopened: bool) -> None:
        """Look again from the start where an undo has opened an earlier row."""
        if reopened:
            self._at = 0

    def over(self, session: "Session") -> str:
        """Return which limit is reached."""
        return self._limits.reached(session)


class Session:
    """A person at work on a deck; `current` is the row that is asked, None at the end.

    Each decision is in the journal before the next row is there; `said` is what was said of each
    row. Every method that changes something raises LabelkitError, and changes nothing, where the
    journal cannot be written.
    """

    def __init__(
        self,
        deck: "Deck",
        order: Order,
        classes: Sequence[str],
        journal: Journal,
        *,
        who: str = "",
        blind: bool = False,
        redo: str | None = None,
        total: int | None = None,
        counts_labels: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deck, self.order, self.classes = deck, order, list(classes)
        self.who, self.blind, self.clock = who, blind, clock
        self.said: dict[int, Said] = {}
        self._counts_labels = counts_labels
        self.with_copies = True
        self.after_decision: Callable[[], None] = _nothing
        self._journal = journal
        self._past: list[list[tuple[int, Said]]] = []
        self._guesses: list[tuple[bool, bool]] = []  # of each: was one offered, was it taken
        self._seconds: list[float] = []
        self._handled: set[int] = set()
        for number, entry in enumerate(journal.entries, 2):
            self._recall(entry, number)
        self._check_classes()
        self._redo = self._to_redo(redo)
        self._handled = set()  # what this session has decided of what it asks again
        self._total = total if self._redo is None else len(self._redo)
        self.started = clock()
        self.current: int | None = None
        self._about: About | None = None
        self._shown_at = clock()
        self.go_on()

    # -- what is asked -------------------------------------------------------------------------

    def go_on(self) -> None:
        """Show the next open row."""
        self.order.changed(reopened=False)
        over = self.over
        self.show(None if over else self.order.next(self.is_open))

    def show(self, row: int | None) -> None:
        """Ask this row."""
        self.current = row
        self._about = None
        self.with_copies = True
        self._shown_at = self.clock()

    @property
    def over(self) -> str:
        """Why no more is asked, '' while there are rows."""
        return self.order.over(self)

    def is_open(self, row: int) -> bool:
        """Tell whether a row still waits for a decision."""
        if self._redo is not None:
            return row in self._redo and row not in self._handled
        said = self.said.get(row, NOTHING)
        return not said.label and not said.skipped

    def asks_blind(self, row: int) -> bool:
        """Tell whether a row is answered without any opinion of a machine."""
        return self._origin(row) in BLIND_ORIGINS

    def about(self) -> About:
        """Return what is known of the current row, without the suggestion if it is blind.

        Of a row that measures accuracy (audit, calibration) only its origin is returned. What is
        returned stays the same while the row is shown: who takes a guess takes the one that they
        see, whatever a model has learned meanwhile.
        """
        assert self.current is not None
        if self._about is None:
            self._about = self.order.about(self.current)
            if self.asks_blind(self.current):
                self._about = About(self._origin(self.current), "", None)
        return self._about._replace(suggestion=None) if self.blind else self._about

    def of_current(self) -> Said:
        """Return what was said of the current row so far; nothing where the audit asks again."""
        if self.current is None:
            return NOTHING
        said = self.said.get(self.current, NOTHING)
        asks_again = self.about().origin == AUDIT and said.origin not in ("", AUDIT)
        return NOTHING if asks_again else said

    def copies(self) -> list[int]:
        """Return the open rows that look like the current one.

        A row that is answered blind is never answered together with one that shows a suggestion.
        """
        assert self.current is not None
        about = self.about()
        blind = about.suggestion is None and not about.reason
        return [
            row
            for row in self.deck.copies(self.current)
            if self.is_open(row) and (blind or not self.asks_blind(row))
        ]

    # -- decisions -----------------------------------------------------------------------------

    def decide(self, label: str) -> None:
        """Give the current row (and its copies, unless declined) a label, and go on."""
        if label not in self.classes:
            raise UsageError(
                f"{label!r} is not one of the classes {listing(self.classes)}"
                f"{nearest(label, self.classes)}"
            )
        suggestion = self.about().suggestion
        entry = {"do": "label", **self._rows_asked(), "label": label}
        if suggestion is not None:
            entry["suggested"] = suggestion.label
        self._record(entry)
        self.go_on()

    def accept(self) -> bool:
        """Take the suggestion; False where there is none."""
        suggestion = self.about().suggestion
        if suggestion is None:
            return False
        self.decide(suggestion.label)
        return True

    def skip(self) -> None:
        """Leave the current row (and its copies) without a label, and go on."""
        self._record({"do": "skip", **self._rows_asked()})
        self.go_on()

    def flag(self) -> bool:
        """Mark the current row for a second look, or take the mark off; stay on it."""
        mark = not self.of_current().flag
        self._record({"do": "flag", "keys": [self._key()], "flag": mark})
        return mark

    def note(self, text: str) -> None:
        """Write a remark on the current row; stay on it."""
        self._record({"do": "note", "keys": [self._key()], "note": text.strip()})

    def undo(self) -> int | None:
        """Take back the last decision, also one of an earlier session, and ask its row again."""
        if not self._past:
            return None
        row = self._past[-1][0][0]
        self._record({"do": "undo"})
        self.order.changed(reopened=True)
        self.show(row)
        return row

    def _key(self) -> str:
        assert self.current is not None
        return self.deck.keys[self.current]

    def _rows_asked(self) -> Entry:
        rows = self.copies() if self.with_copies else []
        seconds = round(self.clock() - self._shown_at, 2)
        keys = [self._key(), *(self.deck.keys[row] for row in rows)]
        origins = [self._origin(self.deck.place[key]) for key in keys]
        return {"keys": keys, "seconds": seconds, "origins": origins}

    def _origin(self, row: int) -> str:
        """Return how the row was drawn; asked again, it stays what it was, or becomes audit."""
        drawn = self.order.about(row).origin
        return drawn if drawn == AUDIT else self.said.get(row, NOTHING).origin or drawn

    def _record(self, entry: Entry) -> None:
        full = {"at": now(), "who": self.who, **entry}
        self._journal.append(full)
        self._apply(full)
        self.after_decision()

    # -- what entries mean -----------------------------------------------------------------------

    def _recall(self, entry: Entry, number: int) -> None:
        """Apply an entry of an earlier session; raises LabelkitError for one that says nothing."""
        try:
            self._apply(entry)
        except (IndexError, KeyError, TypeError, ValueError):
            raise LabelkitError(
                f"{self._journal.path}, line {number}: this is not an entry that labelkit wrote; "
                f"mend or remove the line, nothing was changed"
            ) from None

    def _apply(self, entry: Entry) -> None:
        if entry["do"] == "undo":
            self._take_back()
            return
        if entry["do"] not in DECISIONS:
            return
        rows = [self.deck.place[key] for key in entry["keys"]]
        self._past.append([(row, self.said.get(row, NOTHING)) for row in rows])
        self._guesses.append((False, False))
        for place, row in enumerate(rows):
            self.said[row] = _after(self.said.get(row, NOTHING), entry, place)
            if entry["do"] in ("label", "skip"):
                self._handled.add(row)
        if entry["do"] == "label":
            self._seconds.append(float(entry["seconds"]))
            self._guesses[-1] = ("suggested" in entry, entry.get("suggested") == entry["label"])

    def _take_back(self) -> None:
        if self._past:
            self._guesses.pop()
            for row, before in self._past.pop():
                # The work is taken back, the time that it took is not.
                self.said[row] = before._replace(shown=self.said[row].shown)
                self._handled.discard(row)

    def _to_redo(self, which: str | None) -> set[int] | None:
        if which is None:
            return None
        if which not in REDO:
            raise UsageError(f"--redo {which!r}: choose {' or '.join(REDO)}")
        flagged = which == "flagged"
        return {row for row, one in self.said.items() if (one.flag if flagged else one.skipped)}

    def _check_classes(self) -> None:
        foreign = sorted({s.label for s in self.said.values() if s.label} - set(self.classes))
        if foreign:
            raise LabelkitError(
                f"the answers so far hold {listing([repr(name) for name in foreign])}, which "
                f"{'is' if len(foreign) == 1 else 'are'} not among the classes "
                f"{listing(self.classes)}{nearest(foreign[0], self.classes)}; name all of them "
                f"with --classes"
            )

    # -- how far it is -----------------------------------------------------------------------------

    @property
    def offered(self) -> int:
        """How many labels were given where a guess was shown."""
        return sum(offered for offered, _ in self._guesses)

    @property
    def accepted(self) -> int:
        """How many of these took the guess."""
        return sum(taken for _, taken in self._guesses)

    def labels_given(self) -> int:
        """Return how many rows a person has labelled one by one."""
        return sum(1 for said in self.said.values() if said.label and not said.is_copy)

    def worked(self) -> dict[int, float]:
        """Return the seconds of work on each row that was decided on, breaks left out."""
        every = [one for said in self.said.values() for one in said.shown]
        longest = longest_work(every)
        return {row: worked(said.shown, longest) for row, said in self.said.items()}

    def remaining(self) -> int:
        """Return how many rows still wait, of those that are to be asked."""
        done, total, *_ = self.progress()
        return 0 if self.current is None and not self.over else max(0, (total or 0) - done)

    def minutes(self) -> float:
        """Return how long this session has lasted."""
        return (self.clock() - self.started) / 60

    def progress(self) -> Progress:
        """Return how far it is."""
        from statistics import median  # slow to load, and of no use to a first screen

        skipped = flagged = labelled = 0
        for said in self.said.values():
            skipped += said.skipped
            flagged += said.flag
            labelled += bool(said.label)
        done = labelled + skipped if self._redo is None else len(self._redo & self._handled)
        if self._counts_labels:
            done = self.labels_given()
        pace = median(self._seconds[-_RECENT:]) if self._seconds else None
        left = None
        if pace is not None and self._total is not None:
            left = pace * max(0, self._total - done)
        return Progress(done, self._total, pace, left, skipped, flagged)


def _nothing() -> None:
    """Do nothing after a decision."""


def _after(said: Said, entry: Entry, place: int) -> Said:
    """Return what was said of a row once an entry counts; only place 0 was on the screen."""
    who = entry.get("who", "")
    if entry["do"] == "flag":
        return said._replace(flag=entry["flag"], who=who)
    if entry["do"] == "note":
        return said._replace(note=entry["note"], who=who)
    is_copy = place > 0
    seconds = () if is_copy else (float(entry["seconds"]),)
    said = said._replace(shown=said.shown + seconds, who=who)
    said = said._replace(origin=entry["origins"][place])
    if entry["do"] == "skip":
        return said._replace(label="", skipped=True, is_copy=is_copy)
    return said._replace(
        label=entry["label"],
        skipped=False,
        # A second answer to a flagged row settles it.
        flag=said.flag and not (said.label or said.skipped),
        is_copy=is_copy,
    )


def answered(entries: Iterable[Entry]) -> set[str]:
    """Return the keys that these entries of a journal label or skip, undone ones left out."""
    standing: list[Entry] = []
    for entry in entries:
        if entry.get("do") == "undo":
            del standing[-1:]
        elif entry.get("do") in DECISIONS:
            standing.append(entry)
    return {key for entry in standing if entry["do"] in ("label", "skip") for key in entry["keys"]}

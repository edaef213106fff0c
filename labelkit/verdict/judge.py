"""Whether labels are good enough: what the interval of their accuracy says about a target."""

from collections.abc import Sequence
from typing import NamedTuple

from labelkit.console import count
from labelkit.errors import UsageError
from labelkit.verdict.alarms import ONE_CLASS, Alarm
from labelkit.verdict.evidence import AUDIT, GOLD, Evidence, Figure

GOOD, NOT_YET, CANNOT_TELL = "good enough", "not yet", "cannot tell"
DEFAULT_TARGET = 0.9


class Target(NamedTuple):
    """The accuracy that is good enough."""

    share: float = DEFAULT_TARGET
    is_default: bool = True

    @property
    def words(self) -> str:
        """What is said of it."""
        default = " (the default; change it with --target-accuracy)" if self.is_default else ""
        return f"the target is {self.share:.10g}{default}"


def target_of(given: float | None) -> Target:
    """Return the target that was given, else the default; raises UsageError for no share."""
    if given is None:
        return Target()
    if not 0 < given < 1:
        raise UsageError(f"--target-accuracy {given:g}: give a share between 0 and 1")
    return Target(given, is_default=False)


class Verdict(NamedTuple):
    """The word, and the figure that it rests on in one sentence."""

    word: str
    because: str


def judge(evidence: Evidence, alarms: Sequence[Alarm], target: Target) -> Verdict:
    """Return the verdict: good enough only where the whole interval reaches the target."""
    figure = evidence.figure
    if not evidence.labelled:
        return Verdict(NOT_YET, "no row has a label")
    single = next((one for one in alarms if one.code == ONE_CLASS and not one.source), None)
    if single is not None:
        return Verdict(NOT_YET, _and(single.text, figure, evidence))
    if not evidence.machine and evidence.labelled:
        silent = evidence.rows - evidence.labelled
        rest = f"; {count(silent, 'rows', 'have')} no label" if silent else ""
        because = f"all {count(evidence.labelled, 'labels', 'are')} human{rest}"
        return Verdict(NOT_YET if silent else GOOD, because)
    if figure is None:
        return Verdict(
            CANNOT_TELL,
            "no accuracy is claimed: no audit row has a machine label and a human one; "
            f"{target.words}",
        )
    because = f"{figure_words(figure, evidence)}; {target.words}"
    if figure.low >= target.share:
        return Verdict(GOOD, because)
    return Verdict(NOT_YET if figure.high < target.share else CANNOT_TELL, because)


def _and(text: str, figure: Figure | None, evidence: Evidence) -> str:
    return text if figure is None else f"{text}; {figure_words(figure, evidence)}"


def figure_words(figure: Figure, evidence: Evidence) -> str:
    """Return the figure with its interval, and which labels it is about."""
    by = f"{figure.rows:,} with gold" if figure.basis == GOLD else count(figure.rows, figure.basis)
    ends = f"{figure.value:.3f} (95% CI {figure.low:.3f}–{figure.high:.3f}, n={by}"
    if figure.of:
        return f"accuracy of {figure.of} {ends})"
    silent, rest = evidence.rows - evidence.labelled, evidence.labelled - figure.labels
    notes = []
    if figure.people:
        notes.append(f"{count(figure.people, 'human labels', 'count')} as right")
    if silent > 0:
        notes.append(f"{count(silent, 'rows', 'have')} no label")
    if rest > 0 and figure.basis == AUDIT:
        notes.append(f"nothing is claimed of {count(rest, 'other labels')}")
    is_all = silent <= 0 and (rest <= 0 or figure.basis != AUDIT)
    return (
        f"accuracy of {'all ' if is_all else ''}{count(figure.labels, 'labels')} {ends}"
        + "".join(f"; {note}" for note in notes)
        + ")"
    )

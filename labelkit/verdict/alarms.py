"""What is off with labels, each shown by a test that sound labels hardly ever fail."""

from statistics import NormalDist
from typing import Any, NamedTuple

from labelkit.console import clean, count
from labelkit.stats import metrics
from labelkit.verdict.evidence import GOLD, Agreement, Confidence, Evidence, Share, Source

WORSE = "worse_than_chance"
NO_BETTER = "no_better_than_chance"
ONE_CLASS = "one_class"
SHARE = "class_share"
OVERCONFIDENT = "overconfident"

# Chosen on rt_polarity, sms_spam and wrench_youtube, quoted on the others: benchmarks/verdicts.py.
# The chance that a test fails what is sound; all tests of one kind together: four times that.
_ERROR, _ERROR_OF_SHARES, _ERROR_OF_CONFIDENCE = 0.025, 0.01, 0.005
_SKILL_BY_SOURCES, _SKILL_BY_TRUTH = 0.15, 0.3  # above chance: less than that is no better
_NEARLY_ALL, _HALF = 0.8, 0.5
_FEWEST_ROWS = 20  # with one class alone
_GAP = 0.05  # between confidence and the audited share


class Alarm(NamedTuple):
    """What is off: a code, one sentence, the source where it is about one, its figures.

    `is_sure` is False where the source may be sound and the one that it is compared with is not.
    """

    code: str
    text: str
    source: str
    figures: dict[str, Any]
    is_sure: bool = True


def raised(evidence: Evidence) -> list[Alarm]:
    """Return all alarms, those about sources first."""
    single = _one_class(evidence)
    found = [] if single and len(evidence.sources) == 1 else _of_sources(evidence)
    checks = [single, _share(evidence), _overconfident(evidence)]
    return [*found, *(alarm for alarm in checks if alarm is not None)]


def _level(tests: int, error: float = _ERROR) -> float:
    return min(error, 4 * error / max(tests, 1))


def _of_sources(evidence: Evidence) -> list[Alarm]:
    found = []
    tests = sum(source.judged > 0 for source in evidence.sources)
    for source in evidence.sources:
        alarm = worse_than_chance(source, tests, evidence.basis)
        alarm = alarm or _single_class(source, evidence) or _no_better(source, evidence)
        if alarm is not None:
            found.append(alarm)
    return found


def worse_than_chance(source: Source, tests: int, basis: str) -> Alarm | None:
    """Return an alarm where a source is right less often than its labels dealt out at random."""
    n, chance = source.judged, source.chance
    if not n or not 0 < chance < 1:
        return None
    if metrics.at_most(source.right, n, chance) > _level(tests):
        return None
    share = source.right / n
    low, high = metrics.wilson(source.right, n)
    return Alarm(
        WORSE,
        f"{clean(source.name)} is right less often than a guess ({chance:.2f}): {share:.2f} (95% "
        f"CI {low:.2f}–{high:.2f}, n={count(n, basis)}); remove it or invert it",
        source.name,
        {"accuracy": share, "low": low, "high": high, "rows": n, "chance": chance},
    )


def _single_class(source: Source, evidence: Evidence) -> Alarm | None:
    """A source that gives nearly all rows the one class: it tells nothing."""
    if source.classes != 1 or source.rows < max(_FEWEST_ROWS, _NEARLY_ALL * evidence.rows):
        return None
    # Two rows of another class are no slip of the finger any more.
    differ = max((each.rows - each.same for each in source.agreements), default=0)
    differ = max(differ, source.judged - source.right)
    if differ < 2:
        return None
    return Alarm(
        ONE_CLASS,
        f"{clean(source.name)} gives all of its {count(source.rows, 'rows')} one class; remove it",
        source.name,
        {"rows": source.rows, "others": differ},
    )


def _no_better(source: Source, evidence: Evidence) -> Alarm | None:
    """A source that neither the truth nor any other source confirms."""
    if _is_confirmed(source):
        return None
    by_truth = _skill(source.right, source.judged, source.chance)
    if by_truth is not None and by_truth < _SKILL_BY_TRUTH:
        share = source.right / source.judged
        return Alarm(
            NO_BETTER,
            f"{clean(source.name)} is hardly better than a guess ({source.chance:.2f}): "
            f"{share:.2f} right, n={count(source.judged, evidence.basis)}; remove it",
            source.name,
            {"accuracy": share, "rows": source.judged, "chance": source.chance},
        )
    if source.classes < 2 or source.rows < _NEARLY_ALL * evidence.rows:
        return None  # rows that were chosen for a source may be those where others are wrong
    beside = [each for each in source.agreements if each.rows >= _HALF * source.rows]
    if not beside or not all(_is_chance(each) for each in beside):
        return None
    each = beside[0]
    return Alarm(
        NO_BETTER,
        f"{clean(source.name)} agrees with {clean(each.name)} in {each.same / each.rows:.2f} of "
        f"{each.rows:,} rows, no more than a guess would ({each.chance:.2f}): one of the two "
        "is no better than a guess",
        source.name,
        {"agreement": each.same / each.rows, "rows": each.rows, "chance": each.chance},
        is_sure=False,
    )


def _is_confirmed(source: Source) -> bool:
    """Tell whether the truth shows a source to be better than chance."""
    if not source.judged:
        return False
    return metrics.wilson(source.right, source.judged)[0] > source.chance


def _is_chance(agreement: Agreement) -> bool:
    skill = _skill(agreement.same, agreement.rows, agreement.chance)
    return skill is not None and skill < _SKILL_BY_SOURCES


def _skill(right: int, rows: int, chance: float) -> float | None:
    """Return the upper end of how far a share lies above chance: 0 at it, 1 where all is right."""
    if not rows or chance >= 1:
        return None
    return (metrics.wilson(right, rows)[1] - chance) / (1 - chance)


def _one_class(evidence: Evidence) -> Alarm | None:
    if len(evidence.named) != 1 or evidence.machine < _FEWEST_ROWS or evidence.others < 2:
        return None
    return Alarm(
        ONE_CLASS,
        f"all {evidence.machine:,} machine labels are {clean(evidence.named[0])!r}, and "
        f"{count(evidence.others, 'rows', 'are')} of another class by people or another source",
        "",
        {"class": evidence.named[0], "rows": evidence.machine, "others": evidence.others},
    )


def _share(evidence: Evidence) -> Alarm | None:
    """The class whose share is furthest from what the truth says, if it is far."""
    if len(evidence.named) < 2:
        return None
    z = NormalDist().inv_cdf(1 - _level(len(evidence.shares), _ERROR_OF_SHARES))
    far = [(_apart(each, z), each) for each in evidence.shares]
    excess, worst = max(far, key=lambda pair: pair[0], default=(0.0, None))
    if worst is None or excess <= 0:
        return None
    machine, truth = worst.machine / worst.rows, worst.truth / worst.rows
    return Alarm(
        SHARE,
        f"{clean(worst.name)!r} is {machine:.0%} of the machine labels and {truth:.0%} of the "
        f"{'gold' if evidence.basis == GOLD else 'human'} labels of the same "
        f"{worst.rows:,} {evidence.basis}",
        "",
        {"class": worst.name, "machine": machine, "truth": truth, "rows": worst.rows},
    )


def _apart(share: Share, z: float) -> float:
    """Return by how much the difference of two shares surely is more than tolerable."""
    only = share.machine - share.both, share.truth - share.both
    difference = abs(only[0] - only[1]) / share.rows
    spread = float((sum(only) + 1) ** 0.5) / share.rows
    tolerable = min(0.15, max(0.05, share.truth / share.rows / 2))
    return difference - z * spread - tolerable


def _overconfident(evidence: Evidence) -> Alarm | None:
    said = evidence.confidence
    if said is None or not _is_above(said):
        return None
    share = said.right / said.rows
    low, high = metrics.wilson(said.right, said.rows)
    return Alarm(
        OVERCONFIDENT,
        f"mean confidence {said.mean:.2f}, but {share:.2f} of the labels are right (95% CI "
        f"{low:.2f}–{high:.2f}, n={count(said.rows, evidence.basis)}): do not choose rows by it",
        "",
        {"confidence": said.mean, "accuracy": share, "high": high, "rows": said.rows},
    )


def _is_above(said: Confidence) -> bool:
    expected = said.mean - _GAP
    return metrics.at_most(said.right, said.rows, max(expected, 0.0)) < _ERROR_OF_CONFIDENCE

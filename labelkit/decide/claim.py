"""How often all decided labels are right, people's own included, told from the audit rows.

Audit rows are drawn from all rows, so what voters say on them, as if people were silent, shows how
often voters are right on *all* rows. They are not a sample of the rows that no person labelled:
from those the hard ones were picked for people. So the claim is about all labels. People's count
as right, and where a person set the voters right outside the audit, that row is counted too:

    right = audit rows + (other rows) * (share of audit rows on which voters are right)
            + other rows on which people said something else than voters
"""

from typing import NamedTuple

from labelkit.combine.policy import Decision
from labelkit.combine.sources import Said
from labelkit.data.labels import Mask
from labelkit.stats import metrics


class Claim(NamedTuple):
    """The share of `labels` that is right, with its 95 % interval.

    `people` of the labels are people's, `audit` rows were drawn at random and tell of the rest.
    """

    value: float
    low: float
    high: float
    labels: int
    people: int
    audit: int


def claimed(said: Said, machine: Decision, final: Decision, among: Mask) -> Claim | None:
    """Return what the audit rows tell of all labels of the rows `among`.

    None without audit rows on which a voter speaks.
    """
    labelled = among & (final.codes >= 0)
    by_people = labelled & (said.people >= 0)
    drawn = by_people & said.audit
    judged = drawn & (machine.codes >= 0)
    n = int(judged.sum())
    if not n:
        return None
    rest = labelled & ~drawn
    asked = rest & by_people & (machine.codes >= 0)
    unasked = int((rest & ~by_people).sum())
    still_right = int((machine.codes == said.people)[asked].sum())
    total, of_voters = int(labelled.sum()), unasked + int(asked.sum())

    def of_all(share: float, most: float = 1.0) -> float:
        by_voters = min(max(of_voters * share - still_right, 0.0), unasked * most)
        return (total - unasked + by_voters) / total

    share = float((machine.codes == said.people)[judged].mean())
    low, high = interval(share, n, of_voters)
    # So few audit rows cannot tell that nothing is wrong, however much people have set right.
    lowest = of_all(low, metrics.wilson(n, n)[0])
    figures = of_all(share), lowest, of_all(high)
    return Claim(*figures, labels=total, people=int(by_people.sum()), audit=n)


def interval(share: float, drawn: int, rest: int) -> metrics.Interval:
    """Return where the share of the rest lies: a finite rest scatters around the truth itself."""
    if not rest:
        return share, share
    counts = drawn * rest / (drawn + rest)
    return metrics.wilson(share * counts, counts)

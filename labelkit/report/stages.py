"""The page's section on what each stage labelled, cost and is worth."""

from labelkit.config import waterfall
from labelkit.html import charts
from labelkit.html import page as pages
from labelkit.report.data import ReportData


def section(found: ReportData) -> str:
    """Return the table and the picture; empty where no decide told what steps are worth."""
    _, seconds = found.work()
    given = waterfall.made(found.steps, found.price, int(found.by_people.sum()), seconds)
    if given is None:
        return ""
    told = "".join(pages.paragraph(f"{line[0].upper()}{line[1:]}.") for line in _words(given))
    rows = waterfall.cells(given)
    header = waterfall.header(given)
    table = pages.table(
        waterfall.title(given, "stage"), header, rows, sorted_=False, numbers=[1, 2, 3, 4]
    )
    return told + _picture(given) + table


def _words(given: waterfall.Waterfall) -> list[str]:
    about = (
        "labels were decided again from the columns of the file, up to each stage and without it; "
        "a row without a label counts as not right"
    )
    return [about, *waterfall.words(given)]


def _picture(given: waterfall.Waterfall) -> str:
    if not given.of_all:
        return ""
    steps = [
        charts.Step(
            row.stage,
            row.dollars,
            [row.after.get(basis) for basis in given.bases],
            [row.gain.get(basis) for basis in given.bases],
        )
        for row in given.rows
    ]
    bases = [waterfall.by(given, basis) for basis in given.bases]
    return charts.steps("What each stage gave, with 95 % intervals", bases, steps)

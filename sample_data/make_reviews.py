"""Write reviews.csv and answers.csv, the sample data of labelkit.

Films, people and sentences are invented; `material/` holds them and composes the reviews. The
same seed gives the same bytes.

    python sample_data/make_reviews.py [FOLDER]
"""

import csv
import sys
from pathlib import Path

from material.chance import Chance
from material.compose import Stock, Written, write_review
from material.films import Film, make_films

HERE = Path(__file__).parent
SEED = 203
ROWS = 800
WRONG_ANSWERS = 24
REVIEW_COLUMNS = ["id", "title", "text", "rating", "awards", "box_office", "year", "gold"]
ANSWER_COLUMNS = ["id", "label", "label_annotator", "label_seconds"]
CLASS_OF = {"+": "POSITIVE", "-": "NEGATIVE"}
ANNOTATOR = "mira"


def make_ids(count: int, chance: Chance) -> list[str]:
    """Keys that say nothing: half like rv-7f3a2c, half five digits with leading zeros kept."""
    ids: dict[str, None] = {}
    while len(ids) < count:
        short = f"{chance.whole(0, 99_999):05d}"
        ids[f"rv-{chance.whole(0, 0xFFFFFF):06x}" if chance.unit() < 0.5 else short] = None
    return list(ids)


def write_reviews(films: list[Film], chance: Chance) -> list[tuple[Film, Written]]:
    """ROWS reviews with no text twice; a few films get most of them."""
    stock = Stock.read(HERE / "material", chance)
    popularity = {str(i): 0.4 + 1.4 * chance.unit() ** 2 for i in range(len(films))}
    reviews: dict[str, tuple[Film, Written]] = {}
    while len(reviews) < ROWS:
        film = films[int(chance.weighted(popularity))]
        written = write_review(film, chance, stock)
        reviews.setdefault(written.text, (film, written))
    return list(reviews.values())


def review_row(key: str, film: Film, written: Written, chance: Chance) -> dict[str, str]:
    """One row of reviews.csv; now and then a fact is missing on one row only."""
    facts = {name: "" if chance.unit() < 0.06 else value for name, value in film.facts.items()}
    gold = CLASS_OF[written.sign]
    return {"id": key, "title": film.title, "text": written.text, **facts, "gold": gold}


def answer_rows(keys: list[str], reviews: list[Written], chance: Chance) -> list[dict[str, str]]:
    """What a careful person answered: 3 % wrong, on hard reviews more often than on plain ones."""
    order = sorted(range(len(keys)), key=lambda i: chance.unit() * (0.3 if reviews[i].hard else 1))
    wrong = set(order[:WRONG_ANSWERS])
    rows = []
    for i, (key, written) in enumerate(zip(keys, reviews, strict=True)):
        label = next(v for k, v in CLASS_OF.items() if (k == written.sign) != (i in wrong))
        reading = 3 + len(written.text.split()) * (0.22 + 0.1 * chance.unit())
        seconds = min(60.0, reading + (6 if written.hard else 2) * chance.unit() + 1)
        rows.append(
            dict(zip(ANSWER_COLUMNS, (key, label, ANNOTATOR, f"{seconds:.1f}"), strict=True))
        )
    return rows


def write_csv(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    """The rows as CSV with line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(folder: Path) -> None:
    """Write both files into the folder."""
    chance = Chance(SEED)
    films = make_films(HERE, chance)
    reviews = chance.shuffled(write_reviews(films, chance))
    keys = make_ids(len(reviews), chance)
    rows = [review_row(key, *review, chance) for key, review in zip(keys, reviews, strict=True)]
    write_csv(folder / "reviews.csv", REVIEW_COLUMNS, rows)
    answers = answer_rows(keys, [written for _, written in reviews], chance)
    write_csv(folder / "answers.csv", ANSWER_COLUMNS, answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

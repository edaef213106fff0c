"""Write the small files that the commands of docs/lecture.md read.

    python tests/lecture/make_data.py FOLDER

Films, people and sentences are made up. The standard library alone is needed.
"""

import csv
import json
import random
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parent.parent.parent / "sample_data"
CLASSES = ("NEGATIVE", "POSITIVE")

# Sentences of a reviewer who liked the film, or did not; and some that say neither.
LIKED = [
    "a lovely, generous film", "the cast is superb", "I laughed until my face hurt",
    "beautiful from first to last", "what a delight", "it deserves every prize",
    "I would watch it again tonight", "warm, clever and brave", "the music is wonderful",
    "we left the cinema smiling",
]  # fmt: skip
DISLIKED = [
    "a lazy, tedious film", "the cast looks bored", "I looked at my watch all evening",
    "clumsy from first to last", "what a mess", "it deserves to be forgotten",
    "I want my ticket refunded", "cold, stupid and loud", "the music is dreadful",
    "we left before the end",
]  # fmt: skip
PLAIN = [
    "it runs for two hours", "the story begins in a harbour town", "my sister bought the tickets",
    "there is a dog in it", "it was raining outside", "the hero drives a bus",
    "half of it plays at night", "it is the third film of its director",
]  # fmt: skip


def sentences(rng: random.Random, truth: str, sure: float = 0.9) -> str:
    """Return a review: two sentences that mostly say the truth, two that say nothing."""
    own, other = (LIKED, DISLIKED) if truth == "POSITIVE" else (DISLIKED, LIKED)
    said = [rng.choice(own if rng.random() < sure else other) for _ in range(2)]
    parts = [*said, *rng.sample(PLAIN, 2)]
    rng.shuffle(parts)
    return "; ".join(parts).capitalize() + "."


def reviews(rows: int, seed: int) -> list[tuple[str, str, str]]:
    """Return id, text and true class of reviews, no text twice."""
    rng, found, texts = random.Random(seed), [], set()
    while len(found) < rows:
        truth = rng.choice(CLASSES)
        text = sentences(rng, truth)
        if text not in texts:
            texts.add(text)
            found.append((f"r{len(found) + 1:03d}", text, truth))
    return found


def other(label: str) -> str:
    """Return the other class."""
    return CLASSES[label == "NEGATIVE"]


# How often a label of this true class is wrong.
NOISE = {"POSITIVE": 0.3, "NEGATIVE": 0.1}


def noisy_reviews() -> list[list[str]]:
    """Reviews as a tired person labelled them; rows of the part `measure` only measure.

    Of the true positive ones 30 % are labelled NEGATIVE, of the others 10 % POSITIVE. The first row
    is a plain mistake.
    """
    rng = random.Random(5)
    rows = []
    for key, text, truth in reviews(840, 4):
        wrong = rng.random() < NOISE[truth]
        part = "measure" if int(key[1:]) > 240 else "learn"
        rows.append([key, text, other(truth) if wrong else truth, part, truth])
    first = "What a mess; the cast looks bored; I did not like one minute of it."
    return [["r000", first, "POSITIVE", "learn", "NEGATIVE"], *rows]


def grades() -> list[list[str]]:
    """Twenty people's grades of twelve essays beside the official ones; one of these is wrong."""
    rng, rows = random.Random(1), []
    for number in range(1, 13):
        truth = rng.choice("ABC")
        given = [truth if rng.random() < 0.9 else rng.choice("ABC") for _ in range(20)]
        if number == 3:
            truth, given = "A", ["B"] * 19 + ["A"]
        rows.append([f"essay{number}", truth, *given])
    return rows


def judged() -> list[list[Any]]:
    """Labels with what a model says of each row, which contradicts one of them."""
    rng, rows = random.Random(3), []
    for i in range(60):
        low = round(rng.uniform(0.02, 0.2), 3)
        shares = [1 - low, low] if i % 2 == 0 else [low, 1 - low]
        rows.append([f"k{i}", CLASSES[i % 2], *(f"{share:.3f}" for share in shares)])
    return [*rows, ["k60", "POSITIVE", "0.92", "0.08"]]


# How often each function votes, and how often it is right then.
FUNCTIONS = {
    "lf_rating": (0.8, 0.9), "lf_prize": (0.6, 0.85), "lf_sequel": (0.7, 0.8),
    "lf_fans": (0.6, 0.6), "lf_talk": (0.6, 0.6),
}  # fmt: skip


def votes() -> list[list[str]]:
    """Votes of five functions on 400 films; the last two rows are the ones to look at."""
    rng = random.Random(11)
    rows = []
    for i in range(400):
        truth = rng.choice(CLASSES)
        voted = []
        for covers, right in FUNCTIONS.values():
            vote = truth if rng.random() < right else other(truth)
            voted.append(vote if rng.random() < covers else "")
        rows.append([f"film-{i + 1}", *voted, truth])
    rows.append(["classic", "POSITIVE", "POSITIVE", "", "POSITIVE", "", "POSITIVE"])
    rows.append(["part-5", "NEGATIVE", "", "NEGATIVE", "POSITIVE", "POSITIVE", "NEGATIVE"])
    return rows


FILMS = [
    ["id", "title", "text", "user_score", "prizes", "tickets"],
    ["f1", "Glass Harbour", "I adore it, adore it.", "87", "Golden Bear 2014", "2100000"],
    ["f2", "Night Bus 5", "Why? A dreadful fifth part, but why?", "41", "", "9000"],
    ["f3", "Quiet Street", "I adore how dreadful it is!", "", "Shortlist, Golden Bear jury", ""],
    ["f4", "The Long Ferry", "It runs for two hours.", "69", "", "500000"],
]
# Integers as votes: 1 for, 0 against, -1 no vote.
MATRIX = [
    ["id", "text", "stars"],
    ["m1", "The ending is weak.", ""],
    ["m2", "A fine film.", "5"],
    ["m3", "It plays in a harbour town.", ""],
    ["m4", "A fine start and a weak ending.", ""],
    ["m5", "It rained.", "2"],
]
# What a model says of five reviews.
FIVE = [
    ["id", "text", "p_NEGATIVE", "p_POSITIVE"],
    ["a", "Ten out of ten, twice!", "0.01", "0.99"],
    ["b", "I want my evening back.", "0.98", "0.02"],
    ["c", "It was fine, I suppose.", "0.48", "0.52"],
    ["d", "Curious but uneven.", "0.55", "0.45"],
    ["e", "Neither one nor the other.", "0.51", "0.49"],
]
THREE = [
    ["id", "text", "p_drama", "p_comedy", "p_horror"],
    ["spread", "It could be anything.", "0.34", "0.33", "0.33"],
    ["pair", "People cry and laugh.", "0.50", "0.49", "0.01"],
    ["sure", "A storm, a letter, tears.", "0.98", "0.01", "0.01"],
]
FUNCTION_FILES = {
    "lfs_text.py": """\
def lf_adore(text):
    return "POSITIVE" if "adore" in text.lower() else None


def lf_dreadful(text):
    return "NEGATIVE" if "dreadful" in text.lower() else None


def lf_asking(text):
    if text.count("?") >= 2:
        return "NEGATIVE"
    return None
""",
    "lfs_films.py": '''\
@labeling_function()
def lf_liked_by_users(film):
    """Eighty of a hundred points."""
    if film.user_score and film.user_score >= 80:
        return POSITIVE
    return ABSTAIN


@labeling_function()
def lf_golden_bear(film):
    """It won one; to be in the running is not enough."""
    if "Golden Bear" in str(film.prizes) and "Shortlist" not in str(film.prizes):
        return POSITIVE
    return ABSTAIN


@labeling_function()
def lf_empty_seats(film):
    """Few people bought a ticket."""
    if film.tickets and film.tickets < 50_000:
        return NEGATIVE
    return ABSTAIN


@labeling_function()
def lf_late_part(film):
    """The fifth part or a later one."""
    if re.search(r"\\b(V|VI|VII)\\b|[5-9]$", film.title):
        return NEGATIVE
    return ABSTAIN
''',
    "lfs_kinds.py": """\
def lf_words(text):
    words = ["adore", "lovely", "superb"]
    return "POSITIVE" if any(word in text.lower() for word in words) else None


def lf_short(text):
    return "NEGATIVE" if len(text.split()) < 6 else None


def list_of_the_best():
    return {"Glass Harbour", "The Long Ferry"}


def lf_on_the_list(text, title):
    best = list_of_the_best()
    return "POSITIVE" if title in best else None
""",
    "lfs_wide_and_strict.py": """\
def lf_a_word(text):
    words = ["first", "deserves", "left", "lovely", "superb", "beautiful", "warm", "music"]
    return "POSITIVE" if any(word in text.lower() for word in words) else None


def lf_a_phrase(text):
    return "POSITIVE" if "until my face hurt" in text else None
""",
    "lfs_numbers.py": """\
from snorkel.labeling import labeling_function


@labeling_function()
def lf_fine(x):
    return 1 if "fine" in x.text.lower() else -1


@labeling_function()
def lf_weak(x):
    return 0 if "weak" in x.text.lower() else -1


@labeling_function()
def lf_stars(x):
    if hasattr(x, "stars") and x.stars is not None:
        return 1 if x.stars >= 4 else 0
    return -1
""",
}


def some_labelled() -> list[list[str]]:
    """The reviews of plain.csv, of which people labelled the first sixty."""
    rows = reviews(240, 7)
    return [[key, text, truth if i < 60 else ""] for i, (key, text, truth) in enumerate(rows)]


def rarely_positive() -> list[list[str]]:
    """Reviews of which one in eight is POSITIVE; people labelled the first fifty."""
    every = reviews(400, 9)
    positive = [row for row in every if row[2] == "POSITIVE"][::8]
    rows = [row for row in every if row[2] == "NEGATIVE" or row in positive]
    return [
        [key, text, truth if i < 50 else "", truth] for i, (key, text, truth) in enumerate(rows)
    ]


def few_labelled() -> list[list[str]]:
    """The same with twelve labels in `few`; the truth is known of the last hundred alone."""
    return [
        [
            key,
            text,
            truth if i < 12 else "",
            truth if i >= 140 else "",
            ("learn", "measure")[i >= 140],
        ]
        for i, (key, text, truth) in enumerate(reviews(240, 7))
    ]


def complaints_first() -> list[list[Any]]:
    """The same in the order in which they came in: complaints first."""
    rows = sorted(reviews(240, 7), key=lambda row: row[2])
    return [[key, place, text, truth] for place, (key, text, truth) in enumerate(rows)]


def points() -> list[list[Any]]:
    """Points with what a model says: ten doubtful ones nearly on one spot, two elsewhere."""
    spot = [[f"near{i}", 0.5 + i / 1000, 0, 0.5 + i / 1000, 0.5 - i / 1000] for i in range(10)]
    apart = [["left", -4, 3, 0.44, 0.56], ["right", 5, -3, 0.57, 0.43]]
    return [*spot, *apart, *([f"sure{i}", 9 + i, 9, 0.98, 0.02] for i in range(8))]


# Reviews of three classes; the kind of a mixed one is easily missed without a word of explanation.
MOODS = {
    "NEGATIVE": ["A mess from first to last", "I want my evening back", "Lazy and far too loud"],
    "POSITIVE": ["A delight from first to last", "I went twice", "Warm and very funny"],
    "NEUTRAL": ["It was fine, I suppose", "Some good scenes, some bad ones", "I have seen worse"],
    "IRONY": [
        "So awful that we cheered",
        "Gloriously silly, ten of ten",
        "The best bad film of all",
    ],
}
PLACES = ("in Turin", "on a Monday", "with my aunt", "in row one")


def moods() -> list[list[str]]:
    """Reviews of three classes; irony is praise."""
    kinds = [(kind, text, place) for kind in MOODS for text in MOODS[kind] for place in PLACES]
    random.Random(2).shuffle(kinds)
    return [
        [f"w{i}", f"{text}, {place}.", "POSITIVE" if kind == "IRONY" else kind]
        for i, (kind, text, place) in enumerate(kinds, 1)
    ]


_GUIDED = """\
[task]
classes = ["NEGATIVE", "POSITIVE", "NEUTRAL"]
guidelines = "Judge what the reviewer thinks of the film."
[task.descriptions]
NEGATIVE = "The reviewer did not enjoy the film"
POSITIVE = "The reviewer enjoyed the film"
NEUTRAL = "Mixed, or no opinion either way"
"""

PROMPTS = {
    "bare.toml": """\
[task]
classes = ["NEGATIVE", "POSITIVE", "NEUTRAL"]
""",
    "guided.toml": _GUIDED,
    "examples.toml": _GUIDED
    + """\
[[task.example]]
text = "Truly terrible, and I loved each minute."
label = "POSITIVE"
[[task.example]]
text = "Not good, not bad."
label = "NEUTRAL"
""",
}
PRICES = """\
[task]
text = ["text"]
classes = ["NEGATIVE", "POSITIVE"]
guidelines = "Judge what the reviewer thinks of the film."
[cost]
human_label = 0.30    # dollars
human_seconds = 300
"""
HYBRID = (
    PRICES
    + """\
[[weak-label.rule]]
name = "praise"
label = "POSITIVE"
column = "text"
any_of = ["lovely", "superb", "delight", "wonderful"]
[[weak-label.rule]]
name = "blame"
label = "NEGATIVE"
column = "text"
any_of = ["lazy", "bored", "mess", "dreadful"]
[llm-label]
model = "replay:large_model.jsonl"
"""
)


def model_answers(right: float, seed: int) -> list[dict[str, Any]]:
    """Return answers to plain.csv, right in this share; of the wrong ones it is rarely sure."""
    rng = random.Random(seed)
    answers = []
    for _, text, truth in reviews(240, 7):
        is_right = rng.random() < right
        sure = rng.random() < (0.85 if is_right else 0.15)
        low, high = (0.85, 0.99) if sure else (0.5, 0.75)
        answers.append(
            {
                "text": text,
                "label": truth if is_right else other(truth),
                "confidence": round(rng.uniform(low, high), 2),
            }
        )
    return answers


def table(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def lines(path: Path, answers: Iterable[dict[str, Any]]) -> None:
    """Write the answers of a language model for `--model replay:FILE`."""
    text = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
    path.write_text(text, encoding="utf-8")


def make(folder: Path) -> None:
    """Write all files."""
    for name in ("reviews.csv", "lfs.py", "known_titles.txt"):
        shutil.copy(SAMPLE / name, folder / name)
    table(folder / "films.csv", FILMS)
    table(folder / "matrix.csv", MATRIX)
    table(folder / "five.csv", FIVE)
    table(folder / "three.csv", THREE)
    table(folder / "votes.csv", [["id", *FUNCTIONS, "gold"], *votes()])
    table(folder / "noisy.csv", [["id", "text", "label", "part", "gold"], *noisy_reviews()])
    table(folder / "plain.csv", [["id", "text", "gold"], *reviews(240, 7)])
    table(folder / "some.csv", [["id", "text", "label"], *some_labelled()])
    slip = [[*row[:2], row[2].replace("POSITIVE", "POSITVE")] for row in some_labelled()[:1]]
    table(folder / "slip.csv", [["id", "text", "label"], *slip, *some_labelled()[1:]])
    table(folder / "rare.csv", [["id", "text", "label", "gold"], *rarely_positive()])
    table(folder / "few.csv", [["id", "text", "few", "truth", "part"], *few_labelled()])
    table(folder / "inbox.csv", [["id", "place", "text", "gold"], *complaints_first()])
    table(folder / "points.csv", [["id", "x", "y", "p_NO", "p_YES"], *points()])
    names = [f"g{i}" for i in range(1, 21)]
    table(folder / "grades.csv", [["essay", "official", *names], *grades()])
    table(folder / "judged.csv", [["id", "label", "p_NEGATIVE", "p_POSITIVE"], *judged()])
    table(folder / "moods.csv", [["id", "text", "gold"], *moods()])
    lines(folder / "small_model.jsonl", model_answers(0.8, 1))
    lines(folder / "large_model.jsonl", model_answers(0.95, 2))
    (folder / "hybrid.toml").write_text(HYBRID, encoding="utf-8")
    (folder / "prices.toml").write_text(PRICES, encoding="utf-8")
    for name, text in (FUNCTION_FILES | PROMPTS).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make(target)

"""Which free-text answers of real models are read as a label, and which are asked again.

1,040 answers of GPT-3.5 and GPT-4 that name one of seven topics in a sentence (SIB-200, in five
languages). Beside labelkit's reading stands the first class that an answer names. An accepted
answer that differs from the gold label is an error of the model or of the reading: --show lists
them, to be judged by a person. Run: python benchmarks/llm_answers.py --data FOLDER
"""

import argparse
import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from labelkit.llm.answers.parse import parse

FILE = "multilingual_topics_sib.csv"
MODELS = ("raw_gpt35", "raw_gpt4")


def first_mention(answer: str, classes: Sequence[str]) -> str | None:
    """Return the class that an answer names first."""
    places = {name: re.search(rf"\b{re.escape(name)}\b", answer, re.I) for name in classes}
    starts = {name: hit.start() for name, hit in places.items() if hit}
    return min(starts, key=lambda name: starts[name]) if starts else None


READERS: dict[str, Callable[[str, Sequence[str]], str | None]] = {
    "labelkit": lambda answer, classes: parse(answer, classes).label,
    "first mention": first_mention,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help=f"the folder with {FILE}")
    parser.add_argument("--show", action="store_true", help="list accepted answers, not gold")
    options = parser.parse_args()
    with open(options.data / FILE, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    classes = sorted({row["label"] for row in rows})
    print(f"{'model':12}{'reading':15}{'answers':>9}{'accepted':>9}{'rejected':>9}"
          f"{'gold':>6}{'not gold':>9}{'right':>7}")  # fmt: skip
    for model in MODELS:
        answers = [(row[model], row["label"]) for row in rows if row[model]]
        for reading, read in READERS.items():
            accepted = [(read(answer, classes), gold, answer) for answer, gold in answers]
            accepted = [entry for entry in accepted if entry[0] is not None]
            right = sum(label == gold for label, gold, _ in accepted)
            print(f"{model:12}{reading:15}{len(answers):9}{len(accepted):9}"
                  f"{len(answers) - len(accepted):9}{right:6}{len(accepted) - right:9}"
                  f"{right / len(accepted):7.3f}")  # fmt: skip
            if options.show and reading == "labelkit":
                for label, gold, answer in accepted:
                    if label != gold:
                        print(f"  {label} ({gold}): {answer}")


if __name__ == "__main__":
    main()

"""Whether cleaning cleans: final labels with and without find-noise on the combined labels.

Each case is a pipeline in which machines label, people label some rows (picked by query, and audit
rows beside them; played by the known labels), and decide combines. Then find-noise judges what is
decided, and decide runs again. A case is SET:SOURCE:
  votes        the set's stored votes (lf_*), combined by weak-label
  COLUMN       the set's stored answers in this column stand for a language model
  any:SHARE    a scripted model that is wrong in this share of the rows, anywhere
  hard:SHARE   wrong where a model of the words errs too
  votes+hard:SHARE  stored votes and a scripted model
A line tells, for the rows that no person labelled: the share of wrong labels before, the rows that
find-noise holds for wrong and how many of them are, by gold; and the accuracy of all final labels
without and with cleaning. The constants were chosen on the sets of CHOSEN_ON
with seeds 0 and 1.
Run: python benchmarks/cleaning.py --data FOLDER [--cases ...] [--people 60 160] [--seeds 2 3]
"""

import argparse
import csv
import json
import os
import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline import hardness, labelkit

LEVELS = ("any:.05", "hard:.05", "any:.1", "hard:.1", "any:.2", "hard:.2", "any:.3", "hard:.3")
CHOSEN_ON = (
    *(f"{name}:{level}" for name in ("rt_polarity", "ag_news_test", "sms_spam")
      for level in LEVELS),
    *(f"wrench_{name}:votes" for name in ("youtube", "trec", "yelp_part", "sms")),
    "noisy_agnews_human:label",
    *(f"llm_css_{name}:lab_chatgpt" for name in ("emotion", "ibc", "wiki_politeness")),
    "wrench_trec:votes+hard:.2",
)  # fmt: skip
CHECKED_ON = (
    "wrench_claude9:votes", "wrench_claude9:votes+hard:.2",
    "llm_css_semeval_stance:lab_chatgpt", "llm_css_mrf:lab_chatgpt",
    "llm_global_warming_gpt:gpt_label",
    *(f"reviews_app_types:{level}" for level in LEVELS),
)  # fmt: skip
SETS = {"choose": CHOSEN_ON, "check": CHECKED_ON}
_GOLD = ("gold", "true_label", "label")


class Found(NamedTuple):
    """What a case gave; `precision` is None where no row is held for wrong."""

    error: float
    flagged: int
    precision: float | None
    without: float
    cleaned: float
    helps: bool | None

    @property
    def difference(self) -> float:
        return self.cleaned - self.without


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def data(path: Path, source: str, most: int, seed: int) -> list[dict[str, str]]:
    """Return the rows of a case: id, text, gold, and what the machines say of them."""
    every = read(path)
    gold = next(name for name in _GOLD if name in every[0])
    every = [row for row in every if row["text"].strip() and row[gold]]
    every = list({row["text"]: row for row in every}.values())
    # The same rows for each seed: what is embedded once is not embedded again.
    random.Random(0).shuffle(every)
    every = every[:most]
    rows = [{"id": str(i), "text": r["text"], "gold": r[gold]} for i, r in enumerate(every)]
    votes = source.startswith("votes")
    if votes:
        for row, full in zip(rows, every, strict=True):
            row.update({name: vote for name, vote in full.items() if name.startswith("lf_")})
    if ":" in source:
        where, share = source.removeprefix("votes+").split(":")
        script(rows, where, float(share), seed)
    elif not votes:
        classes = {row["gold"] for row in rows}
        for row, full in zip(rows, every, strict=True):
            row["llm_label"] = full[source] if full[source] in classes else ""
    return rows


def script(rows: list[dict[str, str]], where: str, share: float, seed: int) -> None:
    """Add what a scripted model answers; a wrong answer is stated with less confidence."""
    drawn, classes = random.Random(seed), sorted({row["gold"] for row in rows})
    order = drawn.sample(rows, len(rows))
    if where == "hard":
        hard = hardness([(row["text"], row["gold"]) for row in rows], seed)
        order = sorted(rows, key=lambda row: -hard[row["text"]])
    wrong = {row["id"] for row in order[: round(len(rows) * share)]}
    for row in rows:
        errs = row["id"] in wrong
        others = [name for name in classes if name != row["gold"]]
        row["llm_label"] = drawn.choice(others) if errs else row["gold"]
        sure = min(0.99, max(0.5, drawn.gauss(0.75 if errs else 0.88, 0.1)))
        row["llm_confidence"] = f"{sure:.3f}"


def run(rows: list[dict[str, str]], people: int, audit: int, common: list[str]) -> Found:
    """Return what cleaning is worth in the working directory."""
    write(Path("data.csv"), rows)
    current = "data.csv"
    if "lf_0" in rows[0]:
        labelkit("weak-label", current, "-o", "weak.csv", "--from-votes", "lf_*", "--proba",
                 *common)  # fmt: skip
        current = "weak.csv"
    if people:
        labelkit("query", current, "-o", "asked.csv", "-n", people, "--audit", audit,
                 "--batch", "batch.csv", *common)  # fmt: skip
        gold = {row["id"]: row["gold"] for row in rows}
        write(
            Path("answers.csv"),
            [row | {"label": gold[row["id"]]} for row in read(Path("batch.csv"))],
        )
        labelkit("merge", "asked.csv", "answers.csv", "-o", "merged.csv", "--no-task")
        current = "merged.csv"
    labelkit("decide", current, "-o", "decided.csv", *common)
    columns = ["--label", "label"] if people else []
    labelkit("find-noise", "decided.csv", "-o", "judged.csv", *columns, "--label", "final_label",
             "--summary", "judged.json", *common)  # fmt: skip
    labelkit("decide", "judged.csv", "-o", "final.csv", *common)
    return measured(json.loads(Path("judged.json").read_text("utf-8")).get("cleaning"))


def measured(cleaning: dict[str, object] | None) -> Found:
    before, judged, after = (read(Path(f"{name}.csv")) for name in ("decided", "judged", "final"))
    unasked = [i for i, row in enumerate(before) if not row.get("label")]
    wrong = [before[i]["final_label"] != before[i]["gold"] for i in unasked]
    flags = [i for i in unasked if judged[i]["noise_flag"] == "true"
             and float(judged[i]["noise_quality"] or 1) < 0.5]  # fmt: skip
    hits = [judged[i]["noise_given"] != judged[i]["gold"] for i in flags]
    precision = sum(hits) / len(hits) if hits else None
    helps = None if cleaning is None else bool(cleaning["helps"])
    return Found(sum(wrong) / len(wrong), len(flags), precision, right(before), right(after), helps)


def right(rows: list[dict[str, str]]) -> float:
    return sum(row["final_label"] == row["gold"] for row in rows) / len(rows)


def show(name: str, people: int, seed: int, found: Found) -> None:
    precision = "   –" if found.precision is None else f"{found.precision:.2f}"
    print(f"{name:34} {people:4} {seed:4}  {found.error:.3f} {found.flagged:6} {precision}  "
          f"{found.without:.3f} {found.cleaned:.3f} {found.difference:+.4f}"
          f"{'' if found.helps else '  cannot help'}", flush=True)  # fmt: skip


def sum_up(title: str, found: Sequence[Found]) -> None:
    flagged = sum(each.flagged for each in found)
    hits = sum(each.flagged * (each.precision or 0) for each in found)
    mean = statistics.mean(each.difference for each in found)
    base = statistics.mean(each.error for each in found)
    print(f"{title:34} cases {len(found):3}  error {base:.3f}  flagged {flagged:6}  "
          f"precision {hits / max(flagged, 1):.2f}  difference {mean:+.4f}  "
          f"least {min(each.difference for each in found):+.4f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", choices=SETS, default="choose")
    parser.add_argument("--cases", nargs="*")
    parser.add_argument("--people", type=int, nargs="*", default=[60])
    parser.add_argument("--audit", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="*", default=[2])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--features", default="auto")
    parser.add_argument("--cache", type=Path, default=Path(".labelkit"))
    wanted = parser.parse_args()
    folder, cache = wanted.data.resolve(), wanted.cache.resolve()
    by_set: dict[str, list[Found]] = {}
    by_people: dict[int, list[Found]] = {}
    print(f"{'case':34} people seed  error flagged prec  without with difference")
    for case in wanted.cases or SETS[wanted.sets]:
        name, _, source = case.partition(":")
        for seed in wanted.seeds:
            rows = data(folder / f"{name}.csv", source, wanted.rows, seed)
            classes = ",".join(sorted({row["gold"] for row in rows}))
            common = ["--no-task", "--text", "text", "--classes", classes, "--gold", "gold",
                      "--cache", cache, "--features", wanted.features, "--seed", seed]  # fmt: skip
            for people in wanted.people:
                with tempfile.TemporaryDirectory() as work:
                    os.chdir(work)
                    found = run(rows, people, wanted.audit, common)
                    os.chdir(folder)
                show(case, people, seed, found)
                by_set.setdefault(name, []).append(found)
                by_people.setdefault(people, []).append(found)
    print()
    for name, cases in by_set.items():
        sum_up(name, cases)
    for people, cases in by_people.items():
        sum_up(f"all, {people} rows by people", cases)


if __name__ == "__main__":
    main()

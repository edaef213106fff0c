"""plan before, all rows labelled after: is the mix that it recommends the best in hindsight?

Of each set a few rows are known (--known, at random), on which a scripted language model answered
too: right in 0.85 of all rows (sms_spam: 0.95), its errors where a model of the words errs. `plan`
is asked with each budget. Hindsight: every kind of mix is run on all rows as the pipeline would
(the answers of the model, query, decide), for 0, 30, 50, 100, 200 ... labels by people, up to
nearly all rows, these taken from the true labels, and all labels are compared with the truth;
between these numbers accuracy is taken to grow in line. What a mix costs is what plan says of it.
Best in hindsight: of all mixes that plan looks at and that the budget allows, the cheapest whose
accuracy on all rows is within a point of the highest, and not below the floor of plan. A run is
good if the mix recommended is at most a point less accurate than the best in hindsight and at most
20 % dearer. Told of each set and budget: runs that are good; the share of the budget that the
recommended and the best mix use; by how many points the recommended one is behind, and the share
that it costs more; of all mixes looked at, how many have their accuracy in the interval, and how
much too high it was foretold. find-noise is not tried. --rules adds mixes with the rules of
benchmarks/pipeline_rules.py.
Constants of labelkit/plan/forecast.py were chosen on rt_polarity and sms_spam.
Run: python benchmarks/plan.py --data FOLDER [--sets ...] [--budgets 20 300 3000] [--known 200]
  [--seeds 5] [--first 0] [--rules] [--hindsight FILE]
"""

import argparse
import contextlib
import csv
import io
import json
import random
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pipeline import Rows, read, script
from pipeline_rules import RULES, TRIED_ON

from labelkit.command.invoke import run
from labelkit.plan.trials import Trials

SIZES = (30, 50, 100, 200, 400, 800, 1500, 3000, 6000)
SHARES = (0.5, 0.7, 0.85, 0.95)  # of all rows
MODEL = {"sms_spam": 0.95}  # how often the language model is right, else 0.85
SETS = ("ag_news_test", "wrench_trec", "rt_polarity", "sms_spam")
COST = """[cost]
human_label = 0.30
human_seconds = 36
setup_minutes = { weak-label = 30 }
"""
DOUBTFUL = 0.8  # the confidence under which the language model reads a row after the rules
HEADER = ["id", "text", "label", "weak_label", "weak_confidence", "llm_label", "llm_confidence"]


class Run(NamedTuple):
    """What plan recommended, beside the best in hindsight."""

    behind: float
    dearer: float
    used: float
    best_used: float
    held: float
    off: float
    words: str

    @property
    def good(self) -> bool:
        return self.behind <= 0.01 + 1e-9 and self.dearer <= 0.2 + 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--budgets", nargs="+", type=float, default=[20, 300, 3000])
    parser.add_argument("--known", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--hindsight", type=Path, help="JSON lines: kept here, and read again")
    parser.add_argument("--verbose", action="store_true", help="each run")
    options = parser.parse_args()
    data, kept = options.data.resolve(), options.hindsight and options.hindsight.resolve()
    print(f"{'':16}{'budget':>8}{'good':>8}{'used':>7}{'best':>7}{'behind':>8}{'dearer':>8}"
          f"{'held':>7}{'off':>7}")  # fmt: skip
    Trials.measure = once(Trials.measure)  # type: ignore[method-assign]
    Trials.with_find_noise = lambda *_: {}  # type: ignore[method-assign]
    every = []
    for name in options.sets:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            rows = read(data / f"{name}.csv", 0)
            script(rows, MODEL.get(name, 0.85), "hard", 0)
            write_task(name, rows, None, options.rules)
            after = hindsight(name, rows, options.rules, kept)
            seeds = range(options.first, options.first + options.seeds)
            for budget in options.budgets:
                runs = [one_run(name, rows, seed, budget, after, options) for seed in seeds]
                every += runs
                tell(name, budget, runs, options.verbose)
    print(f"good in {sum(one.good for one in every)} of {len(every)} runs")


def once(measure: Any) -> Any:
    """Run the trials of a seed for the first budget only: they are the same for all of them."""
    known: dict[tuple[Any, ...], Any] = {}

    def same(trials: Any, *args: Any) -> Any:
        rows = np.flatnonzero(trials.known.values != "")
        key = (Path.cwd(), trials.job.seed, tuple(rows.tolist()), *map(str, args))
        if key not in known:
            known[key] = measure(trials, *args)
        return known[key]

    return same


def tell(name: str, budget: float, runs: Sequence[Run], each: bool) -> None:
    good = sum(one.good for one in runs)
    means = np.mean([one[:6] for one in runs], axis=0)
    behind, dearer, used, best, held, off = means
    print(f"{name:16}{budget:8,.0f}{good:5}/{len(runs):<2}{used:7.0%}{best:7.0%}{100 * behind:8.1f}"
          f"{dearer:8.0%}{held:7.2f}{off:7.3f}", flush=True)  # fmt: skip
    for one in runs if each else ():
        print(f"    {'good' if one.good else '    '} {one.words}")


def one_run(
    name: str,
    rows: Rows,
    seed: int,
    budget: float,
    after: dict[str, dict[int, float]],
    options: argparse.Namespace,
) -> Run:
    """Ask plan with a budget, a few rows being known, and compare with what comes out."""
    write_task(name, rows, budget, options.rules)
    write_pilot(rows, set(random.Random(seed).sample(range(len(rows)), options.known)))
    planned = json.loads(labelkit("plan", "pilot.csv", "--gold", "gold", "--features", "tfidf",
                                  "--json", "--seed", seed))  # fmt: skip
    known = [mix for mix in planned["mixes"] if mix["accuracy"] is not None]
    for mix in known:
        mix["after"] = accuracy_after(mix, after, len(rows))
    held = np.mean([m["low"] <= m["after"] <= m["high"] for m in known])
    off = np.mean([m["accuracy"] - m["after"] for m in known])
    most = [m for m in known if m["dollars"] <= budget and m["after"] >= planned["floor"]]
    top = max(m["after"] for m in most)
    best = min((m for m in most if m["after"] >= top - 0.01), key=lambda m: m["dollars"])
    named = next((m for m in known if m["mix"] == planned["best"]), None)
    if named is None:
        words = f"{planned['best']} for {best['mix']}"
        return Run(1.0, 1.0, 0.0, best["dollars"] / budget, held, off, words)
    words = (
        f"{named['mix']}, {named['accuracy']:.3f} foretold, {named['after']:.3f} after, "
        f"${named['dollars']:.0f}; best {best['mix']}, {best['after']:.3f}, ${best['dollars']:.0f}"
    )
    return Run(
        best["after"] - named["after"], named["dollars"] / best["dollars"] - 1,
        named["dollars"] / budget, best["dollars"] / budget, held, off, words,
    )  # fmt: skip


def accuracy_after(mix: dict[str, Any], after: dict[str, dict[int, float]], rows: int) -> float:
    """Return the accuracy over all rows in hindsight, in line between numbers that were run."""
    if mix["mix"] == "all by hand":
        return 1.0
    number = re.search(r"([\d,]+) by people", mix["mix"])
    kind = re.sub(r"( \+ )?[\d,]+ by people \+ model", "", mix["mix"]) or "people"
    people = int(number[1].replace(",", "")) if number else 0
    tried = after[kind]
    found = float(np.interp(people, sorted(tried), [tried[n] for n in sorted(tried)]))
    audit = mix["labels_by_people"] - people
    return found + (1 - found) * audit / rows


def hindsight(name: str, rows: Rows, rules: bool, kept: Path | None) -> dict[str, dict[int, float]]:
    """Return the accuracy over all rows by kind of mix and number of labels by people."""
    key = f"{name} {len(rows)}{' rules' * rules}"
    lines = kept.read_text().splitlines() if kept and kept.exists() else []
    for known in map(json.loads, lines):
        if known["key"] == key:
            return {k: {int(n): v for n, v in each.items()} for k, each in known["after"].items()}
    found = {
        kind: dict(_after(rows, *voters))
        for kind, voters in KINDS.items()
        if rules or not voters[0]
    }
    if kept:
        with kept.open("a") as stream:
            stream.write(json.dumps({"key": key, "after": found}) + "\n")
    return found


# By their names in plan: whether rules vote, and which rows the language model reads.
KINDS = {
    "people": (False, "none"),
    "rules": (True, "none"),
    "LLM": (False, "all"),
    "rules + LLM": (True, "all"),
    "rules + LLM on doubtful rows": (True, "doubtful"),
}


def _after(rows: Rows, rules: bool, reads: str) -> Iterable[tuple[int, float]]:
    texts = [[number, text, ""] for number, (text, _) in enumerate(rows)]
    write("rows.csv", HEADER[:3], texts)
    weak = [["", ""]] * len(rows)
    if rules:
        labelkit("weak-label", "rows.csv", "-o", "weak.csv")
        weak = [[row["weak_label"], row["weak_confidence"]] for row in table("weak.csv")]
    says = answers()
    if reads == "none":
        says = [["", ""]] * len(rows)
    elif reads == "doubtful":
        says = [["", ""] if label and float(sure) >= DOUBTFUL else one
                for (label, sure), one in zip(weak, says, strict=True)]  # fmt: skip
    cells = [[*a, *b, *c] for a, b, c in zip(texts, weak, says, strict=True)]
    columns = [0, 1, 2, *([3, 4] if rules else []), *([5, 6] if reads != "none" else [])]

    def put(file: str, every: list[list[Any]]) -> None:
        write(file, [HEADER[i] for i in columns], [[row[i] for i in columns] for row in every])

    put("voted.csv", cells)
    named = [HEADER[i] for i in (2, 5, 3) if i in columns]
    shares = [round(share * len(rows)) for share in SHARES]
    sizes = sorted({n for n in (*SIZES, *shares) if n <= max(shares)})
    labels = [word for column in named for word in ("--label", column)]
    most = ["--audit", "0", "-n", max(sizes), "--features", "tfidf"]
    labelkit("query", "voted.csv", "-o", "picked.csv", *most, *labels)
    rank = [int(row["query_rank"] or len(rows)) for row in table("picked.csv")]
    for n in [*([0] if len(columns) > 3 else []), *sizes]:
        every = zip(cells, rank, rows, strict=True)
        put("asked.csv", [[*row[:2], truth if place <= n else "", *row[3:]]
                          for row, place, (_, truth) in every])  # fmt: skip
        labelkit("decide", "asked.csv", "-o", "final.csv", "--features", "tfidf")
        right = [row["final_label"] == truth for row, (_, truth) in
                 zip(table("final.csv"), rows, strict=True)]  # fmt: skip
        yield n, float(np.mean(right))
    yield len(rows), 1.0


def answers() -> list[list[Any]]:
    """Return what the language model says of each row, and how sure it is."""
    with open("llm.jsonl", encoding="utf-8") as file:
        return [[one["label"], one["confidence"]] for one in map(json.loads, file)]


def write_pilot(rows: Rows, known: set[int]) -> None:
    """Write the rows with a few whose label is known, and what the language model says of those."""
    says = answers()
    cells = [
        [number, text, *([label, *says[number]] if number in known else ["", "", ""])]
        for number, (text, label) in enumerate(rows)
    ]
    write("pilot.csv", ["id", "text", "gold", "llm_label", "llm_confidence"], cells)


def write_task(name: str, rows: Rows, budget: float | None, with_rules: bool) -> None:
    named = {**RULES, **TRIED_ON}[name].items() if with_rules else ()
    rules = "".join(
        f"[[weak-label.rule]]\nname = 'words_{number}'\nlabel = {label!r}\ncolumn = 'text'\n"
        f"any_of = {words.split(',')!r}\n"
        for number, (label, words) in enumerate(named)
    )
    classes = sorted({label for _, label in rows})
    task = f"[task]\ntext = ['text']\nclasses = {classes!r}\n{COST}"
    task += "" if budget is None else f"budget = {budget}\n"
    model = "[llm-label]\nmodel = 'script'\nprice = [0.15, 0.60]\n"
    Path("labelkit.toml").write_text(f"{task}{model}{rules}", encoding="utf-8")


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with open(name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def table(name: str) -> list[dict[str, str]]:
    with open(name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def labelkit(*args: Any) -> str:
    """Run a command; return what it wrote to stdout."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*map(str, args)])
    assert code == 0, err.getvalue()
    return out.getvalue()


if __name__ == "__main__":
    main()

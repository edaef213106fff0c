"""Labelled files whose wrong labels are known: drawn, and some of their labels flipped."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd


class Noisy(NamedTuple):
    """A table with columns `label` (as given) and `truth`; texts in `text`, if there are any."""

    table: pd.DataFrame
    is_text: bool


def read(folder: Path, name: str) -> pd.DataFrame:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return pd.DataFrame(csv.DictReader(stream))


def texts(name: str, kind: str, share: float, most: int | None = None) -> Callable:
    def make(folder: Path, seed: int) -> Noisy:
        table = read(folder, name)[["text", "label"]].rename(columns={"label": "truth"})
        if most is not None:
            table = table.sample(most, random_state=0).reset_index(drop=True)
        return Noisy(table.assign(label=flipped(table.truth, kind, share, seed)), True)

    return make


def news_by_people(folder: Path, seed: int, rows: int = 6_000, draw: int = 0) -> Noisy:
    table = read(folder, "noisy_agnews_human").query("split != 'test'")
    table = table.sample(rows, random_state=draw).reset_index(drop=True)
    return Noisy(table[["text", "label"]].assign(truth=table.true_label), True)


def some(name: str, kind: str, share: float) -> Callable:
    """Return what draws 2,000 rows by the seed and flips some of their labels."""

    def make(folder: Path, seed: int) -> Noisy:
        table = read(folder, name)[["text", "label"]].rename(columns={"label": "truth"})
        table = table.sample(min(2_000, len(table)), random_state=seed).reset_index(drop=True)
        return Noisy(table.assign(label=flipped(table.truth, kind, share, seed)), True)

    return make


def made_up(kind: str, share: float) -> Callable:
    """Return what makes a table whose classes overlap, drawn by the seed."""

    def make(folder: Path, seed: int) -> Noisy:
        from sklearn.datasets import make_classification

        matrix, truth = make_classification(
            1_500, 12, n_informative=6, n_classes=4, flip_y=0, class_sep=1.3, random_state=seed
        )
        return _table(matrix, truth, kind, share, seed)

    return make


def numbers(name: str, kind: str = "sym", share: float = 0.1) -> Callable:
    def make(folder: Path, seed: int) -> Noisy:
        from sklearn import datasets

        return _table(*getattr(datasets, f"load_{name}")(return_X_y=True), kind, share, seed)

    return make


def _table(matrix: np.ndarray, truth: np.ndarray, kind: str, share: float, seed: int) -> Noisy:
    table = pd.DataFrame(matrix, columns=[f"x{i}" for i in range(matrix.shape[1])])
    table["truth"] = [f"class {code}" for code in truth]
    return Noisy(table.assign(label=flipped(table.truth, kind, share, seed)), False)


def flipped(truth: pd.Series, kind: str, share: float, seed: int) -> np.ndarray:
    """Return labels of which a share is wrong: at random, or (`class`) in the last class alone."""
    names, codes = np.unique(truth, return_inverse=True)
    rng = np.random.default_rng(100 + seed)
    if kind == "sym":
        wrong = rng.random(len(codes)) < share
        moved = (codes + rng.integers(1, len(names), len(codes))) % len(names)
    else:
        last = codes == len(names) - 1
        wrong = last & (rng.random(len(codes)) < share / last.mean())
        moved = np.zeros_like(codes)
    return names[np.where(wrong, moved, codes)]


SETS: dict[str, Callable] = {
    "reviews sym10": texts("rt_polarity", "sym", 0.1, 4_000),
    "reviews sym20": texts("rt_polarity", "sym", 0.2, 4_000),
    "reviews class10": texts("rt_polarity", "class", 0.1, 4_000),
    "news people": news_by_people,
    "questions sym10": texts("wrench_trec", "sym", 0.1),
    "digits sym10": numbers("digits"),
    "tumours sym10": numbers("breast_cancer"),
}
# Where the number of wrong labels is known: those flipped, in sets whose own labels are hardly
# disputed, and those of people beside the truth.
INTERVALS: dict[str, Callable] = {
    "reviews sym5": some("rt_polarity", "sym", 0.05),
    "questions sym10": some("wrench_trec", "sym", 0.1),
    "digits as they are": numbers("digits", "sym", 0.0),
    "comments sym10": some("wrench_youtube", "sym", 0.1),
    "made up sym20": made_up("sym", 0.2),
    "reviews class10": some("rt_polarity", "class", 0.1),
    "messages sym5": some("sms_spam", "sym", 0.05),
    "tumours sym20": numbers("breast_cancer", "sym", 0.2),
    "reviews sym20": some("rt_polarity", "sym", 0.2),
    "news people": lambda folder, seed: news_by_people(folder, seed, 2_000, seed),
    "questions sym5": some("wrench_trec", "sym", 0.05),
    "made up as they are": made_up("sym", 0.0),
    "wine sym10": numbers("wine"),
}
CLEAN: dict[str, Callable] = {
    "reviews": some("rt_polarity", "sym", 0.0),
    "questions": texts("wrench_trec", "sym", 0.0),
    "comments": some("wrench_youtube", "sym", 0.0),
    "messages": some("sms_spam", "sym", 0.0),
    "restaurants": some("wrench_yelp_part", "sym", 0.0),
    "news": texts("ag_news_test", "sym", 0.0),
    "digits": numbers("digits", "sym", 0.0),
    "tumours": numbers("breast_cancer", "sym", 0.0),
    "wine": numbers("wine", "sym", 0.0),
}

"""Labeling functions as people wrote them for Snorkel and pandas run unchanged."""

import pytest

from tests.weak.test_command import column

COMMENTS = """id,author,text,date
1,ann,check out my channel http://me.example/v,2020-01-01
2,bob,love this song so much!!!,2020-01-02
3,cy,PLEASE subscribe to me,2020-01-03
4,dee,the chorus at 2:10 is a song of its own,2020-01-04
5,eve,my favourite,2020-01-05
"""

# Keyword factories with resources, a memoized preprocessor, a list of functions, an applier.
SPAM = '''
import re

import pandas as pd
from snorkel.labeling import LabelingFunction, LFAnalysis, PandasLFApplier, labeling_function
from snorkel.preprocess import preprocessor

ABSTAIN = -1
HAM = 0
SPAM = 1


@preprocessor(memoize=True)
def count_words(x):
    """Attach the number of words."""
    x.n_words = len(x.text.split())
    return x


@labeling_function()
def check_out(x):
    return SPAM if re.search(r"check.*out", x.text, flags=re.I) else ABSTAIN


def keyword_lookup(x, keywords, label):
    if any(word in x.text.lower() for word in keywords):
        return label
    return ABSTAIN


def make_keyword_lf(keywords, label=SPAM):
    return LabelingFunction(
        name=f"keyword_{keywords[0]}",
        f=keyword_lookup,
        resources=dict(keywords=keywords, label=label),
    )


keyword_subscribe = make_keyword_lf(keywords=["subscribe"])
keyword_song = make_keyword_lf(keywords=["song", "chorus"], label=HAM)


@labeling_function(pre=[count_words])
def short_comment(x):
    """Ham comments are often short, such as 'cool video!'."""
    return HAM if x.n_words < 3 else ABSTAIN


lfs = [check_out, keyword_subscribe, keyword_song, short_comment]


def evaluate(df: pd.DataFrame):
    return LFAnalysis(PandasLFApplier(lfs).apply(df), lfs).lf_summary()


if __name__ == "__main__":
    print(evaluate(pd.read_csv("comments.csv")))
'''

COUPLES = """id,person1,text,person2,between
1,Ada,Ada and her husband Bo,Bo,and her husband
2,Cy,Cy met his boss Di,Di,met his boss
3,Eve Roe,Eve Roe and Finn Roe,Finn Roe,and
4,Gus,Gus saw Hal,Hal,saw
"""

# Chained preprocessors, an external file, distant supervision, an Enum of classes.
SPOUSES = """
import json
from enum import IntEnum
from pathlib import Path

from snorkel.labeling import labeling_function
from snorkel.preprocess import preprocessor


class Label(IntEnum):
    ABSTAIN = -1
    NEGATIVE = 0
    POSITIVE = 1


KNOWN = {tuple(pair) for pair in json.loads((Path(__file__).parent / "known.json").read_text())}
SPOUSES = {"wife", "husband", "ex-wife"}
COLLEAGUES = {"boss", "coworker"}


@preprocessor()
def tokens_between(cand):
    cand.tokens = cand.between.split()
    return cand


@preprocessor(pre=[tokens_between])
def last_names(cand):
    names = [name.split(" ")[-1] if " " in name else None for name in (cand.person1, cand.person2)]
    cand.last_names = tuple(names)
    return cand


@labeling_function(resources=dict(spouses=SPOUSES), pre=[tokens_between])
def lf_husband_wife(x, spouses):
    return Label.POSITIVE if spouses.intersection(set(x.tokens)) else Label.ABSTAIN


@labeling_function(resources=dict(colleagues=COLLEAGUES), pre=[tokens_between])
def lf_colleague(x, colleagues):
    return Label.NEGATIVE if colleagues & set(x.tokens) else Label.ABSTAIN


@labeling_function(pre=[last_names])
def lf_same_last_name(x):
    first, second = x.last_names
    if first and first == second and x.person1 != x.person2:
        return Label.POSITIVE
    return Label.ABSTAIN


@labeling_function(resources=dict(known=KNOWN))
def lf_distant_supervision(x, known):
    pair = (x.person1, x.person2)
    return Label.NEGATIVE if pair in known or pair[::-1] in known else Label.ABSTAIN
"""

PATIENTS = """id,age,note,admitted,bmi
1,71,short of breath,2021-02-03,31.5
2,34,,2021-03-04,
3,,check-up only,2021-03-05,22
4,80,fell at home,,19.0
"""

# Whole columns: numpy, pandas methods, string accessors, dates, a helper, missing cells.
PANDAS = """
import numpy as np
import pandas as pd

from labelkit import vectorized

LABELS = {1: "high", 0: "low"}


def as_labels(mask, label):
    return pd.Series(np.where(mask, label, None), index=mask.index)


@vectorized
def lf_age(df):
    return as_labels(df["age"] > 70, "high")


@vectorized
def lf_note(df):
    return as_labels(df["note"].str.contains("check", case=False, na=False), "low")


@vectorized
def lf_bmi(frame):
    bins = pd.cut(frame.bmi, [0, 20, 30, 100], labels=["high", "low", "high"], ordered=False)
    return bins.astype(object).where(bins.notna(), None)


@vectorized
def lf_spring(df):
    return df.admitted.dt.month.eq(3).map({True: LABELS[0]})


def lf_row(row):
    if row.age is None or pd.isna(row.age):
        return None
    return "low" if row["age"] < 40 else None
"""


@pytest.fixture
def votes(labelkit, write, tmp_path):
    def run(data, lfs, classes):
        write("data.csv", data)
        write("lfs.py", lfs)
        done = labelkit(
            *["weak-label", "data.csv", "-o", "out.csv", "--functions", "lfs.py"],
            *["--classes", classes, "--votes", "--text", data.split("\n")[0].split(",")[2]],
        )
        assert done.code == 0, done.err
        return lambda name: column(tmp_path / "out.csv", f"weak_lf_{name}")

    return run


def test_keyword_factories_preprocessors_and_a_list_of_functions(votes):
    found = votes(COMMENTS, SPAM, "HAM,SPAM")
    assert found("check_out") == ["SPAM", "", "", "", ""]
    assert found("keyword_subscribe") == ["", "", "SPAM", "", ""]
    assert found("keyword_song") == ["", "HAM", "", "HAM", ""]
    assert found("short_comment") == ["", "", "", "", "HAM"]


def test_chained_preprocessors_resources_and_a_file_of_knowledge(votes, write):
    write("known.json", '[["Hal", "Gus"]]')
    found = votes(COUPLES, SPOUSES, "no,yes")
    assert found("lf_husband_wife") == ["yes", "", "", ""]
    assert found("lf_colleague") == ["", "no", "", ""]
    assert found("lf_same_last_name") == ["", "", "yes", ""]
    assert found("lf_distant_supervision") == ["", "", "", "no"]


def test_whole_columns_the_way_pandas_is_written(votes):
    found = votes(PATIENTS, PANDAS, "low,high")
    assert found("lf_age") == ["high", "", "", "high"]
    assert found("lf_note") == ["", "", "low", ""]
    assert found("lf_bmi") == ["high", "", "low", "high"]
    assert found("lf_spring") == ["", "low", "low", ""]
    assert found("lf_row") == ["", "low", "", ""]

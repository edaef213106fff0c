"""weak-label --propagate, through the command line."""

import csv
import io

import numpy as np
import pytest
from scipy import sparse

from labelkit.weak.label_models import text_model
from labelkit.weak.propagate import informed, neighbours_say, reliable, unsound

RULES = ("--keyword", "GOOD=warm", "--keyword", "BAD=stale")
GOOD, BAD = ("lovely", "bright", "tender", "moving"), ("awful", "boring", "clumsy", "endless")


def table(rows=120, **more):
    """Texts of two classes; every third has no word that a rule knows, one rule misfires."""
    found = []
    for i in range(rows):
        words, told = ((GOOD, "warm"), (BAD, "stale"))[i % 2]
        cue = "" if i % 3 == 0 else told
        if i in (40, 41):  # the wrong cue among the words of the other class
            cue = "stale" if i == 40 else "warm"
        text = f"{words[i % 4]} {words[(i // 2) % 4]} {words[(i // 3) % 4]} {cue}"
        found.append({"id": str(i), "text": text, "truth": "GOOD" if i % 2 == 0 else "BAD"} | more)
    return found


def save(write, rows, name="data.csv"):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return write(name, out.getvalue())


def run(labelkit, *more, source="data.csv", output="out.csv", rules=RULES):
    done = labelkit(
        "weak-label", source, "-o", output, *rules, "--classes", "BAD,GOOD", "--gold", "truth",
        "--features", "tfidf", *more,
    )  # fmt: skip
    assert done.code == 0, done.err
    return done


def read(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_rows_without_a_vote_get_a_label_and_wrong_votes_are_overruled(labelkit, write, tmp_path):
    save(write, table())
    done = run(labelkit, "--propagate", "--proba")
    rows = read(tmp_path / "out.csv")
    assert [row["weak_label"] for row in rows] == [row["truth"] for row in rows]
    by_model = [int(row["id"]) for row in rows if row["weak_source"] == "model"]
    assert by_model == sorted([*range(0, 120, 3), 40, 41])
    assert {row["weak_source"] for row in rows} == {"vote", "model"}
    for row in rows:
        sure = max(float(row["weak_proba_BAD"]), float(row["weak_proba_GOOD"]))
        assert float(row["weak_confidence"]) == pytest.approx(sure, abs=1e-6)
    assert "labels 40 rows that have no label by vote and overrules 2" in done.err
    assert "120 labelled · 0 abstained" in done.err


def test_a_second_run_changes_nothing_and_one_without_it_drops_the_column(
    labelkit, write, tmp_path
):
    save(write, table())
    run(labelkit, "--propagate")
    run(labelkit, "--propagate", source="out.csv", output="again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    run(labelkit, source="again.csv", output="plain.csv")
    assert "weak_source" not in read(tmp_path / "plain.csv")[0]


def test_rows_not_chosen_stay_empty(labelkit, write, tmp_path):
    save(write, table())
    run(labelkit, "--propagate", "--where", "id < 100")
    rows = read(tmp_path / "out.csv")
    assert {row["weak_source"] for row in rows[100:]} == {""}
    assert {row["weak_label"] for row in rows[100:]} == {""}
    assert all(row["weak_label"] for row in rows[:100])


def test_audit_rows_are_not_learned_from(labelkit, write, tmp_path):
    # All rows with a vote are audit rows: nothing is left to learn from.
    save(write, [row | {"label": "", "label_origin": "audit"} for row in table()])
    done = run(labelkit, "--propagate")
    assert "only 0 rows with a vote to learn from" in done.err
    assert {row["weak_source"] for row in read(tmp_path / "out.csv")} == {"vote", ""}


def test_without_text_other_columns_are_learned_from(labelkit, write, tmp_path):
    rows = [{"id": str(i), "size": str(i % 60), "truth": "GOOD"} for i in range(180)]
    write(
        "lfs.py",
        "def lf_big(row): return 'GOOD' if row.size > 35 else None\n"
        "def lf_small(row): return 'BAD' if row.size < 25 else None\n",
    )
    save(write, rows)
    done = labelkit("weak-label", "data.csv", "-o", "out.csv", "--functions", "lfs.py", "--gold",
                    "truth", "--propagate")  # fmt: skip
    assert done.code == 0, done.err
    rows = read(tmp_path / "out.csv")
    assert all(row["weak_label"] for row in rows)
    assert {row["weak_source"] for row in rows if 25 <= int(row["size"]) <= 35} == {"model"}


def test_nothing_to_learn_from_is_one_clear_message(labelkit, write):
    save(write, [{"id": str(i), "lf_a": str(i % 2), "label": ""} for i in range(60)])
    done = labelkit("weak-label", "data.csv", "-o", "out.csv", "--from-votes", "lf_a", "--classes",
                    "BAD,GOOD", "--propagate", "--column", "nothing")  # fmt: skip
    assert done.code == 1
    assert "nothing" in done.err
    assert "Traceback" not in done.err


def test_texts_that_do_not_tell_the_class_keep_the_votes(labelkit, write, tmp_path):
    rng = np.random.default_rng(3)
    rows = [
        {"id": str(i), "text": " ".join(rng.choice(list("abcdefgh"), 6)), "truth": "GOOD",
         "v": str(int(rng.random() < 0.5))}
        for i in range(200)
    ]  # fmt: skip
    save(write, rows)
    done = run(labelkit, "--propagate", rules=("--from-votes", "v", "--label-model", "majority"))
    assert "the labels by vote are kept" in done.err
    found = read(tmp_path / "out.csv")
    assert {row["weak_source"] for row in found} == {"vote"}
    assert [row["weak_label"] for row in found] == [("BAD", "GOOD")[int(r["v"])] for r in rows]


def test_a_class_that_the_model_gives_up_is_noticed():
    codes = np.array([0] * 50 + [1] * 40 + [2] * 10)
    assert "gives up a class" in unsound(np.where(codes == 2, 0, codes), codes, 3)
    assert unsound(codes, codes, 3) == ""


def test_a_row_among_rows_of_another_label_is_not_reliable():
    matrix = sparse.csr_matrix(np.repeat(np.eye(2), 60, axis=0))
    codes = np.repeat([0, 1], 60)
    codes[5] = 1
    kept = reliable(neighbours_say(matrix, codes, 2), codes)
    assert 5 not in kept
    assert set(np.unique(codes[kept])) == {0, 1}


def test_soft_labels_are_surer_where_neighbours_agree_and_less_sure_where_not():
    given = np.array([[0.6, 0.4], [0.6, 0.4]])
    found = informed(given, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert found[0, 0] > 0.8 and found[1, 0] < 0.4
    assert np.allclose(found.sum(axis=1), 1)


def test_rows_without_a_label_take_no_place_of_those_that_are_learned_from(monkeypatch):
    """However many rows there are, the model learns from all that have a weight, up to a limit."""
    learned_from = []
    fit = text_model.fit

    def counting(text, labels, weights):
        learned_from.append(text.shape[0])
        return fit(text, labels, weights)

    monkeypatch.setattr(text_model, "fit", counting)
    rng = np.random.default_rng(1)
    matrix = sparse.csr_matrix(rng.random((2_000, 3)))
    labels = np.eye(2)[rng.integers(0, 2, 2_000)]
    weights = np.zeros(2_000)
    weights[::25] = 1.0
    keys = rng.permutation(2_000)
    sample = text_model.to_fit(keys, weights, 100)
    text_model.out_of_fold(matrix, labels[sample], sample, keys, weights)
    assert sum(learned_from) == 4 * 80  # each of five models leaves out a fifth of the 80
    learned_from.clear()
    sample = text_model.to_fit(keys, np.ones(2_000), 100)
    text_model.out_of_fold(matrix, labels[sample], sample, keys, np.ones(2_000))
    assert sum(learned_from) == 4 * 100

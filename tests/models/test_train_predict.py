import json
import random
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from labelkit.ml import model_file
from labelkit.models import predict

pytestmark = pytest.mark.usefixtures("words_alone")

GOOD = ["lovely", "moving", "warm", "clever", "funny"]
BAD = ["dull", "flat", "tired", "empty", "noisy"]


def reviews(n=120, labels=None, seed=0):
    """Rows whose words give the class away; `labels(i, truth)` gives label, origin, noise_use."""
    rng = random.Random(seed)
    lines = ["id,text,gold,label,label_origin,noise_use"]
    for i in range(n):
        truth = rng.choice(["neg", "pos"])
        words = rng.choices(GOOD if truth == "pos" else BAD, k=4) + rng.choices("abcdefgh", k=2)
        label, origin, use = labels(i, truth) if labels else (truth, "", "")
        lines.append(f'r{i},"a {" ".join(words)} film {i}",{truth},{label},{origin},{use}')
    return "\n".join(lines) + "\n"


def read(path):
    convert = pyarrow.csv.ConvertOptions(strings_can_be_null=False)
    return pyarrow.csv.read_csv(path, convert_options=convert)


def test_a_model_learns_predicts_and_tells(labelkit, write):
    write("a.csv", reviews())
    done = labelkit("train", "a.csv", "-o", "m.model")
    assert done.code == 0, done.err
    assert done.out == ""
    assert "learned from 120 rows (label 120)" in done.err
    assert "biased, it is compared with the labels that it learned from" in done.err
    assert "verdict: cannot tell: no accuracy is claimed: no audit row has" in done.err
    assert "compared by cross-validation (Brier score " in done.err
    assert done.err.endswith("next: labelkit predict m.model a.csv -o a.predicted.csv\n")
    write("new.csv", reviews(40, lambda i, truth: ("", "", ""), seed=1))
    done = labelkit("predict", "m.model", "new.csv", "-o", "out.csv", "--proba")
    assert done.code == 0, done.err
    assert "predict: 40 rows · 40 labelled -> out.csv" in done.err
    found = read("out.csv")
    assert found.column_names[-4:] == [
        "model_label",
        "model_confidence",
        "model_proba_neg",
        "model_proba_pos",
    ]
    rows = found.to_pylist()
    assert sum(row["model_label"] == row["gold"] for row in rows) >= 38
    for row in rows:
        assert row["model_confidence"] == max(row["model_proba_neg"], row["model_proba_pos"])


def test_audit_rows_are_measured_on_and_never_learned_from(labelkit, write):
    def labels(i, truth):
        if i < 20:
            return ("pos" if truth == "neg" else "neg"), "audit", ""  # wrong on purpose
        return truth, "query", ""

    write("a.csv", reviews(120, labels))
    done = labelkit("train", "a.csv", "-o", "m.model", "--summary", "s.json")
    assert "learned from 100 rows (label 100); left out: 20 audit rows" in done.err
    assert "accuracy of the model 0.000 (95% CI 0.000–0.161, n=20 audit rows)" in done.err
    card = model_file.read_card(Path("m.model"))
    assert card["accuracy"]["audit"]["rows"] == 20
    assert card["accuracy"]["out_of_fold"]["biased"] is True
    done = labelkit("predict", "m.model", "a.csv", "-o", "b.csv")
    assert "the model's accuracy 0.000 [0.000, 0.161] on 20 audit rows -> b.csv\n" in done.err
    summary = json.loads(Path("s.json").read_text())
    assert summary["accuracy"]["audit"] == {"value": 0, "low": 0, "high": 0.161125, "rows": 20}


def test_twins_of_audit_rows_are_left_out_too(labelkit, write):
    rows = reviews(60, lambda i, truth: (truth, "audit" if i < 10 else "query", "")).splitlines()
    twin = rows[1].replace("r0,", "r99,").replace("audit", "query")
    write("a.csv", "\n".join([*rows, twin]) + "\n")
    done = labelkit("train", "a.csv", "-o", "m.model")
    assert "left out: 10 audit rows, 1 duplicates of audit rows" in done.err


def test_audit_answers_judge_a_model_of_weak_labels(labelkit, write):
    text = reviews(80, lambda i, truth: (truth if i < 20 else "", "audit" if i < 20 else "", ""))
    lines = text.splitlines()
    weak = ["weak_label", *["pos"] * 40, *["neg"] * 40]
    write("a.csv", "\n".join(f"{line},{w}" for line, w in zip(lines, weak, strict=True)) + "\n")
    done = labelkit("train", "a.csv", "-o", "m.model", "--label", "weak_label")
    assert "learned from 60 rows (weak_label 60); left out: 20 audit rows" in done.err
    assert "n=20 audit rows" in done.err


def test_rows_marked_as_noise_are_obeyed(labelkit, write):
    write("a.csv", reviews(100, lambda i, t: (t, "", "false" if i % 4 == 0 else "true")))
    done = labelkit("train", "a.csv", "-o", "m.model")
    assert "learned from 75 rows (label 75); left out: 25 noise_use = false" in done.err


def test_where_says_which_rows_are_learned_from(labelkit, write):
    write("a.csv", reviews())
    done = labelkit("train", "a.csv", "-o", "m.model", "--where", "text contains 'film 1'")
    assert "left out: " in done.err
    assert "outside --where" in done.err


def test_soft_labels(labelkit, write):
    lines = reviews(80, lambda i, t: ("", "", "")).splitlines()
    soft = ["p_neg,p_pos", *(["0.9,0.1" if ",neg," in line else "0.2,0.8" for line in lines[1:]])]
    write("a.csv", "\n".join(f"{a},{b}" for a, b in zip(lines, soft, strict=True)) + "\n")
    done = labelkit("train", "a.csv", "-o", "m.model", "--from-proba", "p_")
    assert done.code == 0, done.err
    assert "learned from 80 rows (probabilities 80)" in done.err
    assert "2 classes" in done.err


def test_a_table_without_text_never_learns_from_key_gold_or_ours(labelkit, write):
    rng = random.Random(0)
    rows = ["id,price,town,gold,label,weak_label,weak_confidence"]
    for i in range(90):
        price = rng.random()
        label = "dear" if price > 0.5 else "cheap"
        rows.append(f"{i},{price:.4f},{rng.choice(['Rome', 'Oslo'])},{label},{label},{label},0.9")
    write("a.csv", "\n".join(rows) + "\n")
    done = labelkit("train", "a.csv", "-o", "m.model")
    assert "features: numbers price · categories town" in done.err
    write("b.csv", rows[0] + "\n" + rows[1].replace("Rome", "Oslo") + "\nx,,Bern,,,,\n")
    assert labelkit("predict", "m.model", "b.csv", "-o", "c.csv").code == 0
    assert all(row["model_label"] in ("dear", "cheap") for row in read("c.csv").to_pylist())


def test_what_the_model_has_not_learned_is_said(labelkit, write):
    lines = [f"{i},{['Rome', 'Oslo'][i % 2]},{['dear', 'cheap'][i % 2]}" for i in range(60)]
    write("a.csv", "\n".join(["id,town,label", *lines]) + "\n")
    assert labelkit("train", "a.csv", "-o", "m.model", "--features", "columns").code == 0
    write("b.csv", "id,town\n" + "".join(f'{i},"Bern\u202e{i % 5}"\n' for i in range(160)))
    done = labelkit("predict", "m.model", "b.csv", "-o", "c.csv", "--summary", "s.json")
    assert done.code == 0, done.err
    assert (
        "warning: column 'town': 160 of 160 rows hold a value that the model has not learned by "
        "name, as 'Bern·0', 'Bern·1', 'Bern·2'; it knows nothing of them\n"
    ) in done.err
    assert json.loads(Path("s.json").read_text())["unseen_values"] == {"town": 160}
    write("b.csv", "id,town\n1,Rome\n2,Oslo\n3,\n4,Rome\n5,Bern\n")
    done = labelkit("predict", "m.model", "b.csv", "-o", "c.csv", "--overwrite")
    assert "\ncolumn 'town': 1 of 5 rows hold" in "\n" + done.err
    write("b.csv", "id,town\n1,Rome\n2,\n")
    assert "learned" not in labelkit("predict", "m.model", "b.csv", "-o", "c.csv").err
    write("a.csv", reviews())
    assert labelkit("train", "a.csv", "-o", "t.model", "--features", "tfidf").code == 0
    write("b.csv", "id,text\n1,zwei Worte\n2,lovely\n3,\n")
    done = labelkit("predict", "t.model", "b.csv", "-o", "c.csv")
    assert "1 of 3 rows have a text without a word that the model has learned" in done.err


def test_the_same_command_gives_the_same_bytes(labelkit, write):
    write("a.csv", reviews())
    for name in ("one", "two"):
        labelkit("train", "a.csv", "-o", f"{name}.model")
        labelkit("predict", f"{name}.model", "a.csv", "-o", f"{name}.csv")
    for suffix in (".model", ".csv"):
        assert Path("one" + suffix).read_bytes() == Path("two" + suffix).read_bytes()


def test_parquet_predicts_like_csv_and_where_leaves_the_rest_empty(labelkit, write):
    write("a.csv", reviews())
    labelkit("train", "a.csv", "-o", "m.model")
    pa.parquet.write_table(read("a.csv"), "a.parquet")
    labelkit("predict", "m.model", "a.csv", "-o", "p.csv", "--where", "gold == 'pos'")
    labelkit("predict", "m.model", "a.parquet", "-o", "p.parquet", "--where", "gold == 'pos'")
    ours = pa.parquet.read_table("p.parquet").to_pylist()
    theirs = read("p.csv").to_pylist()
    for one, other in zip(ours, theirs, strict=True):
        assert (one["model_label"] or "") == other["model_label"]
        assert (one["model_label"] is None) == (one["gold"] == "neg")
        if one["gold"] == "pos":
            assert one["model_confidence"] == pytest.approx(other["model_confidence"])


def test_predict_again_changes_nothing_and_takes_another_name(labelkit, write):
    write("a.csv", reviews(60))
    labelkit("train", "a.csv", "-o", "m.model")
    labelkit("predict", "m.model", "a.csv", "-o", "b.csv")
    labelkit("predict", "m.model", "b.csv", "-o", "c.csv")
    assert Path("b.csv").read_text() == Path("c.csv").read_text()
    labelkit("predict", "m.model", "b.csv", "-o", "d.csv", "--as", "old")
    assert read("d.csv").column_names[-2:] == ["old_label", "old_confidence"]


def test_no_rows(labelkit, write):
    write("a.csv", reviews(60))
    labelkit("train", "a.csv", "-o", "m.model")
    write("none.csv", "id,text\n")
    done = labelkit("predict", "m.model", "none.csv", "-o", "out.csv")
    assert done.code == 0, done.err
    assert Path("out.csv").read_text() == "id,text,model_label,model_confidence\n"


def test_one_class_says_so(labelkit, write):
    write("a.csv", reviews(30, lambda i, truth: ("pos", "", "")))
    done = labelkit("train", "a.csv", "-o", "m.model", "--classes", "neg,pos")
    assert "warning: no label for neg: the model never answers it" in done.err
    assert "constant (only one class has labels)" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "a.csv"], "train needs -o MODEL, the file that the model is saved in"),
        (
            ["train", "a.csv", "-o", "m.csv"],
            "m.csv is named like a data file; train writes a model: -o m.model",
        ),
        (
            ["train", "a.csv", "-o", "no/m.model"],
            "no/m.model cannot be written: there is no folder no (mkdir -p no)",
        ),
        (
            ["train", "empty.csv", "-o", "m.model"],
            "empty.csv: no row has a label to learn from in the column label; "
            "name one with --label COLUMN",
        ),
        (
            ["train", "plain.csv", "-o", "m.model"],
            "plain.csv: no row has a label to learn from (there is no column 'label'); "
            "name one with --label COLUMN",
        ),
        (
            ["train", "a.csv", "-o", "m.model", "--from-proba", "weak_proba_"],
            "a.csv has no column that begins with 'weak_proba_' (--from-proba)",
        ),
        (
            ["predict", "no.model", "a.csv", "-o", "out.csv"],
            "there is no model no.model; make one with: labelkit train … -o no.model",
        ),
        (
            ["predict", "a.csv", "a.csv", "-o", "out.csv"],
            "a.csv is not a model that labelkit train wrote",
        ),
    ],
)
def test_what_cannot_be_done(labelkit, write, arguments, message):
    write("a.csv", reviews(20))
    write("empty.csv", reviews(20, lambda i, truth: ("", "", "")))
    write("plain.csv", "id,text\n1,hello\n2,world\n")
    done = labelkit(*arguments)
    assert done.code in (1, 2)
    assert done.err == f"error: {message}\n"


def test_a_file_that_the_model_does_not_fit(labelkit, write):
    rows = "".join(f"{i},{i % 7},{'ab'[i % 7 > 3]}\n" for i in range(40))
    write("a.csv", "id,price,label\n" + rows)
    assert labelkit("train", "a.csv", "-o", "m.model").code == 0
    write("b.csv", "id,prices\n1,2\n")
    done = labelkit("predict", "m.model", "b.csv", "-o", "out.csv")
    assert done.err == (
        "error: b.csv has no column 'price' (the model m.model was trained on it); "
        "did you mean 'prices'? (columns: id, prices)\n"
    )
    write("c.csv", "id,price\n1,2\n2,dear\n")
    done = labelkit("predict", "m.model", "c.csv", "-o", "out.csv")
    assert done.code == 1
    assert done.err == (
        "error: c.csv, row 2: column 'price' is a number column, but 'dear' is not a number, "
        "as it was when the model was trained; correct the cell, empty it (a missing value), or "
        "train again\n"
    )
    done = labelkit("predict", "m.model", "c.csv", "-o", "out.csv", "--where", "price == 'dear'")
    assert "error: c.csv, row 2: " in done.err


def test_training_on_empty_texts_warns(labelkit, write):
    write("a.csv", "id,text,label\n" + "".join(f"{i},,{'ab'[i % 2]}\n" for i in range(12)))
    done = labelkit("train", "a.csv", "-o", "m.model", "--text", "text", "--features", "tfidf")
    assert "warning: a.csv: the 12 rows to learn from are empty in text; is that" in done.err


def test_labels_that_noise_use_leaves_out_keep_the_model_modest(labelkit, write):
    """Rows that look wrong are left out; what remains looks easy, the model must not be surer."""
    import numpy as np

    rng = np.random.default_rng(2)
    points = rng.normal(size=(700, 3))
    truth = points[:, 0] + rng.normal(size=700) > 0
    lines = ["x,y,z,label,noise_use,gold"]
    for row, (point, right) in enumerate(zip(points, truth, strict=True)):
        cells = ",".join(f"{value:.3f}" for value in point)
        keeps = str(bool((point[0] > 0) == right)).lower()
        lines.append(
            f"{cells},{'yes' if right and row < 400 else 'no' * (row < 400)},{keeps},{right}"
        )
    write("a.csv", "\n".join(lines).replace("True", "yes").replace("False", "no") + "\n")
    columns = ("--column", "x", "--column", "y", "--column", "z", "--classifier", "logistic")
    done = labelkit("train", "a.csv", "-o", "m.model", *columns, "--gold", "gold")
    assert done.code == 0, done.err
    assert "the labels of this file, those that look wrong too" in done.err
    card = model_file.read_card(Path("m.model"))
    assert card["accuracy"]["out_of_fold"]["rows"] == 400
    assert list(card["data"]) == ["a.csv"]
    assert card["data"]["a.csv"] == "sha256:" + sha256(Path("a.csv").read_bytes()).hexdigest()
    assert labelkit("predict", "m.model", "a.csv", "-o", "p.csv").code == 0
    done = labelkit("evaluate", "p.csv", "--gold", "gold", "--label", "model_label", "--json")
    figures = json.loads(done.out)["figures"][0]
    low, high = figures["calibration_error_interval"]
    assert low <= figures["calibration_error"] <= high
    assert figures["calibration_error"] < 0.09


def test_rows_of_one_group_stay_on_one_side_of_a_split(labelkit, write):
    """Each author has a word and a label of his own: known again, unless authors are apart."""
    lines = [f'{a}-{i},author{a},"a film by author{a} no {i}",{"pos" if a % 3 else "neg"}'
             for a in range(24) for i in range(4)]  # fmt: skip
    write("a.csv", "\n".join(["id,author,text,label", *lines]) + "\n")
    accuracy = []
    for more in ((), ("--group", "author")):
        done = labelkit("train", "a.csv", "-o", "m.model", "--features", "tfidf", *more)
        assert done.code == 0, done.err
        card = model_file.read_card(Path("m.model"))
        accuracy.append(card["accuracy"]["out_of_fold"]["value"])
    assert accuracy[0] > 0.9 and accuracy[1] < 0.75


EMBED = """
with open("ran", "a") as file:
    file.write("x")

def embed(texts):
    return [[len(text), text.count("e"), 1.0] for text in texts]
"""


@pytest.mark.parametrize("kind", ["embedding", "tfidf+embedding"])
def test_predict_runs_a_file_that_the_model_names_only_if_the_user_names_it(labelkit, write, kind):
    write("a.csv", reviews(40))
    write("helper.py", EMBED)
    done = labelkit("train", "a.csv", "-o", "m.model", "--features", f"{kind}:helper.py:embed")
    assert done.code == 0, done.err
    assert done.err.endswith("-o a.predicted.csv --features embedding:helper.py:embed\n")
    Path("ran").unlink()
    done = labelkit("predict", "m.model", "a.csv", "-o", "b.csv")
    assert done.code == 2
    assert done.err == (
        "error: m.model was trained on the embedding helper.py:embed, and loading it runs the "
        "code of that file; if you trust it, allow it with --features embedding:helper.py:embed\n"
    )
    Path("other.py").write_text(EMBED + "# another file")
    done = labelkit("predict", "m.model", "a.csv", "-o", "b.csv", "--features",
                    "embedding:other.py:embed")  # fmt: skip
    assert done.code == 1
    assert "m.model was trained on another content of the file of other.py:embed" in done.err
    assert not Path("ran").exists()
    Path("helper.py").rename("moved.py")
    done = labelkit("predict", "m.model", "a.csv", "-o", "b.csv", "--features",
                    "embedding:moved.py:embed")  # fmt: skip
    assert done.code == 0, done.err
    assert Path("ran").exists()


def test_features_of_predict_are_those_of_the_model(labelkit, write):
    write("a.csv", reviews(40))
    labelkit("train", "a.csv", "-o", "m.model", "--features", "tfidf")
    for other in ("columns", "embedding", "embedding:minilm", "tfidf:x"):
        done = labelkit("predict", "m.model", "a.csv", "-o", "b.csv", "--features", other)
        assert done.code == 2
        assert f"m.model was trained with --features tfidf, not {other}" in done.err
    done = labelkit("predict", "m.model", "a.csv", "-o", "b.csv", "--features", "tfidf")
    assert done.code == 0, done.err


def test_of_many_classes_the_commonest_are_told():
    counts = np.arange(30)
    told = predict._counted([f"c{code}" for code in range(30)], counts)
    assert told.startswith("c29 29 · c28 28 ·")
    assert told.endswith(" · 10 other classes 45")
    assert predict._counted(["a", "b"], np.array([1, 2])) == "a 1 · b 2"

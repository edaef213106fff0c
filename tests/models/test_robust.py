"""Learning from labels of which some are wrong: prune, forward correction, smoothing, mixup."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from labelkit.errors import LabelkitError, UsageError
from labelkit.ml import model_file
from labelkit.ml.classifier import Recipe
from labelkit.models import augment, forward, kernel_ridge, noisy_temperature, robust
from labelkit.models.augment import Lesson
from labelkit.models.fit import How, examples, learn, predict


def clouds(n=600, classes=3, wrong=0.25, seed=0):
    """Points around one centre a class, the labels given (some wrong) and the true ones."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    matrix = np.eye(classes + 2)[truth] * 2.5 + rng.normal(size=(n, classes + 2))
    shift = rng.integers(1, classes, n) * (rng.random(n) < wrong)
    return matrix, (truth + shift) % classes, truth


def right(learned, classes=3):
    matrix, _, truth = clouds(seed=9)
    return (predict(learned.model, matrix, classes, 1.0).argmax(axis=1) == truth).mean()


def test_most_wrong_labels_and_few_right_ones_are_left_out():
    matrix, given, truth = clouds()
    found = robust.judge(matrix, [], given, np.arange(600), 3, Recipe("logistic", 1.0), None, 0)
    out = ~found.kept
    wrong = given != truth
    assert (out & wrong).sum() > 0.75 * wrong.sum()
    assert (out & ~wrong).sum() < 0.1 * (~wrong).sum()
    assert found.given_when_true.sum(axis=1) == pytest.approx(1)
    assert np.diagonal(found.given_when_true) == pytest.approx([0.75] * 3, abs=0.12)


def test_likeness_leaves_each_row_and_its_group_out_exactly(monkeypatch):
    monkeypatch.setattr(kernel_ridge, "PENALTIES", (1.0,))
    rng = np.random.default_rng(0)
    n = 50
    words = sparse.csr_matrix(rng.random((n, 6)) * (rng.random((n, 6)) < 0.5))
    alike = kernel_ridge.alike([words, rng.normal(size=(n, 4))])
    given, weights = rng.integers(0, 3, n), rng.uniform(0.01, 2, n)
    groups = np.concatenate([np.arange(30), np.repeat(np.arange(30, 35), 4)])
    found = kernel_ridge.judge(alike, given, groups, 3, weights)
    shares = np.bincount(given, weights, minlength=3) / weights.sum()
    aim = np.eye(3)[given] - shares
    for row in range(n):
        rest = np.flatnonzero(groups != groups[row])
        own = weights[rest][:, None]
        solved = np.linalg.solve(
            own * alike[np.ix_(rest, rest)] + np.eye(len(rest)), own * aim[rest]
        )
        expected = np.maximum(alike[row, rest] @ solved + shares, kernel_ridge.LEAST)
        assert found[row] == pytest.approx(expected / expected.sum(), abs=1e-9)


def test_with_one_group_alone_likeness_knows_the_shares():
    given = np.array([0, 0, 0, 1])
    alike = kernel_ridge.alike([np.arange(8.0).reshape(4, 2)])
    found = kernel_ridge.judge(alike, given, np.zeros(4, int), 2, np.ones(4))
    assert found == pytest.approx(np.tile([0.75, 0.25], (4, 1)))


@pytest.mark.parametrize("few", [True, False])
def test_few_rows_are_judged_by_likeness_and_many_by_models(few, monkeypatch):
    monkeypatch.setattr(kernel_ridge, "MOST_ROWS", 600 if few else 599)
    matrix, given, truth = clouds()
    wide = sparse.csr_matrix(np.hstack([matrix, np.zeros((600, 300))]))
    parts = [wide, matrix]
    found = robust.judge(wide, parts, given, np.arange(600), 3, Recipe("logistic", 1.0), None, 0)
    wrong = given != truth
    assert (~found.kept & wrong).sum() > 0.75 * wrong.sum()


def test_the_rate_of_errors_and_the_temperature_are_found_together():
    rng = np.random.default_rng(1)
    scores = rng.normal(scale=2.5, size=(3000, 3))
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    truth = (rng.random((3000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    given = (truth + (rng.random(3000) < 0.2) * rng.integers(1, 3, 3000)) % 3
    sharp = shares**2 / (shares**2).sum(axis=1, keepdims=True)
    found = noisy_temperature.fit(sharp, given)
    assert found.temperature == pytest.approx(2.0, abs=0.35)
    assert found.rate == pytest.approx(0.2, abs=0.06)


def test_a_pruned_model_is_as_sure_as_it_is_right():
    """Labels that are left out make the rest look easy: confidence must not."""
    rng = np.random.default_rng(5)
    points = rng.normal(size=(3000, 4))
    truth = (points[:, 0] + 0.9 * rng.normal(size=3000) > 0).astype(int)
    given = np.where(rng.random(1000) < 0.2, 1 - truth[:1000], truth[:1000])
    how = How("logistic", robust="prune")
    learned = learn(points[:1000], examples(given, None), np.arange(1000), 2, how)
    said = predict(learned.model, points[1000:], 2, learned.temperature)
    right = (said.argmax(axis=1) == truth[1000:]).mean()
    assert said.max(axis=1).mean() == pytest.approx(right, abs=0.06)
    # Compared with all labels, a fifth of them wrong, not with those that are left.
    assert learned.out_of_fold.value < right


def test_no_class_is_pruned_away_and_small_ones_are_not_judged():
    matrix, _, truth = clouds(60, wrong=0)
    given = np.where(np.arange(60) < 3, 2, 0)  # the third class is held by three wrong rows
    found = robust.judge(matrix, [], given, np.arange(60), 3, Recipe("logistic", 1.0), None, 0)
    assert found.kept.all()
    given = np.where(np.arange(60) < 8, 2, np.minimum(truth, 1))
    found = robust.judge(matrix, [], given, np.arange(60), 3, Recipe("logistic", 1.0), None, 0)
    assert (np.bincount(given[found.kept], minlength=3) >= robust.FEWEST).all()


@pytest.mark.parametrize("by", ["prune", "forward"])
def test_both_ways_are_no_worse_than_plain_and_better_where_noise_has_a_direction(by):
    matrix, _, truth = clouds(900, wrong=0)
    rng = np.random.default_rng(3)
    given = np.where((truth == 0) & (rng.random(900) < 0.45), 1, truth)  # 0 is called 1
    told, groups = examples(given, None), np.arange(900)
    plain = learn(matrix, told, groups, 3, How("logistic"))
    found = learn(matrix, told, groups, 3, How("logistic", robust=by))
    assert right(found) > right(plain) + 0.01
    assert found.facts["robust"]["by"] == by


def test_a_known_matrix_is_used():
    matrix, _, truth = clouds(900, wrong=0)
    rng = np.random.default_rng(3)
    given = np.where((truth == 0) & (rng.random(900) < 0.45), 1, truth)
    noise = np.array([[0.55, 0.45, 0], [0, 1, 0], [0, 0, 1.0]])
    how = How("logistic", robust="forward", given_when_true=noise)
    found = learn(matrix, examples(given, None), np.arange(900), 3, how)
    assert found.facts["robust"] == {"by": "forward", "noise_matrix": "given"}
    assert right(found) > 0.9


def test_without_noise_forward_is_plain_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    matrix, given, _ = clouds(200)
    for classes, codes in ((3, given), (2, np.minimum(given, 1))):
        lesson = Lesson(sparse.csr_matrix(matrix), codes, None)
        found = forward.fit(lesson, np.eye(classes), 1.0, np.arange(classes))
        plain = LogisticRegression(C=1.0, max_iter=1000).fit(matrix, codes)
        if classes == 3:
            assert found.predict_proba(matrix) == pytest.approx(
                plain.predict_proba(matrix), abs=0.01
            )
        assert (found.predict(matrix) == plain.predict(matrix)).mean() > 0.98


def test_forward_corrects_logistic_regression_alone():
    matrix, given, _ = clouds(100)
    with pytest.raises(UsageError, match="not --classifier forest"):
        learn(matrix, examples(given, None), np.arange(100), 3, How("forest", robust="forward"))


def test_smoothing_spreads_labels_over_the_classes_that_occur():
    lesson = Lesson(np.arange(4.0)[:, None], np.array([0, 2, 2, 0]), np.array([1.0, 2, 1, 1]))
    found = augment.smoothed(lesson, 0.2)
    assert found.codes.tolist() == [0, 2, 2, 0, 2, 0, 0, 2]
    assert found.weights == pytest.approx([0.9, 0.1, 1.8, 0.2, 0.9, 0.1, 0.9, 0.1])
    assert augment.smoothed(lesson, 0) is lesson


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_mixup_mixes_rows_and_labels_alike(kind):
    truth = np.array([0, 1] * 50)
    lesson = Lesson(kind(np.eye(2)[truth]), truth, None)
    found = augment.mixed(lesson, 0.4, 2, seed=0)
    rows = np.asarray(found.matrix.todense() if sparse.issparse(found.matrix) else found.matrix)
    # Each mixture holds as much of a class's feature as of its label.
    assert rows[np.arange(len(rows)), found.codes] == pytest.approx(found.weights)
    assert found.weights.sum() == pytest.approx(100, abs=0.5)


@pytest.mark.parametrize(
    "how", [How("logistic", smoothing=0.1), How("logistic", mixup=0.3), How("forest", mixup=0.3)]
)
def test_softer_labels_still_teach_and_give_steady_models(how):
    matrix, given, _ = clouds(150, wrong=0.1)
    one, other = (learn(matrix, examples(given, None), np.arange(150), 3, how) for _ in range(2))
    assert right(one) > 0.85
    assert predict(one.model, matrix, 3, one.temperature).tolist() == (
        predict(other.model, matrix, 3, other.temperature).tolist()
    )


def test_soft_labels_are_not_judged():
    matrix, given, truth = clouds(200)
    soft = np.where(np.eye(3)[truth] == 1, 0.8, 0.1)
    codes = np.where(np.arange(200) < 120, given, -1)
    found = learn(matrix, examples(codes, soft), np.arange(200), 3, How("logistic", robust="prune"))
    assert found.facts["robust"]["judged"] == 120


def test_a_noise_matrix_is_read_from_both_formats(write):
    path = write(
        "n.csv",
        "given,true,rows,p_given_when_true,p_true_when_given\n"
        "a,a,8,0.8,1\nb,a,2,0.2,0.1\na,b,0,0,0\nb,b,9,1,0.9\n",
    )
    expected = [[0.8, 0.2], [0.0, 1.0]]
    assert forward.read(path, ["a", "b"]).tolist() == expected
    facts = {"p_given_when_true": {"a": {"a": 0.8, "b": 0.2}, "b": {"a": None, "b": None}}}
    assert forward.read(write("n.json", json.dumps(facts)), ["a", "b"]).tolist() == expected
    with pytest.raises(LabelkitError, match="says nothing of c"):
        forward.read(path, ["a", "b", "c"])
    with pytest.raises(LabelkitError, match="no file that find-noise --matrix wrote"):
        forward.read(write("x.json", "[1]"), ["a", "b"])
    with pytest.raises(LabelkitError, match="cannot be read"):
        forward.read(Path("none.csv"), ["a", "b"])


# -- through the command ---------------------------------------------------------------------------


@pytest.fixture
def noisy(write):
    matrix, given, truth = clouds(240)
    lines = ["id,x,y,z,sure,label,truth"]
    for i, (point, label, true) in enumerate(zip(matrix, given, truth, strict=True)):
        cells = ",".join(f"{value:.3f}" for value in point[:3])
        lines.append(f"r{i},{cells},{0.9 if label == true else 0.2},{'abc'[label]},{'abc'[true]}")
    return write("a.csv", "\n".join(lines) + "\n")


COLUMNS = ("--column", "x", "--column", "y", "--column", "z", "--classifier", "logistic")


def test_the_command_says_what_it_left_out_and_the_card_keeps_it(labelkit, noisy):
    done = labelkit("train", noisy, "-o", "m.model", *COLUMNS, "--robust")
    assert done.code == 0, done.err
    assert "of 240 labels look wrong and were not learned from" in done.err
    facts = model_file.read_card(Path("m.model"))["classifier"]
    assert facts["robust"]["judged"] == 240
    assert facts["rows"] == 240 - facts["robust"]["left_out"]
    again = labelkit("train", noisy, "-o", "n.model", *COLUMNS, "--robust")
    assert again.code == 0
    assert Path("m.model").read_bytes() == Path("n.model").read_bytes()


def test_forward_by_a_matrix_of_find_noise_and_predict(labelkit, noisy):
    done = labelkit("find-noise", noisy, "-o", "b.csv", *COLUMNS, "--matrix", "n.json")
    assert done.code == 0, done.err
    done = labelkit(
        "train",
        noisy,
        "-o",
        "m.model",
        *COLUMNS,
        "--robust-by",
        "forward",
        "--noise-matrix",
        "n.json",
        "--smoothing",
        "0.05",
        "--mixup",
        "0.2",
    )
    assert done.code == 0, done.err
    assert "forward correction by the given P(given | true)" in done.err
    done = labelkit("predict", "m.model", noisy, "-o", "p.csv")
    assert done.code == 0, done.err
    done = labelkit("evaluate", "p.csv", "--gold", "truth", "--label", "model_label", "--json")
    assert json.loads(done.out)["figures"][0]["accuracy"] > 0.75


def test_weights_of_a_column(labelkit, noisy, write):
    done = labelkit("train", noisy, "-o", "m.model", *COLUMNS, "--weight", "sure")
    assert done.code == 0, done.err
    write("b.csv", noisy.read_text().replace(",0.2,", ",0,"))
    done = labelkit("train", "b.csv", "-o", "m.model", *COLUMNS, "--weight", "sure")
    assert "of weight 0" in done.err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--weight", "nothing"), 1, "nothing"),
        (("--weight", "label"), 2, "--weight label: the column holds no numbers"),
        (("--weight", "x"), 1, "a weight is a number from 0 on"),
        (("--noise-matrix", "n.json"), 2, "is read by --robust-by forward alone"),
        (("--smoothing", "2"), 2, "--smoothing"),
        (("--robust-by", "foward"), 2, "'--robust-by': 'foward' is not one of 'prune', 'forward'"),
    ],
)
def test_what_cannot_be_is_said(labelkit, noisy, options, code, words):
    done = labelkit("train", noisy, "-o", "m.model", *COLUMNS, *options)
    assert done.code == code
    assert words in done.err
    assert not Path("m.model").exists()


def test_audit_rows_tell_whether_the_cleaning_helped(labelkit, write):
    matrix, _, truth = clouds(500, wrong=0)
    rng = np.random.default_rng(4)
    given = np.where((truth == 0) & (rng.random(500) < 0.5), 1, truth)
    lines = ["id,x,y,z,label,label_origin,noise_use"]
    for i, (point, label, true) in enumerate(zip(matrix, given, truth, strict=True)):
        audit = i < 150
        cells = ",".join(f"{value:.3f}" for value in point[:3])
        use = "" if audit else str(bool(label == true)).lower()
        shown = "abc"[true if audit else label]
        lines.append(f"r{i},{cells},{shown},{'audit' if audit else 'people'},{use}")
    write("a.csv", "\n".join(lines) + "\n")
    done = labelkit("train", "a.csv", "-o", "m.model", *COLUMNS, "--summary", "s.json")
    assert done.code == 0, done.err
    assert "without the cleaning 0." in done.err
    assert done.err.count("it helped") == 1
    found = json.loads(Path("s.json").read_text())["accuracy"]["audit"]["without_cleaning"]
    assert found["gain"] > 0.05
    assert found["gain_interval"][0] < found["gain"] < found["gain_interval"][1]
    write("b.csv", Path("a.csv").read_text().replace(",false\n", ",true\n"))
    done = labelkit("train", "b.csv", "-o", "m.model", *COLUMNS)
    assert "without the cleaning" not in done.err

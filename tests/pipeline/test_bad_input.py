"""What goes wrong around a pipeline: told clearly, and nothing that people did is lost."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, LFS, answer, cells

SHORT = ("--functions", "lfs.py", "--stages", "weak-label,query,people,decide", "-n", "8",
         "--audit", "4", "--features", "tfidf")  # fmt: skip
ASKED = 12


@pytest.fixture
def run(labelkit: Any, reviews: None) -> Any:
    def pipeline(*args: str, base: tuple[str, ...] = BASE) -> Any:
        return labelkit("pipeline", *base, *SHORT, *args)

    return pipeline


@pytest.fixture
def answered(run: Any, begin: Any) -> bytes:
    """A pipeline that people have answered, run to its end; return their answers."""

    def through() -> None:
        assert run().code == 3
        answer()
        assert run().code == 0

    begin("a short pipeline that is finished", through)
    return Path("work/answers-1.csv").read_bytes()


def people() -> int:
    return sum(label != "" for (label,) in cells("labelled.csv", "label"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[query]\nmm = 4", "line 4: [query] 'mm' is not a known key"),
        ("[pipeline]\nstages = ['decide']\nstrategy = 'x'", "line 5: [pipeline] 'strategy' is"),
        ("[decied]\npolicy = 'combine'", "line 3: 'decied' is not a known key; did you mean 'dec"),
        ("[cost]\nhuman_labels = 3", "line 4: [cost] 'human_labels' is not a known key; did you"),
    ],
)
def test_an_unknown_key_of_the_task_file(line: str, message: str, run: Any) -> None:
    Path("labelkit.toml").write_text(f'[task]\nname = "films"\n{line}\n')
    found = run()
    assert found.code == 2
    assert f"labelkit.toml, {message}" in found.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[decide]\npolicyy = 'x'", "stage 4-decide: labelkit.toml, line 4: [decide] 'policyy' is"),
        (
            "[decide]\npolicy = 'x'",
            "stage 4-decide: labelkit.toml, line 4: [decide] policy = \"x\": 'x' is not one of",
        ),
        ("[annotate]\nblnd = true", "line 4: [annotate] 'blnd' is not a known key; did you mean"),
        ("[report]\nfoo = 1", "line 4: [report] 'foo' is not a known key"),
        (
            "[cost]\nhuman_label = 'cheap'",
            "[cost] human_label = 'cheap': give a number of 0 or more",
        ),
        (
            "[cost]\nsetup_minutes = { weak-lable = 3 }",
            "line 4: [cost.setup_minutes] 'weak-lable' is",
        ),
    ],
)
def test_what_a_later_stage_refuses_is_told_before_anybody_is_asked(
    line: str, message: str, run: Any
) -> None:
    Path("labelkit.toml").write_text(f'[task]\nname = "films"\n{line}\n')
    found = run()
    assert (found.code, found.err.count("error:")) == (2, 1)
    assert message in found.err
    assert "[1-weak-label]" not in found.err and not list(Path().glob("work/*.csv"))


def test_a_key_mistyped_while_people_answer(run: Any) -> None:
    assert run().code == 3
    Path("labelkit.toml").write_text("[decide]\npolicyy = 'x'\n")
    found = run()
    assert found.code == 2
    assert "line 2: [decide] 'policyy' is not a known key; did you mean 'policy'?" in found.err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("query = 3", "[query] must be a table"),
        ("[[annotate]]\nlabels = 3", "[annotate] must be a table"),
        ("[weak-label]\nrule = 'x'", "rule must be tables with the heading [[weak-label.rule]]"),
        ("[weak-label]\nrule = ['x']", "rule must be tables with the heading [[weak-label.rule]]"),
        ("[task]\nexample = 3", "example must be tables with the heading [[task.example]]"),
        ("[task]\nclasses = 3\ndescriptions = { a = 'x' }", "[task] classes must be a list"),
        ("[task]\nedge_cases = 3", "[task] edge_cases must be a list"),
        ("[task]\ndescriptions = 3", "[task.descriptions] must be a table"),
    ],
)
def test_a_table_of_the_task_file_that_is_none(lines: str, message: str, run: Any) -> None:
    Path("labelkit.toml").write_text(f"{lines}\n")
    found = run()
    assert (found.code, found.err.count("error:")) == (2, 1)
    assert f"labelkit.toml: {message}" in found.err


@pytest.mark.parametrize(
    ("stages", "code", "message"),
    [
        ("people,query,decide", 2, "people answer what query asks; put query before people"),
        ("query,train", 2, "train needs labels; put a stage that labels before it"),
        ("decide,weak-label", 1, "error: stage 1-decide: reviews.csv has no label to decide on"),
        ("find-noise,weak-label", 1, "error: stage 1-find-noise: reviews.csv"),
    ],
)
def test_stages_in_an_order_that_cannot_be(
    stages: str, code: int, message: str, labelkit: Any, reviews: None
) -> None:
    found = labelkit("pipeline", *BASE, "--functions", "lfs.py", "--stages", stages)
    assert (found.code, found.out) == (code, ""), found.err
    assert message in found.err
    assert not Path("labelled.csv").exists()


def test_a_missing_input_of_a_stage(run: Any, answered: bytes) -> None:
    Path("work/2-query.csv").unlink()  # made again, from what is there
    again = run()
    assert again.code == 0, again.err
    assert "[2-query]" in again.err and "[1-weak-label]" not in again.err
    assert people() == ASKED
    Path("lfs.py").unlink()
    gone = run()
    assert gone.code in (1, 2)
    assert "error: stage 1-weak-label: " in gone.err and "lfs.py" in gone.err
    assert Path("work/answers-1.csv").read_bytes() == answered


def test_a_work_directory_of_other_data(run: Any, answered: bytes) -> None:
    Path("others.csv").write_bytes(Path("reviews.csv").read_bytes())
    found = run(base=("others.csv", *BASE[1:]))
    assert found.code == 2
    assert (
        "work belongs to reviews.csv, not to others.csv; name another --work-dir, or" in found.err
    )
    assert "or remove work, which holds people's answers (answers-1.csv)" in found.err
    assert Path("work/answers-1.csv").read_bytes() == answered


def test_a_work_directory_of_another_task(run: Any) -> None:
    Path("labelkit.toml").write_text('[task]\nname = "films"\n')
    assert run().code == 3
    Path("labelkit.toml").write_text('[task]\nname = "mood"\n')
    found = run()
    assert found.code == 2
    assert "work belongs to the task 'films', not to the task 'mood'" in found.err


def test_a_work_directory_of_another_version(run: Any, answered: bytes) -> None:
    path = Path("work/pipeline.json")
    known = json.loads(path.read_text())
    for stage in known["stages"].values():
        stage["fingerprint"] = "of another version"
    known["about"]["version"] = "0.0.1"
    path.write_text(json.dumps(known))
    found = run()
    assert found.code == 0, found.err
    assert "work was made by labelkit 0.0.1, this is" in found.err
    assert "all stages run again; people's answers are kept" in found.err
    assert people() == ASKED
    assert "nothing to do" in run().err


def test_a_class_added_after_people_labelled(run: Any, answered: bytes) -> None:
    more = (*BASE[:-1], "BAD,GOOD,MIXED")
    found = run(base=more)
    assert found.code == 0, found.err
    assert (
        "people labelled (answers-1.csv) before there was MIXED, so no label says it" in found.err
    )
    assert "add a round (query, people) to the stages" in found.err
    assert people() == ASKED
    assert Path("work/answers-1.csv").read_bytes() == answered


def test_a_class_renamed_after_people_labelled(run: Any, answered: bytes) -> None:
    Path("lfs.py").write_text(LFS.replace("GOOD", "GREAT"))
    found = run(base=(*BASE[:-1], "BAD,GREAT"))
    assert found.code == 1
    assert "stage 3-people: work/answers-1.csv: the label 'GOOD'" in found.err
    assert Path("work/answers-1.csv").read_bytes() == answered


def test_rows_changed_under_a_running_task(run: Any, answered: bytes) -> None:
    key = cells("work/answers-1.csv", "id")[0][0]
    before = Path("reviews.csv").read_text()
    changed = before.replace(f"{key},a ", f"{key},quite another ")
    assert changed != before
    Path("reviews.csv").write_text(changed)
    found = run()
    assert found.code == 1
    assert "error: stage 3-people: " in found.err and key in found.err
    assert Path("work/answers-1.csv").read_bytes() == answered
    Path("reviews.csv").write_text(before)
    mended = run()
    assert mended.code == 0, mended.err
    assert people() == ASKED


def test_a_row_removed_after_it_was_answered(run: Any, answered: bytes) -> None:
    key = cells("work/answers-1.csv", "id")[0][0]
    lines = Path("reviews.csv").read_text().splitlines(keepends=True)
    Path("reviews.csv").write_text("".join(x for x in lines if not x.startswith(f"{key},")))
    found = run()
    assert found.code == 1
    assert f"the id '{key}' is not in work/2-query.csv" in found.err
    assert "--ignore-unknown to skip their answers (in a task file: [merge]" in found.err
    Path("labelkit.toml").write_text("[merge]\nignore-unknown = true\n")
    done = run()
    assert done.code == 0, done.err
    assert people() == ASKED - 1
    assert Path("work/answers-1.csv").read_bytes() == answered


def test_a_column_added_after_people_labelled(run: Any, answered: bytes) -> None:
    first, *rest = Path("reviews.csv").read_text().splitlines()
    Path("reviews.csv").write_text("\n".join([f"{first},year", *(f"{x},1999" for x in rest)]))
    found = run()
    assert found.code == 1
    assert f"has changed in work/2-query.csv since the batch was written ({ASKED} of" in (found.err)
    remedy = "clear the column row_check of work/batch-1.csv"
    assert remedy in found.err
    for name in ("work/batch-1.csv", "work/answers-1.csv"):
        with Path(name).open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        with Path(name).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "row_check": ""} for row in rows)
    done = run()
    assert done.code == 0, done.err
    assert people() == ASKED


@pytest.mark.parametrize(
    ("column", "stage"),
    [("weak_label", "1-weak-label"), ("query_score", "2-query"), ("final_label", "4-decide")],
)
def test_columns_of_the_user_that_any_stage_would_replace(
    column: str, stage: str, run: Any, write: Any
) -> None:
    text = Path("reviews.csv").read_text().splitlines()
    write("reviews.csv", "".join(f"{line},{column if n == 0 else 'mine'}\n"
                                 for n, line in enumerate(text)))  # fmt: skip
    found = run()
    assert found.code == 2, found.err
    command = stage.partition("-")[2]
    assert (
        f"error: stage {stage}: reviews.csv: {command} would replace the column '{column}', and no "
        f"history says that labelkit wrote it; pass --as NAME"
    ) in found.err
    assert not [path for path in Path("work").iterdir() if path.suffix == ".csv"]
    Path("labelkit.toml").write_text(f"[{command}]\noverwrite = true\n")
    assert run().code == 3


def test_columns_that_a_first_command_takes_for_its_own_are_the_user_s_for_a_later_stage(
    run: Any, write: Any
) -> None:
    text = Path("reviews.csv").read_text().splitlines()
    names = "final_label,final_confidence,final_source"
    lines = [f"{line},{names if n == 0 else 'GOOD,0.5,weak'}\n" for n, line in enumerate(text)]
    write("reviews.csv", "".join(lines))
    found = run()
    assert (found.code, "error: stage 4-decide: reviews.csv: decide would" in found.err) == (
        2,
        True,
    )

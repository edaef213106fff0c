"""What an update refuses, before anything is asked or paid."""

from pathlib import Path
from typing import Any

from tests.update.conftest import MAY, UPDATE, films, save


def test_what_is_no_finished_run(labelkit: Any, words_alone: None) -> None:
    save("june.csv", films(0, 12))
    Path("may.work").mkdir()
    nothing = labelkit(*UPDATE)
    assert nothing.code == 2
    assert "--from may.work is neither the --work-dir of a pipeline or an update" in nothing.err
    save("may.csv", films(0, 12))
    keywords = ("--classes", "BAD,GOOD", "--functions", "lfs.py")
    Path("lfs.py").write_text(
        'def lf_warm(text):\n    return "GOOD" if "warm" in text else "BAD"\n'
    )
    run = ("pipeline", "may.csv", "-o", "may_out.csv", "--work-dir", "may.work", *keywords)
    assert labelkit(*run).code == 3
    waits = labelkit(*UPDATE)
    assert waits.code == 2 and "the run in may.work is not finished" in waits.err
    assert labelkit(*run, "--stages", "weak-label").code == 0
    undecided = labelkit(*UPDATE)
    assert undecided.code == 1 and "has no stage decide" in undecided.err
    Path("may_out.csv").write_text("id,text\n1,x\n")
    edited = labelkit(*UPDATE)
    assert edited.code == 2 and "may_out.csv, which the run in may.work labelled, has" in edited.err


def test_columns_that_do_not_fit(labelkit: Any, may: None, asked: list[str]) -> None:
    rows = films(MAY, MAY + 3)
    save("june.csv", [{"id": row["id"], "Text": row["text"]} for row in rows])
    renamed = labelkit(*UPDATE)
    assert renamed.code == 1
    assert "june.csv has no column 'text'" in renamed.err and "'Text'" in renamed.err
    save("june.csv", [{**row, "final_label": "x", "label_origin": ""} for row in rows])
    ours = labelkit(*UPDATE)
    assert (
        ours.code == 2
        and "june.csv has 'final_label', 'label_origin', which update writes" in ours.err
    )
    save("june.csv", [rows[0], rows[0]])
    twice = labelkit(*UPDATE)
    assert twice.code == 1 and "duplicate key 'f40'" in twice.err
    assert asked == [] and not Path("june_out.work").exists()


def test_outputs_that_would_lose_something(labelkit: Any, may: None, asked: list[str]) -> None:
    save("june.csv", films(MAY, MAY + 3))
    for output, folder, words in (
        ("may_out.csv", "w", "-o may_out.csv is what the old run labelled"),
        ("june.csv", "w", "-o june.csv is the input"),
        ("june_out.csv", "may.work", "--work-dir may.work is the old run's"),
    ):
        refused = labelkit("update", "june.csv", "--from", "may.work", "-o", output,
                           "--work-dir", folder)  # fmt: skip
        assert refused.code == 2 and words in refused.err
    assert labelkit(*UPDATE, "--audit", "2", "--work-dir", "w").code == 3
    save("july.csv", films(MAY, MAY + 9))
    other = labelkit("update", "july.csv", *UPDATE[2:], "--work-dir", "w")
    assert other.code == 2 and "w belongs to june.csv, not to july.csv" in other.err


def test_the_secret_of_an_endpoint_is_not_kept(labelkit: Any, may: None, asked: list[str]) -> None:
    args = ("pipeline", "may.csv", "-o", "may_out.csv", "--work-dir", "may.work", "--gold", "gold")
    with_key = ("--base-url", "http://me:s3cr3t@127.0.0.1:9/v1", "--stages", "weak-label,decide")
    assert labelkit(*args, *with_key).code == 0
    assert "s3cr3t" not in Path("may.work/pipeline.json").read_text()
    save("june.csv", films(MAY, MAY + 3))
    refused = labelkit(*UPDATE)
    assert refused.code == 2 and "holds a secret, which is not kept; give --base-url" in refused.err
    assert labelkit(*UPDATE, "--base-url", "http://127.0.0.1:9/v1", "--audit", "0").code == 0


def test_rules_that_changed_are_told_and_another_folder_is_refused(
    labelkit: Any, may: None, asked: list[str], monkeypatch: Any
) -> None:
    save("june.csv", films(MAY, MAY + 3))
    task = Path("labelkit.toml")
    task.write_text(task.read_text().replace("human_label = 0.5", "human_label = 0.6"))
    done = labelkit(*UPDATE, "--audit", "0")
    assert done.code == 0
    assert "labelkit.toml changed after the run in may.work" in done.err
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    refused = labelkit("update", "../june.csv", "--from", "../may.work", "-o", "out.csv")
    assert refused.code == 2 and "its paths are relative to that; run update there" in refused.err

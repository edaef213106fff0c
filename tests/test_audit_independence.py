"""What people answer on audit rows changes nothing but the accuracy that is claimed."""

import csv
import json
import zipfile
from pathlib import Path

import pytest

from labelkit.job.job import Job
from labelkit.job.options import Declared
from labelkit.plan import trials
from tests.servers import chat_server

ROWS, AUDIT = 60, 10
WORDS = {"GOOD": "wonderful warm lovely", "BAD": "boring stale awful"}


def truth(i):
    return "GOOD" if i % 3 else "BAD"


def read(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def save(path, rows):
    with open(path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def asked(labelkit, begin):
    """A file that query has drawn rows from, and answers to its batch in three versions."""
    begin("audit rows", lambda: draw_and_answer(labelkit))
    return {row["id"] for row in read("todo.csv") if row["label_origin"] == "audit"}


def draw_and_answer(labelkit):
    rows = [
        {"id": f"r{i}", "text": f"{WORDS[truth(i)]} film number {i % 55}",
         "llm_label": truth(i) if i % 7 else "BAD", "llm_confidence": "0.8"}
        for i in range(ROWS)
    ]  # fmt: skip
    # Twins of all rows; those of audit rows have labels as well.
    rows += [{**row, "id": f"twin {row['id']}", "text": row["text"].upper()} for row in rows]
    save("films.csv", rows)
    drawing = ["-n", "24", "--audit", str(AUDIT), "--batch", "todo.csv"]
    assert labelkit("query", "films.csv", "-o", "asked.csv", *drawing).code == 0
    batch = read("todo.csv")
    audit = {row["id"] for row in batch if row["label_origin"] == "audit"}
    assert len(audit) == AUDIT
    others = {"GOOD": "Goood", "BAD": " bad"}
    answers, flipped = [], []
    for row in batch:
        said = truth(int(row["id"].rpartition("r")[2]))
        one = {"id": row["id"], "label": said, "label_origin": row["label_origin"]}
        answers.append(one)
        flipped.append({**one, "label": others[said]} if row["id"] in audit else one)
    save("answers.csv", answers)
    save("flipped.csv", flipped)
    for name in ("answers", "flipped"):
        bare = [{"id": row["id"], "label": row["label"]} for row in read(f"{name}.csv")]
        save(f"{name}_bare.csv", bare)


VERSIONS = ("answers", "flipped", "flipped_bare")
COMMANDS = {
    "weak-label": ("--keyword", "GOOD=lovely", "--keyword", "BAD=stale", "--proba"),
    "propagate": ("--keyword", "GOOD=lovely", "--keyword", "BAD=stale", "--propagate"),
    "query": ("-n", "8", "--audit", "4", "--batch", "more.csv", "--strategy", "margin",
              "--label", "llm_label"),
    "find-noise": ("--label", "llm_label", "--fix", "exclude"),
    "decide": (),
}  # fmt: skip


@pytest.mark.parametrize("case", COMMANDS)
def test_answers_to_audit_rows_change_no_other_row(labelkit, asked, words_alone, case):
    command = "weak-label" if case == "propagate" else case
    outputs, batches = [], []
    for version in VERSIONS:
        Path("more.csv").unlink(missing_ok=True)
        done = labelkit(
            command, "asked.csv", "-o", "out.csv", *COMMANDS[case], "--answers", f"{version}.csv"
        )
        assert done.code == 0, done.err
        outputs.append([row for row in read("out.csv") if row["id"] not in asked])
        batches.append(Path("more.csv").read_bytes() if Path("more.csv").exists() else b"")
    assert outputs[0] == outputs[1] == outputs[2]
    assert batches[0] == batches[1] == batches[2]


def learned(path):
    """What a model holds, but for the accuracy that its card claims."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name in parts:
        if name.endswith(".json"):
            content = json.loads(parts[name])
            for claimed in ("accuracy", "data"):  # also the hash of the answers
                content.pop(claimed, None)
            parts[name] = json.dumps(content).encode()
    return parts


def test_a_model_is_the_same_whatever_audit_rows_are_called(labelkit, asked, words_alone):
    models, merged, summaries = [], [], []
    for version in VERSIONS:
        Path("said.csv").write_bytes(Path(f"{version}.csv").read_bytes())
        more = ("--answers", "said.csv", "--summary", "told.json")
        assert labelkit("train", "asked.csv", "-o", "m.model", *more).code == 0
        models.append(learned("m.model"))
        summaries.append(json.loads(Path("told.json").read_text()))
        assert labelkit("merge", "asked.csv", "said.csv", "-o", "merged.csv").code == 0
        assert labelkit("train", "merged.csv", "-o", "m.model").code == 0
        merged.append(learned("m.model"))
    assert models[0] == models[1] == models[2]
    assert merged[0] == merged[1] == merged[2]
    assert [told["accuracy"]["audit"]["rows"] for told in summaries] == [AUDIT] * 3
    assert summaries[0]["accuracy"]["audit"]["value"] == 1.0
    assert summaries[1]["accuracy"]["audit"]["value"] == 0.0


def test_no_prompt_shows_an_audit_row_or_its_twin(labelkit, asked):
    with chat_server() as url:
        for version in VERSIONS:
            done = labelkit(
                *("llm-label", "asked.csv", "-o", "out.csv", "--as", "own"),
                *("--base-url", url, "--model", "tiny", "--cache", "cache", "--few-shot", "6"),
                *("--classes", "GOOD,BAD", "--unknown-label", "ignore"),
                *("--answers", f"{version}.csv", "--summary", "told.json"),
            )
            assert done.code == 0, done.err
            told = json.loads(Path("told.json").read_text())
            assert version == "answers" or told["asked"] == 0


def test_suggested_rules_are_the_same(labelkit, asked):
    done = [
        labelkit("weak-label", "asked.csv", "--suggest", "4", "--answers", f"{version}.csv")
        for version in VERSIONS
    ]
    assert done[0].code == 0 and done[0].out
    assert done[0].out == done[1].out == done[2].out


def test_audit_rows_without_their_answers_are_asked_again_first(labelkit, asked):
    merged = [row for row in read("answers.csv") if row["id"] not in asked]
    save("rest.csv", merged)
    done = labelkit("query", "films.csv", "-o", "again.csv", "--answers", "rest.csv", "-n", "0",
                    "--audit", str(AUDIT), "--batch", "again_todo.csv")  # fmt: skip
    assert done.code == 0, done.err
    assert {row["id"] for row in read("again_todo.csv")} == asked


def test_simulated_curves_are_the_same(labelkit, asked):
    for version in (*VERSIONS, "none"):
        said = {} if version == "none" else {r["id"]: r["label"] for r in read(f"{version}.csv")}
        origin = {r["id"]: r["label_origin"] for r in read("answers.csv")}
        rows = [
            {**row, "label": said.get(row["id"], "" if row["id"] in asked else truth(place % ROWS))}
            | ({} if version == "flipped_bare" else {"label_origin": origin.get(row["id"], "")})
            for place, row in enumerate(read("asked.csv"))
        ]
        save("known.csv", rows)
        done = labelkit(
            *("simulate", "known.csv", "--csv", f"{version}.curve", "--features", "tfidf"),
            *("--labels", "20", "--per-round", "10", "--seeds", "1", "--strategies", "margin"),
        )
        assert done.code == 0, done.err
        Path(f"{version}.told").write_text(done.out)
    for other in (*VERSIONS[1:], "none"):
        assert Path(f"{other}.curve").read_bytes() == Path("answers.curve").read_bytes()
        assert Path(f"{other}.told").read_text() == Path("answers.told").read_text()


@pytest.mark.parametrize("many", [False, True])
def test_trials_of_a_plan_are_the_same(labelkit, asked, many, monkeypatch):
    monkeypatch.setattr(trials, "FEWEST", AUDIT if many else 30)
    found = []
    for version in VERSIONS:
        given = {"input": "asked.csv", "seed": 0, "format": None, "delimiter": None, "label": None,
                 "encoding": "utf-8", "answers": [Path(f"{version}.csv")]}  # fmt: skip
        job = Job(Declared("plan", "", False, ()), given)
        known = trials.known_of(job)
        pilot = trials.Trials(job, known, Path(), None)
        base, pool = pilot.known_rows
        assert known.basis == (trials.AUDIT_ROWS if many else "labelled rows (biased)")
        keys = [job.keys()[row] for row in pilot.rows[pool]]
        assert len(keys) >= 14 and not asked & set(keys)
        assert not many or {job.keys()[row] for row in pilot.rows[base]} == asked
        found.append((keys, pilot.truth[pool].tolist(), pilot.part(0).tolist(), known.classes(),
                      pilot.sizes, base.tolist()))  # fmt: skip
    assert found[0] == found[1] == found[2]

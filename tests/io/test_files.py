"""Files that are written: whose they are, who may read them, and what is refused before."""

import os
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.io.files import whole

RULES = ("--keyword", "a=abc", "--no-task", "-q")


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_mode(bits: int, write: Any, labelkit: Any) -> None:
    path = write("in.csv", "id,text\n1,abc\n")
    path.chmod(bits)
    Path("link.csv").symlink_to(path)
    for name in ("in.csv", "link.csv"):
        assert labelkit("weak-label", name, "--in-place", *RULES).code == 0
        assert (mode("in.csv"), mode(f"{name}.history.json")) == (bits, bits)
    assert Path("link.csv").is_symlink()
    write("o.csv", "old\n").chmod(bits)
    assert labelkit("weak-label", "in.csv", "-o", "o.csv", *RULES).code == 0
    assert mode("o.csv") == bits


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    os.chown(path, 1234, 4321)
    with whole(path) as stream:
        stream.write(b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_another_group_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o664)
    real = os.stat_result

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    foreign = list(path.stat())
    foreign[5] += 1
    before = Path.stat
    monkeypatch.setattr(
        Path, "stat", lambda self, **how: real(foreign) if self == path else before(self, **how)
    )
    with whole(path) as stream:
        stream.write(b"new")
    monkeypatch.undo()
    assert mode(path) == 0o604


@pytest.mark.parametrize("command", ["llm-label", "weak-label", "query", "find-noise"])
def test_a_folder_in_place_is_refused_before_any_work(
    command: str, tmp_path: Path, labelkit: Any
) -> None:
    (tmp_path / "parts").mkdir()
    pq.write_table(pa.table({"text": ["abc", "def"]}), tmp_path / "parts" / "1.parquet")
    done = labelkit(command, "parts", "--in-place", "--classes", "a,b")
    assert (done.code, done.err) == (
        2,
        "error: --in-place overwrites one file, but parts is a folder; pass -o OUTPUT.parquet\n",
    )
    os.mkfifo("f.csv")
    done = labelkit(command, "f.csv", "--in-place", "--classes", "a,b")
    assert (done.code, "--in-place overwrites a file, but f.csv is not a file" in done.err) == (
        2,
        True,
    )


@pytest.mark.parametrize("option", ["-o", "--summary", "--batch"])
def test_what_cannot_be_written_is_refused_before_any_work(
    option: str, tmp_path: Path, write: Any, labelkit: Any
) -> None:
    write("in.csv", "id,text\n1,abc\n")
    (tmp_path / "d.csv").mkdir()
    output = [] if option == "-o" else ["-o", "o.csv"]
    done = labelkit("llm-label", "in.csv", *output, option, "d.csv", "--classes", "a,b")
    assert (done.code, done.err) == (1, "error: d.csv cannot be written: it is a folder\n")
    done = labelkit("llm-label", "in.csv", *output, option, "no/o.csv", "--classes", "a,b")
    assert (done.code, done.err) == (
        1,
        "error: no/o.csv cannot be written: there is no folder no (mkdir -p no)\n",
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.csv", "in.csv"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_bytes_are_refused_before_any_work(suffix: str, labelkit: Any, write: Any) -> None:
    table = pa.table({"id": ["1", "2"], "text": ["good", "bad"], "blob": [b"\xff", b"x"]})
    pq.write_table(table, "in.parquet")
    write("lfs.py", "open('ran', 'w')\ndef lf_a(text):\n    return 'a'\n")
    args = ("weak-label", "in.parquet", "--text", "text", "--functions", "lfs.py", "--no-task")
    done = labelkit(*args, "-o", f"o.{suffix}")
    assert (done.code, "column 'blob' is binary and cannot be" in done.err) == (1, True)
    assert not Path("ran").exists()
    assert labelkit(*args, "-o", "o.parquet").code == 0


def test_labels_that_the_encoding_lacks_are_refused_before_any_work(
    labelkit: Any, write: Any
) -> None:
    write("in.csv", b"id,text\n1,caf\xe9\n2,abc\n")
    done = labelkit(
        "weak-label", "in.csv", "-o", "o.csv", "--keyword", "a=abc", "--encoding", "cp1252",
        "--classes", "\u826f\u3044,a",
    )  # fmt: skip
    assert (done.code, done.err) == (
        1,
        "error: '\u826f' cannot be written in cp1252; convert the input to UTF-8 first\n",
    )

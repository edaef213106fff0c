"""The laws that bind every command that annotates, over every command and format."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from labelkit.config.commands import COMMANDS
from tests.servers import chat_server

FORMATS = ("csv", "tsv", "jsonl", "parquet", "csv.gz", "jsonl.zst")
ROWS = 48


class Case(NamedTuple):
    """A command with options that work on the file below."""

    command: str
    options: tuple[str, ...]
    prefixes: tuple[str, ...]


CASES = [
    Case("weak-label", ("--functions", "lfs.py", "--proba", "--votes"), ("weak_",)),
    Case("llm-label", ("--model", "tiny", "--base-url", "URL"), ("llm_",)),
    Case("query", ("-n", "5", "--audit", "4", "--batch", "todo.csv"), ("query_",)),
    Case("find-noise", ("--label", "old", "--fix", "exclude"), ("noise_",)),
    Case("merge", ("ANSWERS",), ("label",)),
    Case("decide", ("--gold", "truth"), ("final_",)),
    Case("predict", ("MODEL",), ("model_",)),
    Case("pipeline", ("--work-dir", "WORK", "--stages", "weak-label,decide",
                      "--functions", "lfs.py"), ("weak_", "final_")),
]  # fmt: skip


def rows() -> list[dict[str, str]]:
    """A table with the cells that tools spoil."""
    odd = ["00123", "NA", "1.10", "", 'say "hi"', "a,b", "two\nlines", "tab\there", "é😀", " x ",
           "=1+1", "1e5", "true", "2020-01-01"]  # fmt: skip
    found = []
    for i in range(ROWS):
        good = i % 3 != 0
        words = "wonderful warm lovely" if good else "boring stale awful"
        found.append(
            {
                "id": f"{i:04d}",
                "odd": odd[i % len(odd)],
                "text": f"{words} film number {i}, {'bright' if i % 2 else 'dark'}",
                "weak_spot": "mine",
                "old": "GOOD" if good != (i % 16 == 5) else "BAD",
                "truth": "GOOD" if good else "BAD",
            }
        )
    return found


LFS = """
def lf_warm(row):
    return "GOOD" if "warm" in row.text else None

def lf_stale(text):
    return "BAD" if "stale" in text else None
"""


def save(path: Path, table: list[dict[str, str]]) -> None:
    kind = path.name.split(".")[1]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(table), path)
        return
    if kind == "jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table)
    else:
        out = io.StringIO()
        delimiter = "\t" if kind == "tsv" else ","
        writer = csv.DictWriter(out, list(table[0]), delimiter=delimiter, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(table)
        text = out.getvalue()
    compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    with pa.output_stream(str(path), compression=compression) as stream:
        stream.write(text.encode())


def plain(path: Path) -> bytes:
    """The bytes of a text file, decompressed."""
    compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    with pa.input_stream(str(path), compression=compression) as stream:
        return stream.read()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with chat_server() as address:
        yield address


@pytest.fixture
def run(
    labelkit: Any, write: Any, url: str, tmp_path: Path, monkeypatch: Any
) -> Callable[..., Any]:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key-of-the-test")
    write("lfs.py", LFS)
    write("answers.csv", "id,label,label_annotator\n0003,BAD,ann\n0004,GOOD,ann\n")

    def call(case: Case, source: Path, output: str) -> Any:
        stands_for = {"URL": url, "WORK": f"{source.name}.work"}
        options = [stands_for.get(option, option) for option in case.options]
        before, after = [str(source)], list(options)
        if case.command == "merge":
            before, after = [str(source), "answers.csv"], []
        if case.command == "predict":
            if not Path("m.model").exists():
                trained = labelkit("train", source, "-o", "m.model", "--label", "old",
                                   "--gold", "truth")  # fmt: skip
                assert trained.code == 0, trained.err
            before, after = ["m.model", str(source)], []
        if case.command in ("weak-label", "llm-label", "merge"):
            after += ["--classes", "BAD,GOOD"]
        if case.command == "query":
            after += ["--gold", "truth"]
        return labelkit(case.command, *before, "-o", output, *after)

    return call


def with_voters(table: list[dict[str, str]]) -> list[dict[str, str]]:
    """Give `decide` something to decide between."""
    return [{**row, "weak_label": row["old"], "weak_confidence": "0.7"} for row in table]


def case_rows(case: Case) -> list[dict[str, str]]:
    return with_voters(rows()) if case.command == "decide" else rows()


cases = pytest.mark.parametrize("case", CASES, ids=[case.command for case in CASES])
formats = pytest.mark.parametrize("suffix", FORMATS)


def test_every_annotating_command_is_under_the_laws() -> None:
    import importlib

    annotating = set()
    for name, (target, _) in COMMANDS.items():
        module, function = target.split(":")
        if getattr(importlib.import_module(module), function).declared.annotates:
            annotating.add(name)
    assert annotating | {"pipeline"} == {case.command for case in CASES}


@cases
@formats
@pytest.mark.usefixtures("words_alone")
def test_rows_and_cells_are_kept_and_a_second_run_changes_nothing(
    case: Case, suffix: str, run: Any, tmp_path: Path
) -> None:
    source = tmp_path / f"in.{suffix}"
    given = case_rows(case)
    save(source, given)
    before = source.read_bytes()
    first = run(case, source, f"one.{suffix}")
    assert first.code == 0, first.err
    assert first.out == "", "stdout is for data"
    assert source.read_bytes() == before
    one = tmp_path / f"one.{suffix}"
    check_kept(case, source, one, list(given[0]))
    again = run(case, one, f"two.{suffix}")
    assert again.code == 0, again.err
    assert plain_or_table(tmp_path / f"two.{suffix}") == plain_or_table(one)


@cases
def test_the_same_command_gives_the_same_bytes(case: Case, run: Any, tmp_path: Path) -> None:
    for suffix in ("csv.gz", "parquet"):
        source = tmp_path / f"in.{suffix}"
        save(source, case_rows(case))
        assert run(case, source, f"one.{suffix}").code == 0
        first = (tmp_path / f"one.{suffix}").read_bytes()
        (tmp_path / f"one.{suffix}").unlink()
        assert run(case, source, f"one.{suffix}").code == 0
        assert (tmp_path / f"one.{suffix}").read_bytes() == first


@cases
def test_pipes(case: Case, run: Any, tmp_path: Path, labelkit: Any) -> None:
    if case.command == "pipeline":
        refused = labelkit("pipeline", "-", "-o", "out.csv", "--work-dir", "work")
        assert (refused.code, refused.out) == (2, "")
        assert "pipeline resumes by files" in refused.err
        return
    source = tmp_path / "in.csv"
    save(source, case_rows(case))
    assert run(case, source, "one.csv").code == 0
    piped = run(case, source, "-")
    assert piped.code == 0, piped.err
    assert piped.out.encode() == (tmp_path / "one.csv").read_bytes()


@cases
def test_the_history_tells_how_and_holds_no_key(case: Case, run: Any, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    save(source, case_rows(case))
    assert run(case, source, "one.csv").code == 0
    steps = json.loads((tmp_path / "one.csv.history.json").read_text())["steps"]
    assert steps[-1]["command"] in (case.command, "decide")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"secret-key-of-the-test" not in path.read_bytes(), path


@cases
def test_a_failed_run_leaves_nothing(case: Case, run: Any, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    save(source, case_rows(case))
    run(case, source, "one.csv")  # what the command needs beside it
    source.write_bytes(source.read_bytes() + b"torn,record\r\n")
    before = set(tmp_path.iterdir())
    failed = run(case, source, "broken.csv")
    assert failed.code == 1
    assert "in.csv, line" in failed.err
    assert set(tmp_path.iterdir()) == before


def check_kept(case: Case, source: Path, output: Path, names: list[str]) -> None:
    ours = lambda name: name not in names  # noqa: E731
    replaced = [n for n in names if n.startswith(case.prefixes) and n != "weak_spot"]
    kept = [name for name in names if name not in replaced]
    if output.suffix == ".parquet":
        found = pq.read_table(output)
        new = [name for name in found.column_names if ours(name)]
        assert found.select(kept).equals(pq.read_table(source).select(kept))
    elif ".jsonl" in output.name:
        lines = plain(output).decode().splitlines()
        given = plain(source).decode().splitlines()
        assert len(lines) == len(given)
        records = [json.loads(line) for line in lines]
        new = [name for name in records[0] if ours(name)]
        for line, record, before in zip(lines, records, given, strict=True):
            assert [record[name] for name in kept] == [json.loads(before)[n] for n in kept]
            assert replaced or line.startswith(before[:-1])
    else:
        delimiter = "\t" if ".tsv" in output.name else ","
        header, *_ = csv.reader(io.StringIO(plain(output).decode()), delimiter=delimiter)
        new = [name for name in header if ours(name)]
        if not replaced:
            assert without_last(plain(output).decode(), len(new), delimiter) == (
                plain(source).decode()
            )
    assert new or replaced
    assert all(name.startswith(case.prefixes) for name in new), new


def without_last(text: str, columns: int, delimiter: str) -> str:
    """Cut the last cells off each record, by a scan that shares nothing with the package."""
    kept, cell_starts, start, quoted = [], [], 0, False
    for i, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif not quoted and char == delimiter:
            cell_starts.append(i)
        elif not quoted and char == "\n":
            end = i - 1 if text[i - 1] == "\r" else i
            kept.append(text[start : cell_starts[-columns]] + text[end : i + 1])
            cell_starts, start = [], i + 1
    return "".join(kept)


def plain_or_table(path: Path) -> Any:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return {
            name: pc.cast(table[name], table[name].type).to_pylist() for name in table.column_names
        }
    return plain(path)

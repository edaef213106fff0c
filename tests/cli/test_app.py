"""The app itself: help, mistakes, exit codes, what is imported and what it costs to start."""

import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labelkit import __version__
from labelkit.command.declare import as_typer_command
from labelkit.config import field_words
from labelkit.config.commands import COMMANDS, function_of

HEAVY = {"numpy", "pandas", "pyarrow", "sklearn", "torch", "openai", "snorkel", "cleanlab", "modAL"}


def test_help_and_version(labelkit: Any) -> None:
    assert labelkit("--version").out == f"labelkit {__version__}\n"
    shown = labelkit("-h")
    assert shown.code == 0
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in shown.out
        assert line.split()[0] in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_that_ends_with_an_example(name: str, labelkit: Any) -> None:
    shown = labelkit(name, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert "Example" in shown.out
    assert f"labelkit {name}" in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_help_page_stand_in_short_groups(name: str, labelkit: Any) -> None:
    made = as_typer_command(function_of(name))
    page = labelkit(name, "--help").out.split("\n\n")
    groups = [part for part in page if re.match(r"[^\n]+:\n  -", part)]
    shown = [re.findall(r"^  (?:-\w, )?(-[-\w]+)", part, re.M) for part in groups]
    options = [flag for group in shown for flag in group]
    assert max(len(group) for group in shown) <= 10
    assert len(set(options)) == len(options)
    declared = {max(p.opts, key=len) for p in made.params if p.param_type_name == "option"}
    assert set(options) == declared | {"--help"}


def test_stdin_is_named_where_it_may_be_given(labelkit: Any) -> None:
    assert "or - for" in labelkit("decide", "--help").out
    assert "stdin" not in labelkit("pipeline", "--help").out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_argument_and_option_has_words_and_a_name_for_its_value(name: str) -> None:
    module, function = COMMANDS[name][0].split(":")
    made = as_typer_command(getattr(importlib.import_module(module), function))
    page = made.get_help(made.make_context(name, [], resilient_parsing=True))
    for param in made.params:
        assert param.help, param.name  # type: ignore[attr-defined]
    assert not re.search(r"<(str|int|float|path|list\[\w+\])>", page)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("quary",), "error: unknown command 'quary'; did you mean 'query'?"),
        (("query", "x.csv", "--lable", "y"), "error: there is no option --lable; did you mean"),
        (("clean", "x.csv"), "error: unknown command 'clean'; did you mean 'find-noise'?"),
        (("label_model", "x.csv"), "unknown command 'label_model'; did you mean 'weak-label'?"),
        (("train", "x.csv", "--label_smoothing", ".1"), "did you mean --smoothing?"),
        (
            ("query", "x.csv", "--n-instances", "9"),
            "there is no option --n-instances; did you mean -n?",
        ),
        (("query", "x.csv"), "error: query needs -o OUTPUT (- for stdout), or --in-place"),
        (("query",), "Missing argument 'INPUT'"),
        ((), "Usage: labelkit [OPTIONS] COMMAND"),
        (("query", "x.csv", "-o", "o.csv", "-n", "many"), "'many'"),
    ],
)
def test_wrong_usage_is_two(args: tuple[str, ...], message: str, labelkit: Any) -> None:
    found = labelkit(*args)
    assert found.code == 2
    assert message in found.err
    assert "Traceback" not in found.err


def test_words_of_the_field_name_commands_and_options_that_there_are(labelkit: Any) -> None:
    assert set(field_words.COMMANDS.values()) <= set(COMMANDS)
    assert not set(field_words.COMMANDS) & set(COMMANDS)
    options: dict[str, set[str]] = {}
    for name in COMMANDS:
        module, function = COMMANDS[name][0].split(":")
        made = as_typer_command(getattr(importlib.import_module(module), function))
        options[name] = {each for param in made.params for each in param.opts}
    every = set().union(*options.values())
    for word, meant in field_words.OPTIONS.items():
        assert set(meant) <= every, word


def test_tab_completes_commands_options_and_choices(labelkit_process: Any) -> None:
    def completed(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        return list(labelkit_process(_LABELKIT_COMPLETE="complete_bash", **words).out.split())

    assert completed("labelkit wea") == ["weak-label"]
    assert "--stop-when" in completed("labelkit query --st")
    assert completed("labelkit train --classifier lo") == ["logistic"]


def modules(*args: str) -> set[str]:
    """Return the modules that a run of the command imports."""
    code = (
        "import sys\nfrom labelkit.cli.app import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True)
    return set(done.stderr.splitlines()[-1].split())


def imported(*args: str) -> set[str]:
    return {name.split(".")[0] for name in modules(*args)}


def test_help_and_mistakes_import_no_data_library() -> None:
    """One process for all of them: what one has imported is seen after the next one too."""
    lines = [("--help",), ("quary",), ("query", "--lable"), *((name, "-h") for name in COMMANDS)]
    code = (
        "import sys\nfrom labelkit.cli.app import app\n"
        f"for args in {lines}:\n    try:\n        app(args)\n    except SystemExit:\n        pass\n"
        f"    print('loaded', *args, *sorted({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = [line for line in done.stderr.splitlines() if line.startswith("loaded ")]
    assert loaded == [" ".join(["loaded", *args]) for args in lines]


SLOW_PARTS_OF_PYTHON = {"asyncio", "email", "http", "multiprocessing", "sqlite3", "ssl", "unittest"}


@pytest.mark.parametrize("args", [("--help",), ("query", "--lable"), ("query", "-h")])
def test_starting_imports_little_more_than_the_parser(args: tuple[str, ...]) -> None:
    # benchmarks/start.py measures the CPU time of such a start.
    found = modules(*args)
    packages = {name.split(".")[0] for name in found}
    foreign = {name for name in packages - sys.stdlib_module_names if name.isidentifier()}
    own = {"labelkit", "typer", "shellingham", "annotated_doc", "colorama"}
    assert {name for name in foreign if not name.startswith("_")} <= own
    assert not packages & SLOW_PARTS_OF_PYTHON
    of_commands = {target.split(":")[0] for target, _ in COMMANDS.values()}
    wanted = {COMMANDS[args[0]][0].split(":")[0]} if args[0] in COMMANDS else set()
    assert found & of_commands == wanted


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_failure(tmp_path: Path, closed: str) -> None:
    (tmp_path / "todo.csv").write_text("id,text,row_check\n1,abc,x\n")
    command = f"{sys.executable} -m labelkit annotate todo.csv --classes a,b {closed}"
    done = subprocess.run(["bash", "-c", command], input="1\n", text=True, cwd=tmp_path)
    assert done.returncode == 0
    lines = (tmp_path / "todo.answers.csv").read_text().splitlines()
    assert len(lines) == (1 if "<" in closed else 2)


def test_a_pipe_that_closes_early_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n" + "".join(f"{i},abc\n" for i in range(30_000)))
    (tmp_path / "lfs.py").write_text("def lf_a(text):\n    return 'A'\n")
    command = f"{sys.executable} -m labelkit weak-label in.csv -o - --functions lfs.py -q | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True
    )
    assert done.stdout == "id,text,weak_label,weak_confidence,weak_votes\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_nothing_half_written(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("id,text\n" + "".join(f"{i},abc\n" for i in range(50_000)))
    slow = (
        "import sys, time\n"
        "def lf_slow(text):\n"
        "    print('begun', file=sys.stderr, flush=True)\n"
        "    time.sleep(0.001)\n"
        "    return 'A'\n"
    )
    (tmp_path / "lfs.py").write_text(slow)
    command = [sys.executable, "-m", "labelkit", "weak-label", "in.csv", "-o", "o.csv",
               "--functions", "lfs.py"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line == "begun\n":
            break
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    said = err.replace("begun\n", "")
    assert process.returncode == code, said
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert (
            said
            == "error: interrupted; no output was written, answers received so far are cached\n"
        )
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "__pycache__") == [
        "in.csv",
        "lfs.py",
    ]


def test_a_full_disk_is_said_and_leaves_the_old_file(tmp_path: Path) -> None:
    """The limit on a file's size stands for a full disk where no small file system can be made."""
    (tmp_path / "in.csv").write_text("id,text\n" + "".join(f"{i},abc\n" for i in range(20_000)))
    (tmp_path / "lfs.py").write_text("def lf_a(text):\n    return 'A'\n")
    (tmp_path / "o.csv").write_text("what stood there\n")
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        "from labelkit.cli.app import main; main()"
    )
    arguments = ["weak-label", "in.csv", "-o", "o.csv", "--functions", "lfs.py"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 1
    assert "o.csv cannot be written: File too large" in done.stderr
    assert (tmp_path / "o.csv").read_text() == "what stood there\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "lfs.py", "o.csv"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_file_system_that_fills_up(tmp_path: Path, labelkit_process: Any) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        Path("in.csv").write_text("id,text\n" + "".join(f"{i},abc\n" for i in range(20_000)))
        Path("lfs.py").write_text("def lf_a(text):\n    return 'A'\n")
        found = labelkit_process(
            "weak-label", "in.csv", "-o", small / "o.csv", "--functions", "lfs.py"
        )
        assert found.code == 1
        assert f"the disk is full: {small / 'o.csv'} was not written" in found.err
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_outputs_that_cannot_be(write: Any, labelkit: Any) -> None:
    write("in.csv", "id,text\n1,abc\n")
    write("lfs.py", "def lf_a(text):\n    return 'A'\n")

    def refused(*args: str) -> str:
        found = labelkit("weak-label", "in.csv", "--functions", "lfs.py", *args)
        assert found.code in (1, 2)
        return str(found.err)

    assert "the output in.csv is the input; choose another name, or --in-place" in refused(
        "-o", "in.csv"
    )
    assert "there is no folder no (mkdir -p no)" in refused("-o", "no/o.csv")
    export = labelkit("export", "in.csv", "--to", "csv", "-o", "/", "--classes", "a,b")
    assert (export.code, "-o / is a folder" in export.err) == (2, True)
    assert "the suffix .xls" not in refused("-o", "o.xlsx")
    assert "spreadsheet files are not supported" in refused("-o", "o.xlsx")
    assert "--in-place takes one file as input" in refused("-o", "o.csv", "--in-place")
    if Path("/proc/version").exists():
        assert "cannot be written" in refused("-o", "/proc/o.csv")


def test_a_broken_pipe_of_data_is_called_stdin(labelkit: Any, write: Any) -> None:
    write("lfs.py", "def lf_a(text):\n    return 'A'\n")
    found = labelkit("weak-label", "-", "-o", "-", "--functions", "lfs.py", stdin="id,text\n1\n")
    assert (found.code, found.out) == (1, "")
    assert "error: stdin, line 2: 1 cell where the header has 2" in found.err


LF = "def lf_a(text):\n    return 'A'\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-o", "o.csv", "--summary", "in.csv"), "--summary in.csv is also INPUT"),
        (("-o", "o.csv", "--summary", "lfs.py"), "--summary lfs.py is also --functions"),
        (("-o", "o.csv", "--summary", "o.csv"), "--summary o.csv is also -o"),
        (("-o", "o.csv", "--summary", "o.csv.history.json"), "is also its history"),
        (("-o", "o.csv", "--answers", "a.csv", "--summary", "a.csv"), "is also --answers"),
        (("-o", "a.csv", "--answers", "a.csv"), "-o a.csv is also --answers"),
        (("-o", "o.csv", "--summary", "no/s.json"), "there is no folder no (mkdir -p no)"),
        (("-o", "o.csv", "--seed", "-1"), "--seed -1: give 0 or more"),
    ],
)
def test_no_other_file_is_written_over_and_nothing_is_done_before(
    args: tuple[str, ...], message: str, write: Any, labelkit: Any
) -> None:
    paths = {
        name: write(name, text)
        for name, text in {
            "in.csv": "id,text\n1,abc\n",
            "lfs.py": LF,
            "a.csv": "id,label\n",
        }.items()
    }
    before = {path: path.read_bytes() for path in paths.values()}
    found = labelkit("weak-label", "in.csv", "--functions", "lfs.py", *args)
    assert found.code in (1, 2)
    assert message in found.err
    assert {path: path.read_bytes() for path in paths.values()} == before
    assert not Path("o.csv").exists()


def test_people_s_answers_are_not_written_over(write: Any, labelkit: Any) -> None:
    write("in.csv", "id,text\n1,abc\n")
    answers = write("a.csv", "id,label,label_note\n1,A,mine\n")
    found = labelkit("merge", "in.csv", "a.csv", "-o", "a.csv")
    assert (found.code, found.err) == (2, "error: -o a.csv is also ANSWERS; choose another name\n")
    assert answers.read_text() == "id,label,label_note\n1,A,mine\n"


def test_another_prefix_never_takes_a_column_of_the_user_s(write: Any, labelkit: Any) -> None:
    write("in.csv", "id,text,my_label\n1,abc,keep\n")
    write("lfs.py", LF)
    args = ("weak-label", "in.csv", "-o", "o.csv", "--functions", "lfs.py", "--as")
    found = labelkit(*args, "my")
    assert found.code == 2
    assert "and no history says that labelkit wrote it; pass --as NAME" in found.err
    assert not Path("o.csv").exists()
    assert labelkit(*args, "our").code == 0
    again = labelkit("weak-label", "o.csv", "-o", "p.csv", "--functions", "lfs.py", "--as", "our")
    assert again.code == 0
    assert Path("p.csv").read_bytes() == Path("o.csv").read_bytes()


def test_in_place_writes_over_the_input(write: Any, labelkit: Any) -> None:
    path = write("in.csv", "id,text\n1,abc\n")
    write("lfs.py", "def lf_a(text):\n    return 'A'\n")
    assert labelkit("weak-label", path, "--in-place", "--functions", "lfs.py").code == 0
    assert path.read_text() == "id,text,weak_label,weak_confidence,weak_votes\n1,abc,A,1,1\n"


def test_a_header_without_rows_passes_through(write: Any, labelkit: Any) -> None:
    write("in.csv", "id,text\n")
    write("lfs.py", "def lf_a(text):\n    return 'A'\n")
    found = labelkit(
        "weak-label", "in.csv", "-o", "o.csv", "--functions", "lfs.py", "--classes", "A,B"
    )
    assert found.code == 0, found.err
    assert Path("o.csv").read_text() == "id,text,weak_label,weak_confidence,weak_votes\n"


def test_debug_shows_the_traceback(labelkit_process: Any, labelkit: Any) -> None:
    found = labelkit_process("weak-label", "no.csv", "-o", "o.csv", "--debug")
    assert "Traceback" in found.err
    assert "Traceback" not in labelkit("weak-label", "no.csv", "-o", "o.csv").err


RULES = ("-o", "o.csv", "--keyword", "a=caf", "--keyword", "b=dull", "--no-task", "-q")


@pytest.mark.parametrize(
    ("data", "tries"),
    [
        (b"id;text\n1;caf\xe9\n2;dull\n", ["--encoding cp1252", "--delimiter ';'"]),
        (b'"id";"text"\n"1";"cafe"\n"2";"dull, or so"\n', ["--delimiter ';'"]),
        (b"id\ttext\n1\tcafe\n2\tdull\n", ["--delimiter $'\\t'"]),
        (b"id|text\n1|cafe\n2|dull\n", ["--delimiter '|'"]),
    ],
)
def test_a_delimiter_or_encoding_that_is_recognised_ends_in_a_line_to_paste(
    data: bytes, tries: list[str], write: Any, labelkit: Any
) -> None:
    write("my data.csv", data)
    args = ["weak-label", "my data.csv", *RULES]
    for option in tries:
        done = labelkit(*args)
        assert done.code in (1, 2)
        *_, last = done.err.splitlines()
        assert last.startswith("try: labelkit weak-label 'my data.csv' -o o.csv --keyword a=caf")
        assert last.endswith(f" {option}")
        args = shlex.split(last.removeprefix("try: labelkit ").replace("$'\\t'", "'\t'"))
    done = labelkit(*args)
    assert done.code == 0, done.err
    assert Path("o.csv").read_bytes().count(b"\n") == 3


def test_an_option_that_was_wrong_is_replaced_in_the_line_to_paste(
    write: Any, labelkit: Any
) -> None:
    write("in.csv", b"id,text\n1,caf\xe9\n")
    for given in (["--encoding", "utf-8"], ["--encoding=utf-8"]):
        done = labelkit("weak-label", *given, *RULES, "in.csv")
        assert done.err.splitlines()[-1] == (
            "try: labelkit weak-label -o o.csv --keyword a=caf --keyword b=dull --no-task -q "
            "in.csv --encoding cp1252"
        )
    done = labelkit("weak-label", *RULES, "--", "in.csv")
    assert done.err.splitlines()[-1].endswith(" -q --encoding cp1252 -- in.csv")

"""What the tests share: the command line in this process and as a process, files in a folder."""

import contextlib
import io
import os
import pickle
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

# The tests run in one process for each core, so each process and its children use one thread.
# This must be set before numpy is imported.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

# What is compiled once is read from then on, also by the many processes that the tests start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No example may fail because the machine is slow.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample_data"


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True, scope="session")
def children_with_default_signals() -> Iterator[None]:
    """Let child processes start with the default action for signals that this process ignores.

    A suite that was started with nohup, or in the background of a script, ignores some signals. A
    child inherits an ignored signal, but not a handler. So a handler that does nothing takes the
    place of SIG_IGN here.
    """
    ignored = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) == signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in an empty folder, knows no key, and is not under a make."""
    monkeypatch.chdir(tmp_path)
    # `make test` would make the tests' own make speak otherwise.
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Make a file in the test's folder."""

    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


@pytest.fixture
def labelkit(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Result]:
    """Run the command line in this process; stdin, if any, comes by a pipe.

    What each run says to type next is a command that labelkit accepts.
    """
    from labelkit.cli.app import app
    from labelkit.command.introspect import parsed

    def run(*args: object, stdin: str | bytes | None = None) -> Result:
        given = [str(arg) for arg in args]
        capfdbinary.readouterr()
        code = 0
        before, sys.argv = sys.argv, ["labelkit", *given]
        try:
            with piped_stdin(stdin) if stdin is not None else contextlib.nullcontext():
                app(given)
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            sys.argv = before
        found = capfdbinary.readouterr()
        result = Result(code, found.out.decode(), found.err.decode())
        for command in next_commands(result.err):
            assert command[0] == "labelkit"
            parsed(command[1], command[2:])
        return result

    return run


def next_commands(err: str) -> list[list[str]]:
    """Return the command lines that a run says to type next, as words.

    A name in quotes may hold line ends.
    """
    commands: list[list[str]] = []
    for told in err.split("\nnext: ")[1:]:
        lines = told.splitlines(keepends=True)
        typed = next(text for n in range(len(lines)) if is_closed(text := "".join(lines[: n + 1])))
        commands += [shlex.split(one) for one in typed.split(" && ")]
    return commands


def is_closed(text: str) -> bool:
    """Tell whether each quote of a shell line is closed."""
    with contextlib.suppress(ValueError):
        return bool(shlex.split(text))
    return False


@contextlib.contextmanager
def piped_stdin(content: str | bytes) -> Iterator[None]:
    """Give this process a pipe with this content as stdin."""
    data = content.encode() if isinstance(content, str) else content
    out, into = os.pipe()
    before, stream = os.dup(0), sys.stdin

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(into, "wb") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    os.dup2(out, 0)
    os.close(out)
    sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False), encoding="utf-8")  # noqa: SIM115
    try:
        yield
    finally:
        sys.stdin = stream
        os.dup2(before, 0)  # the pipe is closed by this, so the writer ends
        os.close(before)
        writer.join()


@pytest.fixture
def words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no command embed texts unasked, nor compare that with words: the tests of features do."""
    from labelkit.ml import feature_selection

    monkeypatch.setattr(feature_selection, "best", lambda *_: "tfidf")
    monkeypatch.setattr(feature_selection, "embeds", lambda *_: False)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where folders that several tests start from are kept."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def begin(kept: Path, tmp_path: Path) -> Callable[[str, Callable[[], object]], None]:
    """Bring the test's folder to where several tests start from: made once, copied afterwards."""

    def copy_or_make(name: str, make: Callable[[], object]) -> None:
        if not (kept / name).exists():
            make()
            shutil.copytree(tmp_path, kept / name)
        else:
            shutil.copytree(kept / name, tmp_path, dirs_exist_ok=True)

    return copy_or_make


class _PoolHere:
    """A pool of processes that works in this one: what is sent and comes back is pickled all the
    same, and what one part leaves behind the next one does not see."""

    def __init__(self, jobs: int, context: object, initializer: object, initargs: Any) -> None:
        self._made = pickle.dumps(initargs)

    def submit(self, function: object, part: Any) -> Future[Any]:
        make, arguments = pickle.loads(self._made)
        future: Future[Any] = Future()
        try:
            found = make(*arguments)(pickle.loads(pickle.dumps(part)))
            future.set_result(pickle.loads(pickle.dumps(found)))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, cancel_futures: bool) -> None:
        """Nothing is waiting."""


@pytest.fixture
def processes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what --jobs would send to other processes go the same way in this one."""
    from labelkit.engine import parallel_map

    monkeypatch.setattr(parallel_map, "ProcessPoolExecutor", _PoolHere)


@pytest.fixture
def labelkit_process() -> Callable[..., Result]:
    """Run the command line as a real process."""

    def run(*args: object, stdin: str | bytes | None = None, **env: str) -> Result:
        return labelkit_run([str(arg) for arg in args], stdin=stdin, **env)

    return run


def labelkit_run(args: list[str], stdin: str | bytes | None = None, **env: str) -> Result:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "labelkit", *args],
        input=data if data is not None else b"",
        capture_output=True,
        env={**os.environ, **env},
        timeout=600,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

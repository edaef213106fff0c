"""plan before, the pipelines that it names after: do cost, accuracy and choice hold?

Of each set so many rows are drawn; a few at random are known beforehand (audit rows of a pilot),
on which a scripted language model answered too. `plan` foretells cost and accuracy of each mix from
these. Then each mix is run as the pipeline that plan prints, on the rows without any label, people
played by the known labels, and its cost is read from what the pipeline says at its end, its
accuracy from all rows. Told of each set: the share of mixes whose cost is within 15 % and whose
accuracy lies in the interval; the mix named beside the best in hindsight, the cheapest within a
point of the best of all: how many points it is behind and what it costs more. What the model costs
is told by an endpoint on this machine that counts the tokens of what it is really sent, a word
piece of five letters a token, where plan reckons four characters a token; it is asked once for all
rows and once for the doubtful ones. With --target plan is asked for that accuracy, and only the
pipelines are run that send doubtful rows on until it is expected.
Run: python benchmarks/plan.py --data FOLDER [--sets …] [--rows 1200] [--known 400] [--seeds 2]
  [--first 0] [--llm 0.85] [--errors hard] [--target 0.9] [--save FILE]
"""

import argparse
import contextlib
import csv
import io
import json
import random
import re
import shlex
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from pipeline import RULES, Rows, read, script, write

from labelkit.command.invoke import run

COST = """[cost]
human_label = 0.30
human_seconds = 36
setup_minutes = { weak-label = 30, llm-label = 15 }
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(RULES))
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--known", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--llm", type=float, default=0.85)
    parser.add_argument("--errors", default="hard", choices=["hard", "anywhere"])
    parser.add_argument("--target", type=float)
    parser.add_argument("--save", type=Path, help="all mixes of all runs, as JSON lines")
    wanted = parser.parse_args()
    data = wanted.data.resolve()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wanted.url = f"http://127.0.0.1:{server.server_port}/v1"
    print(f"{'':18}{'mixes':>6}{'cost':>6}{'held':>6}{'width':>7}{'off':>7}{'named right':>13}"
          f"{'behind':>8}{'dearer':>8}")  # fmt: skip
    for name in wanted.sets:
        runs = []
        for seed in range(wanted.first, wanted.first + wanted.seeds):
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                runs.append(one_run(name, read(data / f"{name}.csv", seed), seed, wanted))
            if wanted.save:
                with wanted.save.open("a") as stream:
                    stream.write(json.dumps({"set": name, "seed": seed, "mixes": runs[-1]}) + "\n")
        tell(name, runs)


def tell(name: str, runs: list[list[dict[str, Any]]]) -> None:
    every = [mix for found in runs for mix in found]
    cost = np.mean([abs(mix["paid"] / mix["dollars"] - 1) <= 0.15 for mix in every])
    held = np.mean([mix["low"] <= mix["after"] <= mix["high"] for mix in every])
    width = np.mean([mix["high"] - mix["low"] for mix in every])
    off = np.mean([mix["accuracy"] - mix["after"] for mix in every])
    start = f"{name:18}{len(every):6}{cost:6.2f}{held:6.2f}{width:7.3f}{off:7.3f}"
    picks = [pick(found) for found in runs if any(mix["named"] for mix in found)]
    if not picks:
        print(start, flush=True)
        return
    good = sum(behind <= 0.01 and dearer <= 0.2 for behind, dearer in picks)
    behind, dearer = np.mean(picks, axis=0)
    named = f"{good:9}/{len(picks):<3}{100 * behind:8.1f}{100 * dearer:7.0f}%"
    print(start + named, flush=True)


def pick(found: list[dict[str, Any]]) -> tuple[float, float]:
    """How far the named mix is behind the best in hindsight, and the share it costs more."""
    top = max(mix["after"] for mix in found)
    best = min((mix for mix in found if mix["after"] >= top - 0.01), key=lambda mix: mix["paid"])
    named = next(mix for mix in found if mix["named"])
    return best["after"] - named["after"], named["paid"] / best["paid"] - 1


def one_run(name: str, rows: Rows, seed: int, wanted: argparse.Namespace) -> list[dict[str, Any]]:
    """What plan foretold of each mix, what came out, and which mix it named."""
    rows = rows[: wanted.rows]
    script(rows, wanted.llm, wanted.errors, seed)
    write("rows.csv", rows)
    tasks(name, sorted({label for _, label in rows}), wanted.url)
    pilot(rows, set(random.Random(seed).sample(range(len(rows)), wanted.known)))
    target = ("--target-accuracy", wanted.target) if wanted.target else ()
    planned = json.loads(labelkit("plan", "pilot.csv", "--task", "pilot.toml", "--features",
                                  "tfidf", "--json", "--audit", 40, *target)[0])  # fmt: skip
    found = [mix for mix in planned["mixes"] if mix["accuracy"] is not None
             and bool(target) == ("--target-accuracy" in mix["run"])]  # fmt: skip
    bills = bills_of_the_model()
    for number, mix in enumerate(found):
        mix["after"], mix["paid"] = after(mix, number, bills)
        mix["named"] = mix["mix"] == planned["best"]
    return found


def after(mix: dict[str, Any], number: int, bills: dict[str, float]) -> tuple[float, float]:
    """The accuracy over all rows of the pipeline that plan printed, and the dollars it told."""
    kind = "doubtful" if "LLM on doubtful" in mix["mix"] else "all"
    words = shlex.split(mix["run"])[2:]
    words[0] = "rows.csv"
    for option, value in (("-o", f"{number}.csv"), ("--work-dir", f"w{number}"),
                          ("--task", f"{kind}.toml")):  # fmt: skip
        words[words.index(option) + 1] = value
    place = words.index("--stages") + 1
    words[place] = words[place].removesuffix(",train")
    said = labelkit("pipeline", *words, "--oracle", "gold", "--cache", f"c{number}")[1]
    with open(f"{number}.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right = [row["final_label"] == row["gold"] for row in rows]
    paid = re.search(r"^in all +([\d.,]+)", said, re.MULTILINE)
    assert paid, said
    llm = bills[kind] if "LLM" in mix["mix"] else 0.0
    if "--target-accuracy" in mix["run"]:
        llm *= np.mean([bool(row["llm_label"]) for row in rows]) if llm else 0.0
        mix["labels"] = sum(bool(row["label"]) for row in rows)
    return float(np.mean(right)), float(paid[1].replace(",", "")) + llm


def bills_of_the_model() -> dict[str, float]:
    """What the language model costs for all rows, and for those that the rules leave doubtful."""
    labelkit("weak-label", "rows.csv", "-o", "weak.csv", "--task", "all.toml", "--gold", "gold")
    found = {}
    for kind, where in (("all", ""), ("doubtful", "weak_confidence < 0.8")):
        labelkit("llm-label", "weak.csv", "-o", "asked.csv", "--task", "pilot.toml", "--where",
                 where, "--cache", f"priced-{kind}", "--yes", "--summary", "bill.json")  # fmt: skip
        found[kind] = json.loads(Path("bill.json").read_text("utf-8"))["dollars"]
    return found


class Endpoint(BaseHTTPRequestHandler):
    """Answers each request by the first class and counts its tokens."""

    protocol_version = "HTTP/1.1"
    said = ""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
        words = "".join(message["content"] for message in json.loads(asked)["messages"])
        usage = {"prompt_tokens": pieces(words) + 10, "completion_tokens": pieces(self.said)}
        choice = {"index": 0, "finish_reason": "stop",
                  "message": {"role": "assistant", "content": self.said}}  # fmt: skip
        body = json.dumps({"model": "script", "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def pieces(text: str) -> int:
    return len(re.findall(r"\w{1,5}|[^\w\s]", text))


def pilot(rows: Rows, known: set[int]) -> None:
    """Write the rows with a few audited ones, and what the language model says of those."""
    with open("llm.jsonl", encoding="utf-8") as file:
        said = [json.loads(line) for line in file]
    with open("pilot.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label", "label_origin", "llm_label", "llm_confidence"])
        for number, ((text, label), one) in enumerate(zip(rows, said, strict=True)):
            filled = [label, "audit", one["label"], one["confidence"]]
            writer.writerow([number, text, *(filled if number in known else [""] * 4)])


def tasks(name: str, classes: list[str], url: str) -> None:
    rules = "".join(
        f"[[weak-label.rule]]\nname = 'words_{number}'\nlabel = {label!r}\ncolumn = 'text'\n"
        f"any_of = {words.split(',')!r}\n"
        for number, (label, words) in enumerate(RULES.get(name, {}).items())
    )
    task = f"[task]\ntext = ['text']\nclasses = {classes!r}\n{COST}"
    Endpoint.said = json.dumps({"label": classes[0]})
    priced = f"[llm-label]\nmodel = 'script'\nbase-url = {url!r}\nprice = [3.0, 15.0]\n"
    replayed = "[llm-label]\nmodel = 'replay:llm.jsonl'\n"
    doubtful = f"{replayed}where = 'weak_confidence < 0.8'\n"
    for file, model in (("pilot", priced), ("all", replayed), ("doubtful", doubtful)):
        Path(f"{file}.toml").write_text(f"{task}{model}{rules}", encoding="utf-8")


def labelkit(*args: Any) -> tuple[str, str]:
    """Run a command; return what it wrote to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*map(str, args)])
    assert code == 0, err.getvalue()
    return out.getvalue(), err.getvalue()


if __name__ == "__main__":
    main()

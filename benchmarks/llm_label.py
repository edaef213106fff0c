"""What llm-label costs in time and tokens, beside a bare loop over AsyncOpenAI in the same run.

A loopback server of its own process answers after a set time. Rows: 1,000 at 200 ms and 64 at once
(whole command, start-up included); many at 5 ms (rate and memory); a run that is killed at random
moments; tokens a label of several rows a request.
Run: python benchmarks/llm_label.py [--many 100000] [--kills 20] [--only speed many kill tokens]
"""

import argparse
import asyncio
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = str(Path(__file__).resolve())
CLASSES = ("NEGATIVE", "POSITIVE")
GUIDELINES = " ".join(
    f"Rule {n}: weigh what the writer says of the thing itself." for n in range(21)
)
BARE = """
import asyncio, csv, json, sys
from openai import AsyncOpenAI

async def main(url, at_once):
    client = AsyncOpenAI(api_key="x", base_url=url)
    texts = iter([row["text"] for row in csv.DictReader(open("rows.csv"))])
    form = {"type": "json_schema", "json_schema": {"name": "label", "strict": True, "schema": {
        "type": "object", "required": ["label"], "properties": {
            "label": {"type": "string", "enum": ["NEGATIVE", "POSITIVE"]}},
        "additionalProperties": False}}}
    labels = []
    async def work():
        for text in texts:
            reply = await client.chat.completions.create(
                model="m", response_format=form, temperature=0,
                messages=[{"role": "system", "content": "Label as POSITIVE or NEGATIVE. " * 20},
                          {"role": "user", "content": text}])
            labels.append(json.loads(reply.choices[0].message.content)["label"])
    await asyncio.gather(*(work() for _ in range(at_once)))
    json.dump(labels, open("bare.json", "w"))
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def serve(latency: float) -> None:
    """Answer each row by its words; `GET /` tells requests and those under way."""
    seen = {"requests": 0, "under_way": 0, "tokens": 0}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                if head.startswith(b"get"):
                    answer = seen
                else:
                    length = re.search(rb"content-length: (\d+)", head)
                    body = await reader.readexactly(int(length[1])) if length else b""
                    seen["requests"] += 1
                    seen["under_way"] += 1
                    await asyncio.sleep(latency)
                    seen["under_way"] -= 1
                    answer = reply(json.loads(body))
                    seen["tokens"] += answer["usage"]["total_tokens"]
                data = json.dumps(answer).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def reply(asked: dict) -> dict:
    """The scripted model: right on nine rows of ten, whether alone or among others."""
    said = asked["messages"][-1]["content"]
    several = re.findall(r"Row (\d+):\n<row>\n(.*?)\n</row>", said, re.DOTALL)
    if several:
        made = {"labels": [{"row": int(n), "label": judge(text)} for n, text in several]}
    else:
        made = {"label": judge(said)}
    text = json.dumps(made)
    tokens_in = sum(len(message["content"]) for message in asked["messages"]) // 4
    usage = {"prompt_tokens": tokens_in, "completion_tokens": len(text) // 4}
    usage["total_tokens"] = sum(usage.values())
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    about = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
    return about | {"choices": [choice], "usage": usage}


def judge(text: str) -> str:
    number = int(re.search(r"film (\d+)", text)[1])
    right = "good" in text
    return CLASSES[right if number % 10 else not right]


class Server:
    """The server in its own process."""

    def __init__(self, latency: float) -> None:
        command = [sys.executable, PROGRAM, "--serve", str(latency)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def seen(self) -> dict:
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/") as answer:
            return json.loads(answer.read())

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def make(rows: int) -> None:
    with open("rows.csv", "w") as file:
        file.write("text\n")
        file.writelines(f"film {n} is {'good' if n % 3 else 'bad'}\n" for n in range(rows))


def ours(server: Server, *more: str) -> list[str]:
    command = [sys.executable, "-m", "labelkit", "llm-label", "rows.csv", "-o", "out.csv", "-q"]
    command += ["--classes", ",".join(CLASSES), "--base-url", server.url, "--model", "m"]
    return [*command, "--confidence", "verbalised", *more]


def clock(command: list[str]) -> tuple[float, float]:
    """Return the wall seconds and the peak megabytes of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def speed(rows: int, latency: float, rounds: int) -> None:
    make(rows)
    found: dict[str, list[tuple[float, float]]] = {"bare loop": [], "llm-label": []}
    for place in range(rounds):
        with Server(latency) as server:
            bare = [sys.executable, "-c", BARE, server.url, "64"]
            found["bare loop"].append(clock(bare))
            cache = f"cache-{rows}-{place}"
            found["llm-label"].append(clock(ours(server, "--concurrency", "64", "--cache", cache)))
    best = {name: min(times) for name, times in found.items()}
    for name, (seconds, megabytes) in best.items():
        print(f"{rows:8,} rows {latency * 1000:4.0f} ms  {name:10}{seconds:8.2f} s"
              f"{rows / seconds:8.0f} rows/s{megabytes:6.0f} MB")  # fmt: skip
    print(f"{'':8} llm-label / bare loop: {best['llm-label'][0] / best['bare loop'][0]:.2f}")


def labels() -> list[str]:
    with open("out.csv", newline="") as file:
        return [row["llm_label"] for row in csv.DictReader(file)]


def kill(rows: int, times: int) -> None:
    make(rows)
    drawn, lost = random.Random(0), 0
    with Server(0.02) as server:
        command = ours(server, "--concurrency", "16", "--cache", "cache-killed")
        for _ in range(times):
            goal = server.seen()["requests"] + drawn.randrange(rows // times)
            process = subprocess.Popen(command)
            while server.seen()["requests"] < goal and process.poll() is None:
                time.sleep(0.002)
            process.kill()
            process.wait()
            lost += 16
        clock(command)
        seen, killed = server.seen()["requests"], labels()
        clock(ours(server, "--concurrency", "16", "--cache", "cache-whole"))
    equal = killed == labels()
    print(f"{rows:8,} rows killed {times} times: {seen:,} requests (at most {rows + lost:,})")
    print(f"{'':8} labels equal to the undisturbed run: {equal}")


def tokens(rows: int) -> None:
    make(rows)
    Path("task.toml").write_text(f'[task]\nguidelines = "{GUIDELINES}"\n')
    found = {}
    for size in (1, 5, 10, 20):
        with Server(0.002) as server:
            cache = f"cache-tokens-{size}"
            clock(ours(server, "--task", "task.toml", "--rows-per-request", str(size),
                       "--cache", cache))  # fmt: skip
            truth = ["POSITIVE" if n % 3 else "NEGATIVE" for n in range(rows)]
            right = sum(a == b for a, b in zip(labels(), truth, strict=True)) / rows
            found[size] = server.seen()["tokens"] / rows
        print(f"{size:8} rows a request: {found[size]:6.1f} tokens a label"
              f" ({found[size] / found[1]:.2f}), accuracy {right:.3f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", nargs="+", default=["speed", "many", "kill", "tokens"])
    parser.add_argument("--serve", type=float)
    wanted = parser.parse_args()
    if wanted.serve is not None:
        asyncio.run(serve(wanted.serve))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if "speed" in wanted.only:
            speed(1_000, 0.2, 3)
        if "tokens" in wanted.only:
            tokens(400)
        if "kill" in wanted.only:
            kill(2_000, wanted.kills)
        if "many" in wanted.only:
            speed(wanted.many, 0.005, 1)


if __name__ == "__main__":
    main()

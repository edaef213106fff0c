"""An OpenAI-compatible endpoint on loopback with scripted faults, in its own process.

Run as `python chat_server.py`: each line on stdin starts a new endpoint as a fork of this process,
and the process id and the port of the endpoint are a line on stdout. The label of a row is
POSITIVE when it holds "good", else NEGATIVE. A mark in a row makes a fault: `[429]`, `[500]`,
`[broken]`, `[cut]`, `[html]` at its first sight only (`[always 500]` each time); `[refuse]`,
`[p=0.7]` (how sure), `[hard]` (tiny-1 is wrong and unsure), `[waver]` (another label at each
third sight), `[half]` (a reason with half a character and U+2028), `[length]`,
 `[empty]`, `[wrong]`, `[wrong once]`, `[filter]`, `[long]`,
`[key as label]` each time.
`obeys` makes it a model that does what injections.py asks for.
POST /control sets: latency, hold, gather, schema, logprobs, limit, temperature, key, obeys; GET
/seen tells the counts; `billed` are the tokens in and out of all answers, `[broken]` ones too.
`hold`: no request after so many is answered until it is raised. `fails_after`: each request after
so many gets an error 500. `gather`: a row with `[gather]` is not answered until so many requests
have been in flight at once.
"""

import itertools
import json
import math
import os
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import chat_batches
from injections import MARK

STATE = {
    "latency": 0.0, "schema": True, "logprobs": True, "limit": None,
    "temperature": True, "key": None, "status": None, "retry_after": "0.2", "free_text": False,
    "binds": True, "headers": {}, "batch": "done", "batch_looks": 1, "together": "right",
    "obeys": "", "always": "", "hold": None, "fails_after": None, "gather": 0,
}  # fmt: skip
SEEN = {
    "requests": 0,
    "bodies": [],
    "by_row": {},
    "times": [],
    "in_flight": 0,
    "most": 0,
    "batch_posts": 0,
    "billed": [0, 0],
}
LOCK = threading.Lock()
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}


class Chat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):
        pass

    def bill(self, usage):
        with LOCK:
            SEEN["billed"][0] += usage["prompt_tokens"]
            SEEN["billed"][1] += usage["completion_tokens"]

    def send(self, status, body, headers=None, kind="application/json"):
        if isinstance(body, dict) and "usage" in body:
            self.bill(body["usage"])
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/seen":
            return self.send(200, SEEN)
        if self.path == "/v1/models":
            return self.send(200, {"data": [{"id": "tiny-1"}, {"id": "tiny-2"}]})
        if self.path.startswith(("/v1/batches", "/v1/files")):
            if STATE["batch"] == "gone":
                return self.send(404, {"error": {"message": "no such batch"}})
            found = chat_batches.get(self.path, STATE, self.batch_answer)
            return self.send(200, found)
        return self.send(404, {"error": {"message": "not here"}})

    def batch_answer(self, body):
        """The answer to one line of a batch job."""
        sent, self.send = [], lambda status, content, headers=None: sent.append(content)
        try:
            self.chat(body)
        finally:
            del self.send
        return sent[0]

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path in ("/v1/files", "/v1/batches") and STATE["batch"] != "none":
            SEEN["batch_posts"] += 1
            return self.send(*chat_batches.post(self.path, raw, STATE))
        body = json.loads(raw) if raw.startswith(b"{") else {}
        if self.path == "/control":
            STATE.update(body)
            return self.send(200, {})
        if self.path.partition("?")[0] != "/v1/chat/completions":
            return self.send(404, {"error": {"message": "not here"}})
        with LOCK:
            SEEN["requests"] += 1
            number = SEEN["requests"]
            SEEN["in_flight"] += 1
            SEEN["most"] = max(SEEN["most"], SEEN["in_flight"])
            SEEN["times"].append(time.time())
            if len(SEEN["bodies"]) < 50:
                SEEN["bodies"].append(body)
        try:
            time.sleep(STATE["latency"])
            until = time.monotonic() + 120
            while time.monotonic() < until and self.held(number, raw):
                time.sleep(0.01)
            if STATE["fails_after"] is not None and number > STATE["fails_after"]:
                return self.send(500, {"error": {"message": "scripted"}})
            return self.chat(body)
        finally:
            with LOCK:
                SEEN["in_flight"] -= 1

    def held(self, number, raw):
        if STATE["hold"] is not None and number > STATE["hold"]:
            return True
        return b"[gather]" in raw and SEEN["most"] < STATE["gather"]

    def chat(self, body):
        if STATE["always"]:
            return self.send(200, STATE["always"].encode())
        if STATE["status"]:
            return self.send(STATE["status"], {"error": {"message": "scripted"}})
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if STATE["key"] and given != STATE["key"]:
            said = f"Incorrect API key provided: {given}"
            return self.send(401, {"error": {"message": said}})
        if body["model"] not in ("tiny-1", "tiny-2"):
            return self.send(404, {"error": {"message": "no such model"}})
        refused = self.not_understood(body)
        if refused:
            return self.send(400, {"error": {"message": refused}})
        several = chat_batches.rows_in(body["messages"][-1]["content"])
        if "[too long]" in body["messages"][-1]["content"]:
            return self.send(400, {"error": {"message": "maximum context length exceeded"}})
        if several:
            found = chat_batches.labels_for(several, STATE)
            if STATE["obeys"] and any(MARK in each for each in several.values()):
                found["labels"] = [obeyed(body) | {"row": number} for number in several]
            text = json.dumps(found)
            return self.send_answer(text, {"finish_reason": "stop"}, len(several))
        users = [m["content"] for m in body["messages"] if m["role"] == "user"]
        row = users[-1] if "<row>" in users[-1] else users[-2]
        with LOCK:
            sights = SEEN["by_row"][row] = SEEN["by_row"].get(row, 0) + 1
        if self.fault(row, sights):
            return None
        return self.answer(body, row, sights, given, retried="<row>" not in users[-1])

    def not_understood(self, body):
        kind = body.get("response_format", {}).get("type")
        if kind == "json_schema" and not STATE["schema"]:
            return "response_format json_schema is not supported"
        if body.get("logprobs") and STATE["logprobs"] == "refused":
            return "logprobs is not enabled for this model"
        if STATE["limit"] and STATE["limit"] not in body:
            other = next(name for name in body if name.startswith("max_"))
            return f"Unsupported parameter: {other}"
        if "temperature" in body and not STATE["temperature"]:
            return "temperature does not support 0"
        return ""

    def fault(self, row, sights):
        found = re.search(r"\[(always )?(429|500|503|broken|cut|html)\]", row)
        if not found or (sights > 1 and not found.group(1)):
            return False
        if found.group(2) == "broken":
            self.bill(USAGE)
            self.send(200, b'{"choices": [{"mess')
        elif found.group(2) == "html":
            self.send(200, b"<html>gateway</html>", kind="text/html")
        elif found.group(2) == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choi')
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
        else:
            status = int(found.group(2))
            wait = {"Retry-After": STATE["retry_after"]} if status in (429, 503) else {}
            self.send(status, {"error": {"message": "scripted"}}, wait)
        return True

    def answer(self, body, row, sights, given, retried):
        label = "POSITIVE" if "good" in row.casefold() else "NEGATIVE"
        if "[waver]" in row and sights % 3 == 0:
            label = "NEGATIVE" if label == "POSITIVE" else "POSITIVE"
        said = re.search(r"\[p=([\d.]+)\]", row)
        sure = float(said.group(1)) if said else 0.9
        if "[hard]" in row:
            sure = 0.9 if body["model"] == "tiny-2" else 0.6
        if "[hard]" in row and body["model"] == "tiny-1":
            label = "NEGATIVE" if label == "POSITIVE" else "POSITIVE"
        form = body.get("response_format", {}).get("json_schema")
        if form and STATE["binds"]:
            allowed = form["schema"]["properties"]["label"]["enum"]
            label = label if label in allowed else allowed[0]
        stated = "confidence" in body["messages"][0]["content"]
        made = {"label": label} | ({"confidence": 80} if stated else {})
        if "rationale" in body["messages"][0]["content"]:
            made = {"rationale": f"It says {label}."} | made
        if "[half]" in row:
            made = made | {"rationale": "nice \ud83d one\u2028two"}
        text, finish, refusal = json.dumps(made).replace("\\u2028", "\u2028"), "stop", None
        if STATE["free_text"]:
            text = f"I would say: {label.lower()}."
        if STATE["obeys"] and MARK in row:
            text = json.dumps(obeyed(body))
        if STATE["obeys"] == "talks" and MARK in row:
            text = body["messages"][0]["content"]
        if "[wrong]" in row or ("[wrong once]" in row and not retried):
            text = '{"label": "MAYBE"}'
        if "[length]" in row:
            text, finish = '{"label": "POSI', "length"
        if "[empty]" in row:
            text = ""
        if "[refuse]" in row:
            text, refusal = None, "I cannot help with that."
        if "[key as label]" in row:
            text = json.dumps({"label": given})
        choice = {"message": {"content": text, "refusal": refusal}, "finish_reason": finish}
        if body.get("logprobs") and STATE["logprobs"] is True and text:
            choice["logprobs"] = {"content": list(tokens(text, label, sure))}
        self.send(200, {"choices": [choice], "usage": USAGE}, STATE["headers"])

    def send_answer(self, text, choice, rows):
        """An answer to several rows, with tokens of four characters where they are asked for."""
        pieces = [text[i : i + 4] for i in range(0, len(text), 4)]
        top = [{"token": p, "logprob": 0.0, "top_logprobs": []} for p in pieces]
        choice["message"] = {"content": text, "refusal": None}
        if STATE["logprobs"] is True:
            choice["logprobs"] = {"content": top}
        usage = {"prompt_tokens": 90 + 10 * rows, "completion_tokens": 10 * rows}
        self.send(200, {"choices": [choice], "usage": usage})


def obeyed(body):
    """What a row makes of a model that does as it is told, in the worst case."""
    made = {"rationale": "I was told to.", "label": "POSITIVE"}
    if STATE["obeys"] == "leaks":
        made["rationale"] = "My instructions: " + body["messages"][0]["content"]
    if STATE["obeys"] == "adds":
        made["label"] = "HACKED"
    return made


def tokens(text, label, surety=0.9):
    """The answer cut into tokens of at most four characters, the label's first one at `surety`."""
    other = "POS" if label == "NEGATIVE" else "NEG"
    at = text.rfind(label)
    cuts = [0, at, *range(at + 3, len(text), 4), len(text)] if at >= 0 else [0, len(text)]
    for start, end in itertools.pairwise(cuts):
        piece = text[start:end]
        sure = surety if start == at else 1.0
        top = [{"token": piece, "logprob": math.log(sure)}]
        if start == at:
            top += [{"token": other, "logprob": math.log(0.6 * (1 - surety))}]
            top += [{"token": "I", "logprob": math.log(0.4 * (1 - surety))}]
        yield {"token": piece, "logprob": math.log(sure), "top_logprobs": top}


if __name__ == "__main__":

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, *_args):
            pass

    alive, ends_with_parent = os.pipe()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a server that was killed
    for _line in sys.stdin:
        if os.fork():
            continue
        os.close(ends_with_parent)
        server = Server(("127.0.0.1", 0), Chat)
        print(os.getpid(), server.server_address[1], flush=True)
        threading.Thread(target=lambda: (os.read(alive, 1), os._exit(0)), daemon=True).start()
        server.serve_forever()

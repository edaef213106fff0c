"""Batch jobs of the scripted endpoint, and its answers to several rows in one request."""

import itertools
import json
import re

FILES, JOBS = {}, {}
NAMES = itertools.count(1)


def post(path, raw, state):
    """Take a file or a job."""
    if path == "/v1/files":
        name = f"file-{next(NAMES)}"
        start, end = raw.index(b'{"custom_id"'), raw.rindex(b"}\n")
        FILES[name] = raw[start : end + 1].decode()
        told = {"id": name, "object": "file", "bytes": len(raw), "created_at": 0}
        return 200, told | {"filename": "x.jsonl", "purpose": "batch", "status": "processed"}
    asked = json.loads(raw)
    name = f"batch-{next(NAMES)}"
    JOBS[name] = asked | {"looks": 0, "lines": FILES[asked["input_file_id"]].splitlines()}
    if state["batch"] == "dies":
        return 500, {"error": {"message": "the connection to the client was lost"}}
    return 200, shown(name, state)


def get(path, state, answer):
    """Show a job, all jobs, or the content of a file."""
    if path.startswith("/v1/batches?") or path == "/v1/batches":
        return {"object": "list", "data": [shown(name, state) for name in JOBS], "has_more": False}
    kind, name = path.split("/")[2:4]
    if kind == "files":
        return FILES[name].encode()
    job = JOBS[name]
    job["looks"] += 1
    if state["batch"] == "open" or job["looks"] < state["batch_looks"] or "files" in job:
        return shown(name, state)
    found, refused = [], []
    for line in map(json.loads, job["lines"]):
        told = {"id": "r", "custom_id": line["custom_id"], "error": None}
        if "[refused line]" in json.dumps(line["body"]):
            body = {"error": {"message": "no such luck"}}
            refused.append(told | {"response": {"status_code": 400, "body": body}})
        elif state["batch"] == "expired" and len(found) >= len(job["lines"]) // 2:
            error = {"code": "batch_expired", "message": "not done in time"}
            refused.append(told | {"response": None, "error": error})
        else:
            found.append(told | {"response": {"status_code": 200, "body": answer(line["body"])}})
    job["files"] = [keep(reversed(found)), keep(refused)]
    return shown(name, state)


def keep(lines):
    """Store the lines as a file, in no order that was asked for."""
    text = "\n".join(map(json.dumps, lines)).replace("\\u2028", "\u2028")
    name = f"file-{next(NAMES)}" if text else None
    FILES[name] = text
    return name


def shown(name, state):
    """A job as the provider tells of it."""
    job = JOBS[name]
    done, failed = "files" in job, state["batch"] == "failed"
    status = "expired" if state["batch"] == "expired" else "completed"
    files = job.get("files", [None, None])
    return {
        "id": name, "object": "batch", "endpoint": job["endpoint"], "completion_window": "24h",
        "created_at": 0, "input_file_id": job["input_file_id"], "metadata": job["metadata"],
        "status": "failed" if failed else status if done else "in_progress",
        "errors": {"data": [{"message": "line 1 is no JSON"}]} if failed else None,
        "output_file_id": files[0], "error_file_id": files[1],
        "request_counts": {"total": len(job["lines"]), "completed": 0, "failed": 0},
    }  # fmt: skip


def rows_in(message):
    """The rows of a message by their numbers; empty where it asks about one."""
    found = re.findall(r"Row (\d+):\n<row>\n(.*?)\n</row>", message, re.DOTALL)
    return {int(number): text for number, text in found}


def labels_for(rows, state):
    """The answer to several rows: right, or wrong in the way that a row or the state asks for."""
    listed = [
        {"row": number, "label": "POSITIVE" if "good" in text else "NEGATIVE"}
        for number, text in rows.items()
    ]
    if state["together"] == "counts":
        listed = [entry | {"row": place} for place, entry in enumerate(listed, 1)]
    if any("[lost]" in text for text in rows.values()):
        listed = listed[1:]
    if any("[twice]" in text for text in rows.values()):
        listed.append(listed[0])
    if any("[obey]" in text for text in rows.values()):  # a row that speaks for others
        listed = [entry | {"label": "POSITIVE"} for entry in listed]
    for entry, text in zip(listed, rows.values(), strict=False):
        if "[wrong]" in text:
            entry["label"] = "MAYBE"
    return {"labels": listed}

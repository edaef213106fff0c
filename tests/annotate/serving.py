"""The page's server in the test's own process, on a batch of some rows."""

import http.client
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labelkit.annotate.annotation_job import open_journal
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.row_order import FileOrder
from labelkit.annotate.rows import RowTable
from labelkit.annotate.session import Session
from labelkit.annotate.ui import highlight, web
from labelkit.annotate.ui.text import NO_GUIDE, Guide
from labelkit.job.job import Job
from labelkit.job.options import Declared

BATCH = """id,text,query_reason,query_guess,query_guess_confidence,shop,row_check,label_origin
r1,The <script>document.title='owned'</script> parcel never came,margin 0.02,refund,0.83,A & B,c1,query
r2,Where is my account?,audit: drawn at random,,,<b>C</b>,c2,audit
r3,the same,,other,0.5,,c3,query
r4,the same,,other,0.5,,c4,query
r5,"\x1b[31mred\x1b[0m \u202eover\u202c می\u200cخواهم
second line",,,,,c5,query
"""  # noqa: E501
CLASSES = ("refund", "account", "other")


class Served:
    """A session behind the page's server."""

    def __init__(self, api: web.AnnotateApi, server: web.Server, session: Session) -> None:
        self.api, self.server, self.session = api, server, session
        self.path = f"/{server.token}/"

    def labels(self) -> dict[str, str]:
        """Return the labels given so far, by key."""
        said = self.session.answers
        return {self.session.table.keys[row]: said[row].label for row in said if said[row].label}

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a request of any make."""
        link = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=120)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            link.request(method, path, body, given)
            answer = link.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            link.close()

    def state(self) -> dict[str, Any]:
        """Return what the page is told when it is opened."""
        status, _, body = self.request("GET", self.path + "state")
        assert status == 200
        found: dict[str, Any] = json.loads(body)
        return found

    def act(self, **asked: Any) -> tuple[int, dict[str, Any]]:
        """Ask for something as the page does."""
        asked.setdefault("seen", self.state()["revision"])
        status, _, body = self.request(
            "POST",
            self.path + "do",
            json.dumps(asked).encode(),
            Origin=f"http://127.0.0.1:{self.server.server_port}",
            Content_Type="application/json",
        )
        return status, json.loads(body)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Have the disk full for a while."""
        journal = self.session._journal._number
        kept, full = os.dup(journal), os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, journal)
        try:
            yield
        finally:
            os.dup2(kept, journal)
            os.close(kept)
            os.close(full)


@contextmanager
def serving(
    path: Path,
    classes: Sequence[str] = CLASSES,
    show: Sequence[str] = (),
    guide: Guide = NO_GUIDE,
    **options: Any,
) -> Iterator[Served]:
    """Serve a batch."""
    given = {"input": str(path), "seed": 0, "format": None, "delimiter": None,
             "encoding": "utf-8", "output": "todo.answers.csv"}  # fmt: skip
    job = Job(Declared("annotate", "", False, ()), given)
    table = RowTable(job, show, classes)
    journal = open_journal(job, table, list(classes), Path("todo.answers.csv"), False)
    session = Session(
        table, FileOrder(table, range(table.rows)), classes, journal, total=table.rows, **options
    )
    comparison = RowComparison(table)
    comparison.attach(session)
    api = web.AnnotateApi(session, highlight.Highlighter(["never"]), comparison, guide)
    server = web.bind(api, 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield Served(api, server, session)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        journal.close()

"""The options of annotate, and what they say before the file is opened."""

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from labelkit.annotate.session import Limits
from labelkit.errors import UsageError
from labelkit.io.files import next_to


class Wanted(NamedTuple):
    """The options of annotate."""

    show: tuple[str, ...] = ()
    highlight: tuple[str, ...] = ()
    blind: bool = False
    redo: str | None = None
    annotator: str | None = None
    limits: Limits = Limits()
    audit: int | None = None
    strategy: str = "default"
    in_order: bool = False
    plain: bool = False
    start_over: bool = False
    stop_when: tuple[str, ...] = ()
    web: bool = False
    port: int | None = None

    def check(self) -> None:
        """Raise UsageError for options that cannot be or do not go together."""
        if self.stop_when:
            from labelkit.ml import stopping

            stopping.rules(self.stop_when)
        if self.web and self.plain:
            raise UsageError("--web and --plain are two ways of asking; give one of them")
        if self.port is not None and not self.web:
            raise UsageError(f"--port {self.port} is that of --web, which is not given")

    def who(self) -> str:
        """Return who is at work: --annotator, else the name of the account."""
        if self.annotator is not None:
            return self.annotator
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return ""


def answers_path(options: Mapping[str, Any]) -> Path:
    """Return where the answers go: -o, else beside the batch."""
    return Path(options.get("output") or next_to(str(options["input"]), "answers"))

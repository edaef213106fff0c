"""The options of annotate, and the checks that need no open file."""

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from labelkit.annotate.row_order import Limits
from labelkit.errors import UsageError
from labelkit.io.files import next_to


class AnnotateOptions(NamedTuple):
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
        """Raise UsageError for invalid options and combinations of options."""
        if self.stop_when:
            from labelkit.ml import stopping

            stopping.rules(self.stop_when)
        if self.web and self.plain:
            raise UsageError("--web and --plain cannot be combined")
        if self.port is not None and not self.web:
            raise UsageError(f"--port {self.port} needs --web")

    def annotator_name(self) -> str:
        """Return the annotator: --annotator, else the name of the user account."""
        if self.annotator is not None:
            return self.annotator
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return ""


def answers_path(options: Mapping[str, Any]) -> Path:
    """Return the path of the answers file: -o, else beside the batch."""
    return Path(options.get("output") or next_to(str(options["input"]), "answers"))

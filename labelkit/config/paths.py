"""Where a run finds its task file and keeps what must survive it; needs no data library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelkit.config import task_file


def task_path(options: Mapping[str, Any]) -> Path | None:
    """Return the task file of a run: --task, else labelkit.toml if it is there, else None."""
    if options.get("no_task"):
        return None
    if options.get("task"):
        return Path(options["task"])
    default = Path(task_file.DEFAULT_NAME)
    return default if default.is_file() else None


def cache_dir(options: Mapping[str, Any], output: str) -> Path:
    """Return the folder for caches: beside the task file, else beside the output."""
    given = options.get("cache")
    if given:
        return Path(given)
    beside = task_path(options) or (Path(output) if output not in ("", "-") else None)
    return (beside.parent if beside else Path()) / ".labelkit"

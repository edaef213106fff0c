"""Paths of the task file and the cache folder; needs no data library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelkit.config import task_file

CACHE = ".labelkit"
ANSWERS = "llm.sqlite"  # in it
# Options of single commands that name files to write.
WRITTEN = ("batch", "again", "matrix", "lf_report", "errors", "csv", "plot")


def task_path(options: Mapping[str, Any]) -> Path | None:
    """Return the task file of a run: --task, else labelkit.toml if it exists, else None."""
    if options.get("no_task"):
        return None
    if options.get("task"):
        return Path(options["task"])
    default = Path(task_file.DEFAULT_NAME)
    return default if default.is_file() else None


def cache_dir(options: Mapping[str, Any], output: str) -> Path:
    """Return the cache folder: the first existing one of `cache_places`, else the first.

    So stored answers stay in use if a task file is created later.
    """
    folders = cache_places(options, output)
    with_answers = [folder for folder in folders if (folder / ANSWERS).is_file()]
    existing = [folder for folder in folders if folder.is_dir()]
    return [*with_answers, *existing, *folders][0]


def cache_places(options: Mapping[str, Any], output: str) -> list[Path]:
    """Return possible cache folders: --cache, else beside the task file and the output."""
    if options.get("cache"):
        return [Path(options["cache"])]
    beside = [task_path(options), Path(output) if output not in ("", "-") else None]
    return list(dict.fromkeys(p.parent / CACHE for p in beside if p is not None)) or [Path(CACHE)]

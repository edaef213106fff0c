"""A plan as a shell script or a Makefile that does the same."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from labelkit.pipeline.stages import Stage


def as_shell(stages: Sequence[Stage], folder: Path) -> str:
    """Return the plan as a POSIX shell script."""
    lines = ["#!/bin/sh", "set -eu", shlex.join(["mkdir", "-p", str(folder)])]
    return "\n".join([*lines, *(stage.line() for stage in stages)]) + "\n"


def as_make(stages: Sequence[Stage], folder: Path) -> str:
    """Return the plan as a Makefile; a file is made again when one that it is made from changed."""
    goals = " ".join(_escaped(stage.makes[0]) for stage in stages if stage is _last(stages, stage))
    blocks = [f".DELETE_ON_ERROR:\n\nall: {goals}\n.PHONY: all\n"]
    for stage in stages:
        needs = " ".join(_escaped(path) for path in stage.reads if path != stage.batch)
        recipe = stage.line().replace("$", "$$")
        made = _escaped(stage.makes[0])
        blocks.append(f"{made}: {needs} | {_escaped(folder)}\n\t{recipe}\n")
    blocks.append(f"{_escaped(folder)}:\n\t{shlex.join(['mkdir', '-p', str(folder)])}\n")
    return "\n".join(blocks)


def _last(stages: Sequence[Stage], stage: Stage) -> Stage | None:
    """Return the stage if nothing after it reads what it makes."""
    later = {path for other in stages if other is not stage for path in other.reads}
    return stage if stage.makes[0] not in later else None


def _escaped(path: Path) -> str:
    return str(path).replace("$", "$$").replace(" ", "\\ ").replace("#", "\\#").replace(":", "\\:")

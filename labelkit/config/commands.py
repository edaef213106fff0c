"""The commands by name: where each is defined, and what it does in one line."""

import importlib
from typing import Any

# name: (module:function, what it does in one line); nothing is imported before it is asked for.
COMMANDS: dict[str, tuple[str, str]] = {
    "weak-label": (
        "labelkit.weak.command:weak_label",
        "Label rows by labeling functions and rules.",
    ),
    "llm-label": ("labelkit.llm.command:llm_label", "Label rows by a large language model."),
    "query": ("labelkit.active.command:query", "Pick the rows that are worth a person's time."),
    "find-noise": ("labelkit.noise.command:find_noise", "Find the labels that are probably wrong."),
    "pipeline": ("labelkit.pipeline.command:pipeline", "Run all stages of a task, resuming."),
    "update": (
        "labelkit.update.command:update",
        "Label a new file as the last pipeline labelled the old one.",
    ),
    "plan": ("labelkit.plan.command:plan", "Tell what fits a data file, at what cost."),
    "annotate": ("labelkit.annotate.command:annotate", "Label rows by hand; every answer is kept."),
    "merge": ("labelkit.merge.command:merge", "Bring people's answers into the file."),
    "export": (
        "labelkit.interop.command:export",
        "Write rows for Label Studio, Prodigy and others.",
    ),
    "import": (
        "labelkit.interop.command:import_answers",
        "Read what people said in such a tool.",
    ),
    "decide": ("labelkit.decide.command:decide", "Choose one label a row from all sources."),
    "train": ("labelkit.models.command:train", "Train a model on the labels."),
    "predict": ("labelkit.models.command:predict", "Label a file by a trained model."),
    "evaluate": ("labelkit.models.command:evaluate", "Compare label columns with gold."),
    "simulate": ("labelkit.active.command:simulate", "Show what a strategy saves over random."),
    "report": ("labelkit.report.command:report", "Show all of it on one HTML page."),
    "init": ("labelkit.init.command:init", "Write a starter task file for a data file."),
    "doctor": ("labelkit.cli.doctor:doctor", "Show what works on this machine."),
    "cache": (
        "labelkit.cli.cache_command:cache",
        "Show or delete stored answers and embeddings.",
    ),
    "history": ("labelkit.cli.history_command:show_history", "Show how a file was made."),
}


def function_of(name: str) -> Any:
    """Return the function of a command; its module is imported only now."""
    module, function = COMMANDS[name][0].split(":")
    return getattr(importlib.import_module(module), function)

"""The commands by name: the module and function of each, and its one-line help."""

import importlib
from typing import Any

# name: (module:function, one-line help); a module is imported when its command runs.
COMMANDS: dict[str, tuple[str, str]] = {
    "weak-label": (
        "labelkit.weak.command:weak_label",
        "Label rows with labeling functions and rules.",
    ),
    "llm-label": ("labelkit.llm.command:llm_label", "Label rows with a large language model."),
    "query": ("labelkit.active.command:query", "Select the rows to label by hand next."),
    "find-noise": ("labelkit.noise.command:find_noise", "Find the labels that are probably wrong."),
    "pipeline": (
        "labelkit.pipeline.command:pipeline",
        "Run all stages of a task; continues after a stop.",
    ),
    "update": (
        "labelkit.update.command:update",
        "Label a new file with the last pipeline's stages and model.",
    ),
    "plan": (
        "labelkit.plan.command:plan",
        "Compare labelling plans for a data file, with their costs.",
    ),
    "annotate": (
        "labelkit.annotate.command:annotate",
        "Label rows by hand in the terminal or a browser.",
    ),
    "merge": ("labelkit.merge.command:merge", "Add people's answers to the file."),
    "export": (
        "labelkit.interop.command:export",
        "Write rows for Label Studio, Prodigy and others.",
    ),
    "import": (
        "labelkit.interop.command:import_answers",
        "Read answers from such a tool.",
    ),
    "decide": ("labelkit.decide.command:decide", "Choose one label per row from all sources."),
    "train": ("labelkit.models.command:train", "Train a model on the labels."),
    "predict": ("labelkit.models.command:predict", "Label a file with a trained model."),
    "evaluate": ("labelkit.models.command:evaluate", "Compare label columns with gold."),
    "simulate": ("labelkit.active.command:simulate", "Simulate query strategies on labelled data."),
    "report": (
        "labelkit.report.command:report",
        "Write an HTML report of the labels and their cost.",
    ),
    "init": ("labelkit.init.command:init", "Write a starter task file for a data file."),
    "doctor": ("labelkit.cli.doctor:doctor", "Show what works on this machine."),
    "cache": (
        "labelkit.cli.cache_command:cache",
        "Show or delete stored answers and embeddings.",
    ),
    "history": ("labelkit.cli.history_command:show_history", "Show the steps that made a file."),
}


def function_of(name: str) -> Any:
    """Import the module of a command and return its function."""
    module, function = COMMANDS[name][0].split(":")
    return getattr(importlib.import_module(module), function)

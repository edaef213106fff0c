"""The language models that a plan compares: what each costs for all rows, where its labels are."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labelkit.config import costs
from labelkit.errors import LabelkitError, UsageError, nearest
from labelkit.plan.in_process import figures_of, run_quietly

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Model(NamedTuple):
    """A language model; `name` is empty where only its labels are known, not which model it is.

    `dollars` and `tokens` (in, out) are for all rows, None where not known; `trouble` says why.
    Its labels are in the columns `prefix`_label and so on; without any, `prefix` is empty.
    """

    name: str
    price: str = ""  # IN,OUT as it was typed
    dollars: float | None = None
    tokens: tuple[int, int] | None = None
    trouble: str = ""
    prefix: str = ""

    def words(self, job: "Job") -> list[str]:
        """Return the options of a command that name it and its price, as far as they are typed."""
        in_task = job.task.table("llm-label").get("model") == self.name
        words = [] if not self.name or in_task else ["--model", self.name]
        return [*words, "--price", self.price] if self.price else words


def models_of(job: "Job", names: Sequence[str], prices: Sequence[str]) -> list[Model]:
    """Return the models named by --model, else by the task file, and those with labels in the data.

    Prices are matched by name (MODEL=IN,OUT) or by order. Raises UsageError for one too many.
    """
    in_task = job.task.table("llm-label").get("model")
    named = list(dict.fromkeys(names)) or ([str(in_task)] if in_task else [])
    known = _matched(named, prices)
    columns = _columns(job)
    if len(named) == 1 and len(columns) == 1 and not next(iter(columns.values())):
        return [Model(named[0], known.get(named[0], ""), prefix=next(iter(columns)))]
    found = []
    for name in named:
        prefix = next((p for p, model in columns.items() if _is_of(name, p, model)), "")
        columns.pop(prefix, None)
        found.append(Model(name, known.get(name, ""), prefix=prefix))
    return found + [Model(model, prefix=prefix) for prefix, model in columns.items()]


def prefix_of(name: str) -> str:
    """Return a prefix for the columns of a model beside those of another."""
    return "llm_" + re.sub(r"\W+", "_", name).strip("_").lower()


def _is_of(name: str, prefix: str, answered: str) -> bool:
    """Tell whether a model wrote the columns of a prefix, `answered` being the name in them.

    A provider may answer by a longer name, with a date; a local model answers by its file.
    """
    if prefix == prefix_of(name):
        return True
    is_local = name == "local" and answered.endswith(".gguf")
    is_dated = re.fullmatch(rf"{re.escape(name)}-\d[\d-]*", answered)
    return bool(answered) and (is_local or bool(is_dated) or name.endswith(answered))


def _matched(names: Sequence[str], prices: Sequence[str]) -> dict[str, str]:
    """Return the price of each model that has one."""
    known: dict[str, str] = {}
    in_order: list[str] = []
    for text in prices:
        name, equals, price = text.rpartition("=")
        costs.token_price(price)
        if not equals:
            in_order.append(price)
        elif name not in names:
            hint = nearest(name, names)
            raise UsageError(f"--price {text}: no --model is {name!r}{hint}")
        else:
            known[name] = price
    left = [name for name in names if name not in known]
    if len(in_order) > len(left):
        raise UsageError(
            f"--price {in_order[len(left)]}: there is no --model for it; name the model that it "
            "belongs to: --model NAME --price NAME=IN,OUT"
        )
    return known | dict(zip(left, in_order, strict=False))


def _columns(job: "Job") -> dict[str, str]:
    """Return the prefixes of the columns of language models, and each model's name, if known."""
    source, found = job.source, {}
    for column in source.every_column():
        prefix = column.removesuffix("_label")
        if prefix == column or not (
            prefix == "llm" or {f"{prefix}_model", f"{prefix}_error"} <= set(source.every_column())
        ):
            continue
        has_name = source.has(f"{prefix}_model")
        names = source.texts(f"{prefix}_model").tolist() if has_name else []
        found[prefix] = next((str(name) for name in names if name), "")
    return found


def priced(job: "Job", model: Model, classes: str, folder: Path) -> Model:
    """Return a model with what all rows would cost, by a dry run: no key is needed for it.

    `classes`, as --classes takes them, are those to ask for where none are declared.
    """
    if not model.name:
        return model._replace(trouble="which model it was is not known; --model NAME prices it")
    in_task = job.task.table("llm-label")
    has_price = bool(model.price) or (in_task.get("model") == model.name and "price" in in_task)
    free = costs.is_free(model.name)
    summary = folder / "llm.json"
    task = ["--task", str(job.task_path)] if job.task_path else ["--no-task"]
    args = ["llm-label", *map(str, _inputs(job)), "-o", str(folder / "llm.csv"), *task]
    args += ["--dry-run", "--overwrite", "--model", model.name]
    # Without a price a budget would be refused; the tokens are told at any price.
    args += [] if has_price and not model.price else ["--price", model.price or "0,0"]
    args += ["--classes", classes] if classes else []
    args += [part for text in job.options["text"] or [] for part in ("--text", text)]
    for option in ("delimiter", "encoding"):
        args += [f"--{option}", job.options[option]] if job.options[option] else []
    args += ["--summary", str(summary), "--quiet", "--cache", str(folder / "cache")]
    args += ["--where", "true", "--gold", ""]
    try:
        run_quietly(args, job)
    except LabelkitError as error:
        return model._replace(trouble=str(error))
    figures = figures_of(summary)
    tokens = (int(figures["tokens_in"]), int(figures["tokens_out"]))
    if free or has_price:
        return model._replace(dollars=float(figures["dollars"] or 0.0), tokens=tokens)
    return model._replace(
        tokens=tokens,
        trouble=f"its price is unknown: all rows take about {tokens[0]:,} tokens in and "
        f"{tokens[1]:,} out; give --price IN,OUT, dollars per million tokens, as the provider "
        "states them (0.15,0.60)",
    )


def _inputs(job: "Job") -> list[str]:
    given = job.options["input"]
    return list(map(str, given)) if isinstance(given, list | tuple) else [str(given)]


def classes_to_ask(job: "Job", known: str) -> str:
    """Return the classes for --classes: those typed, else, if none are declared, the known ones."""
    return str(job.options["classes"] or "") or ("" if job.classes else known)

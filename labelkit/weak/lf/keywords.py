"""Rules from the command line: `--keyword 'CLASS=word,other phrase'`."""

import csv
from collections.abc import Sequence
from typing import Any

from labelkit.errors import UsageError


def tables(given: Sequence[str]) -> list[dict[str, Any]]:
    """Return a rule for each `CLASS=word,other phrase`, as a table like those of the task file.

    The rules are called keyword_CLASS, further ones of the same class keyword_CLASS_2, …
    Raises UsageError for anything else.
    """
    found: list[dict[str, Any]] = []
    for text in given:
        label, equals, listed = text.partition("=")
        words = [word.strip() for word in next(csv.reader([listed], skipinitialspace=True), [])]
        if not equals or not label.strip() or not words or not all(words):
            raise UsageError(
                f"--keyword {text!r} is not CLASS=WORDS "
                "(write --keyword 'complaint=refund,never again')"
            )
        label = label.strip()
        number = 1 + sum(table["label"] == label for table in found)
        name = f"keyword_{label}" + (f"_{number}" if number > 1 else "")
        found.append({"name": name, "label": label, "any_of": words})
    return found

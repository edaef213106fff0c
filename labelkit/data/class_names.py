"""The classes as a user names them: `--classes a,b`."""

from labelkit.errors import UsageError


def split_classes(text: str | None) -> list[str] | None:
    """Return the classes of `--classes a,b`; raises UsageError when one is empty or doubled."""
    if text is None:
        return None
    import csv

    classes = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not all(classes) or len(set(classes)) < len(classes) or not classes:
        raise UsageError(f"--classes {text!r}: each class must be named once")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"--classes {text!r}: this is not UTF-8")
    return classes

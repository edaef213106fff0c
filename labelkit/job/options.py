"""What is known of a command before it runs, as plain data."""

from typing import NamedTuple


class Declared(NamedTuple):
    """What the app knows of a command beside its function."""

    name: str
    prefix: str
    annotates: bool
    tables: tuple[str, ...]
    instead_of_output: tuple[str, ...] = ()

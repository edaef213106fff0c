"""The declaration of a command as plain data."""

from typing import NamedTuple


class Declared(NamedTuple):
    """The properties of a command, besides its function."""

    name: str
    prefix: str
    annotates: bool
    tables: tuple[str, ...]
    instead_of_output: tuple[str, ...] = ()

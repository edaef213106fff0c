"""labelkit: label the rows of a file by code, a language model and people."""

from collections.abc import Callable
from typing import Any, TypeVar

__version__ = "0.1.0"
__all__ = ["__version__", "vectorized"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def vectorized(function: _Function) -> _Function:
    """Mark a labeling function that takes many rows at once.

    It gets a pandas DataFrame (an empty cell is "" in a text column and NaN in any other) and
    returns one label a row: a Series, an array or a list; None, NaN and -1 abstain. It is called
    once for each batch of rows, so a mean over the frame is a mean over the batch.
    """
    function.__labelkit_vectorized__ = True  # type: ignore[attr-defined]
    return function

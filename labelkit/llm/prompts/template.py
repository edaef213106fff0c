"""A prompt of the user's own: a text with `$column` where the row's cells go."""

import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from labelkit.errors import UsageError, listing, nearest
from labelkit.llm.prompts.chat import fence_inline
from labelkit.llm.prompts.completion import one_line


class _Placeholders(string.Template):
    braceidpattern = r"[^{}\n]+"  # ${film title}: names of columns may hold blanks


class Template:
    """A prompt with placeholders, cut in two.

    `preface` is what comes before the first line with a column: the same for every row, so that
    a provider's prompt cache hits. The rest is filled for each row. `columns` are the names that
    the rest holds.
    """

    def __init__(
        self,
        text: str,
        names: Sequence[str],
        about: Mapping[str, str],
        text_column: str = "",
        shown: str = "the template",
    ) -> None:
        """`names` are the columns that may stand in it, `about` what the task file says.

        `$text` stands for `text_column` where that is named. Raises UsageError, naming the line,
        for a placeholder that is no column.
        """
        self._about = {name: said for name, said in about.items() if name not in names}
        self._column = {name: name for name in names} | (
            {"text": text_column} if text_column else {}
        )
        lines = text.splitlines(keepends=True)
        found = [
            (number, name)
            for number, line in enumerate(lines, 1)
            for name in _identifiers(line, f"{shown}, line {number}")
        ]
        for number, name in found:
            if name not in self._column and name not in self._about:
                raise UsageError(
                    f"{shown}, line {number}: ${name} is no column"
                    f"{nearest(name, [*self._column, *self._about])} "
                    f"(columns: {listing(names, 20)}; from the task file: "
                    f"{listing(self._about)}); write $$ for a dollar sign"
                )
        self._used = [(number, name) for number, name in found if name in self._column]
        if not self._used:
            raise UsageError(
                f"{shown} shows no column: every row would be asked the same. Write $NAME where a "
                f"cell goes (columns: {listing(names, 20)})"
            )
        first = self._used[0][0] - 1
        self.columns = list(dict.fromkeys(self._column[name] for _, name in self._used))
        self.preface = _filled("".join(lines[:first]), self._about).strip()
        self._rest = "".join(lines[first:]).strip()

    def fill(self, cells: Mapping[str, str], local: bool) -> str:
        """Return the part for one row: each cell fenced, or on one line for a local model."""
        put: Callable[[str], str] = one_line if local else fence_inline
        mine = {name: put(cells[self._column[name]]) for _, name in self._used}
        return _filled(self._rest, self._about | mine)


def read(
    path: Path, names: Sequence[str], about: Mapping[str, str], text_column: str = ""
) -> Template:
    """Return the template in a file; UsageError where it cannot be read or holds no column."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--template {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--template {path} is not UTF-8 text") from None
    return Template(text, names, about, text_column, f"--template {path}")


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _Placeholders(text).substitute(values)


def _identifiers(line: str, where: str) -> list[str]:
    template = _Placeholders(line)
    if not template.is_valid():
        raise UsageError(
            f"{where}: a $ that begins no placeholder ($name or ${{film title}}); "
            "write $$ for a dollar sign"
        )
    return template.get_identifiers()

"""An export of another tool, read as JSON, JSON lines or a table; and the row keys in it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit import console
from labelkit.config.label_text import ClassReader
from labelkit.data.answers_journal import refuse_unwritten
from labelkit.errors import LabelkitError, listing, nearest
from labelkit.interop.task_types import ORIGIN, ROW_CHECK, ROW_ID, ROW_KEY, ImportedAnswer
from labelkit.io.content import first_bytes, refuse_other_content
from labelkit.io.encodings import conversion, guess_encoding, json_of_whole_characters
from labelkit.io.files import ending_of, open_for_reading
from labelkit.io.streams import spooled

Objects = Sequence[tuple[str, Mapping[str, Any]]]


class ToolFile:
    """The file with the options for reading it.

    A reader may set `classes` where the file declares them; `declared` are the user's classes.
    """

    def __init__(
        self,
        name: str,
        *,
        key: str | None = None,
        label_field: str | None = None,
        delimiter: str | None = None,
        encoding: str = "utf-8",
        declared: Sequence[str] = (),
    ) -> None:
        self.name = "stdin" if name == "-" else name
        self.path = spooled(Path(name))
        refuse_unwritten(self.path)
        if not self.path.exists():
            open_for_reading(self.path)  # raises the error with the most similar file name
        self.ending = ending_of(name).lower().removesuffix(".gz").removesuffix(".zst")
        self.label_field = label_field
        self.classes: list[str] | None = None
        self._declared = ClassReader(declared)
        self._key, self._delimiter, self._encoding = key, delimiter, encoding
        self._remarks: list[str] = []

    def error(self, why: str) -> LabelkitError:
        """Return an error that names the file."""
        return LabelkitError(f"{self.name}: {why}")

    def declares(self, name: str) -> bool:
        """Return whether the user declared a class of this name."""
        return self._declared.class_of(name) is not None

    def note_once(self, text: str) -> None:
        """Print a note about the file, once."""
        if text not in self._remarks:
            self._remarks.append(text)
            console.note(f"{self.name}: {text}")

    def check_answer_fields(
        self, names: str, have_field: Sequence[bool], objects_without: Objects
    ) -> None:
        """Raise LabelkitError where no object has a field with answers; warn where some have none.

        `names` are the fields that the tool uses, `have_field` has a bool for each object,
        `objects_without` are the objects without such a field, with their locations.
        """
        if not objects_without:
            return
        location, fields = objects_without[0]
        shown = f"fields: {listing(map(console.clean, fields))}"
        if not any(have_field):
            raise self.error(
                f"no object has a field with answers ({names}); check that the file is an export "
                f"of the tool named by --from ({location} has the {shown})"
            )
        console.warn(
            f"{self.name}: {len(objects_without):,} of "
            f"{console.count(len(have_field), 'objects', 'have')} no field with answers "
            f"({names}) and count as unanswered; the first: {location} ({shown})"
        )

    # -- reading ---------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the file's text; raises LabelkitError if it is empty or not UTF-8."""
        refuse_other_content(self.path, first_bytes(self.path), "json")
        with open_for_reading(self.path) as stream:
            data = stream.read()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            how = conversion(self.path, guess_encoding(data))
            raise self.error(f"line {line} is not UTF-8; convert it, for example: {how}") from None
        if not text.strip():
            raise self.error("the file is empty")
        return text

    def json(self) -> Any:
        """Return the file's JSON."""
        try:
            return json.loads(json_of_whole_characters(self.text()))
        except RecursionError:
            raise self.error("the JSON is nested too deeply") from None
        except json.JSONDecodeError as error:
            raise self.error(
                f"line {error.lineno}, column {error.colno} is not JSON ({error.msg}); check that "
                f"the file is complete"
            ) from None

    def objects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each object of a JSON list or of JSON lines, after its location in the file."""
        text = self.text()
        if text.lstrip().startswith("["):
            for number, value in enumerate(self.json(), 1):
                yield f"object {number}", self._as_object(value, f"object {number}")
            return
        # Only a line feed ends a line; str.splitlines also splits at U+2028, which texts may have.
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                value = json.loads(json_of_whole_characters(line))
            except RecursionError:
                raise self.error(f"line {number}: the JSON is nested too deeply") from None
            except json.JSONDecodeError as error:
                raise self.error(f"line {number} is not JSON ({error.msg})") from None
            yield f"line {number}", self._as_object(value, f"line {number}")

    def _as_object(self, value: Any, location: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"{location} is not a JSON object")
        return value

    def rows(self, required: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the number and cells of each table row, in any dialect that spreadsheets save."""
        from labelkit.data.answers_file import reopen_with_spreadsheet_dialect
        from labelkit.io.table import Table

        table = Table([self.path], delimiter=self._delimiter, encoding=self._encoding)
        table.name = self.name
        table = reopen_with_spreadsheet_dialect(table, tuple(required))
        table.require(required, "the answers")
        names, number = table.every_column(), 0
        for batch in table.batches(names):
            for row in batch.to_pylist():
                number += 1
                yield number, row

    # -- keys and values -------------------------------------------------------------------------

    def blank_answer(
        self, fields: Mapping[str, Any], location: str, id_is: str = ""
    ) -> ImportedAnswer:
        """Return an answer without a label that has the key of the task's row.

        `id_is` describes what the tool writes into a field `id`, if that is not the user's key.
        """
        exported_key_name = str(fields.get(ROW_KEY) or "")
        if ROW_ID in fields and self._key in (None, exported_key_name, ROW_ID):
            key, key_name = fields[ROW_ID], exported_key_name or self._key or "id"
        elif self._key is not None and self._key in fields and not (self._key == "id" and id_is):
            key, key_name = fields[self._key], self._key
        elif self._key is None and "id" in fields and not id_is:
            key, key_name = fields["id"], "id"
        else:
            raise self.error(f"{location} {self._no_key(fields, exported_key_name, id_is)}")
        if key in (None, ""):
            raise self.error(
                f"{location} has an empty key ({ROW_ID if ROW_ID in fields else key_name})"
            )
        check, origin = fields.get(ROW_CHECK), fields.get(ORIGIN)
        return ImportedAnswer(location, str(key), key_name, str(check or ""), str(origin or ""))

    def _no_key(self, fields: Mapping[str, Any], exported_key_name: str, id_is: str) -> str:
        if exported_key_name and self._key is not None:
            return f"has the key column {exported_key_name!r}, but --id is {self._key!r}"
        id_note = f"; its field 'id' is {id_is}" if id_is and "id" in fields else ""
        field = self._key or ROW_ID
        return (
            f"has no field {field!r} with the row's key{nearest(field, fields)}{id_note}; tasks "
            f"written by labelkit export have one, for others pass --id FIELD "
            f"(fields: {listing(map(console.clean, fields))})"
        )

    def seconds(self, value: Any, location: str) -> float | None:
        """Return a duration in seconds, None for ''; raises LabelkitError for other values."""
        if value in (None, ""):
            return None
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            raise self.error(f"{location}: {value!r} is not a number of seconds")
        return seconds

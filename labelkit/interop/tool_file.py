"""A file that a tool gave back: its bytes as JSON, lines or a table; the keys in it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit import console
from labelkit.config.label_text import ClassReader
from labelkit.data.answers_journal import refuse_unwritten
from labelkit.errors import LabelkitError, listing, nearest
from labelkit.interop.task_types import ORIGIN, ROW_CHECK, ROW_ID, ROW_KEY, Said
from labelkit.io.content import first_bytes, refuse_other_content
from labelkit.io.encodings import conversion, guessed, json_of_whole_characters
from labelkit.io.files import ending_of, open_for_reading
from labelkit.io.streams import spooled

Objects = Sequence[tuple[str, Mapping[str, Any]]]


class Given:
    """The file, and what the user says of it.

    A reader may set `classes` where the file declares them; `declared` are those of the user.
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
            open_for_reading(self.path)  # which tells the nearest name
        self.ending = ending_of(name).lower().removesuffix(".gz").removesuffix(".zst")
        self.label_field = label_field
        self.classes: list[str] | None = None
        self._declared = ClassReader(declared)
        self._key, self._delimiter, self._encoding = key, delimiter, encoding
        self._remarks: list[str] = []

    def wrong(self, why: str) -> LabelkitError:
        """Return the error for a file that is not what it should be."""
        return LabelkitError(f"{self.name}: {why}")

    def declares(self, name: str) -> bool:
        """Return whether the user's classes have one of this name."""
        return self._declared.class_of(name) is not None

    def remark(self, text: str) -> None:
        """Tell the user something of the file, once."""
        if text not in self._remarks:
            self._remarks.append(text)
            console.note(f"{self.name}: {text}")

    def check_answer_fields(self, names: str, having: Sequence[bool], without: Objects) -> None:
        """Raise LabelkitError where no object has a field with answers; warn where some have none.

        `names` are the fields that the tool uses, `having` tells of each object whether it has
        one, `without` are the objects that have none, with their places.
        """
        if not without:
            return
        place, fields = without[0]
        shown = f"fields: {listing(map(console.clean, fields))}"
        if not any(having):
            raise self.wrong(
                f"no object has a field with answers ({names}); is it the tool's export, and "
                f"--from right? ({place} has the {shown})"
            )
        console.warn(
            f"{self.name}: {len(without):,} of {console.count(len(having), 'objects', 'have')} "
            "no field with answers "
            f"({names}) and count as not answered; the first: {place} ({shown})"
        )

    # -- as what it is read ----------------------------------------------------------------------

    def text(self) -> str:
        """Return the text of the file; raises LabelkitError where it is not UTF-8, or is empty."""
        refuse_other_content(self.path, first_bytes(self.path), "json")
        with open_for_reading(self.path) as stream:
            data = stream.read()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            how = conversion(self.path, guessed(data))
            raise self.wrong(f"line {line} is not UTF-8; convert it, for example: {how}") from None
        if not text.strip():
            raise self.wrong("it is empty")
        return text

    def json(self) -> Any:
        """Return the file's JSON."""
        try:
            return json.loads(json_of_whole_characters(self.text()))
        except RecursionError:
            raise self.wrong("it holds values in values, too deep to read") from None
        except json.JSONDecodeError as error:
            raise self.wrong(
                f"line {error.lineno}, column {error.colno} is not JSON ({error.msg}); was the "
                f"file cut off?"
            ) from None

    def objects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the objects of a JSON list or of JSON lines, and the place of each."""
        text = self.text()
        if text.lstrip().startswith("["):
            for number, found in enumerate(self.json(), 1):
                yield f"object {number}", self._as_object(found, f"object {number}")
            return
        # Only a line feed ends a line; Python's splitlines knows others, which texts may hold.
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                found = json.loads(json_of_whole_characters(line))
            except RecursionError:
                raise self.wrong(f"line {number} is too deep to read") from None
            except json.JSONDecodeError as error:
                raise self.wrong(f"line {number} is not JSON ({error.msg})") from None
            yield f"line {number}", self._as_object(found, f"line {number}")

    def _as_object(self, found: Any, place: str) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise self.wrong(f"{place} is no JSON object")
        return found

    def rows(self, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the rows of a table by column, however a spreadsheet has saved it."""
        from labelkit.data.answers_file import as_people_write
        from labelkit.io.table import Table

        table = Table([self.path], delimiter=self._delimiter, encoding=self._encoding)
        table.name = self.name
        table = as_people_write(table, tuple(needed))
        table.require(needed, "the answers")
        names, number = table.every_column(), 0
        for batch in table.batches(names):
            for row in batch.to_pylist():
                number += 1
                yield number, row

    # -- what stands in it -----------------------------------------------------------------------

    def said(self, fields: Mapping[str, Any], place: str, id_is: str = "") -> Said:
        """Return who a task is, by what it was sent out with; nobody has answered yet.

        `id_is` tells what the tool writes into a field `id`, if that is not the user's own.
        """
        known = str(fields.get(ROW_KEY) or "")
        if ROW_ID in fields and self._key in (None, known, ROW_ID):
            key, key_name = fields[ROW_ID], known or self._key or "id"
        elif self._key is not None and self._key in fields and not (self._key == "id" and id_is):
            key, key_name = fields[self._key], self._key
        elif self._key is None and "id" in fields and not id_is:
            key, key_name = fields["id"], "id"
        else:
            raise self.wrong(f"{place} {self._no_key(fields, known, id_is)}")
        if key in (None, ""):
            raise self.wrong(
                f"{place} has an empty key ({ROW_ID if ROW_ID in fields else key_name})"
            )
        check, origin = fields.get(ROW_CHECK), fields.get(ORIGIN)
        return Said(place, str(key), key_name, str(check or ""), str(origin or ""))

    def _no_key(self, fields: Mapping[str, Any], known: str, id_is: str) -> str:
        if known and self._key is not None:
            return f"is keyed by {known!r}, not by {self._key!r} (--id)"
        told = f"; its field 'id' is {id_is}" if id_is and "id" in fields else ""
        wanted = self._key or ROW_ID
        return (
            f"has no field {wanted!r} that tells its row{nearest(wanted, fields)}{told}; tasks "
            f"that labelkit export wrote have one, for others name the key with --id FIELD "
            f"(fields: {listing(map(console.clean, fields))})"
        )

    def seconds(self, value: Any, place: str) -> float | None:
        """Return a time in seconds; raises LabelkitError for what is none."""
        if value in (None, ""):
            return None
        try:
            found = float(value)
        except (TypeError, ValueError):
            found = -1.0
        if not 0 <= found < float("inf"):
            raise self.wrong(f"{place}: {value!r} is no number of seconds")
        return found

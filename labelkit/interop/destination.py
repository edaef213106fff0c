"""Where an export goes: the file, files beside it, or a folder; each whole or not at all."""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from labelkit.errors import UsageError
from labelkit.io import history
from labelkit.io.files import ending_of, need_writable, whole
from labelkit.io.output_checks import refuse_foreign


def _mode_of(folder: Path) -> int:
    """Return the mode of a folder that is replaced, else that of a new one."""
    if folder.is_dir():
        return stat.S_IMODE(folder.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o777 & ~mask


class Place:
    """The output of an export, `-` for stdout."""

    def __init__(self, output: str, inputs: list[Path]) -> None:
        self.name = output
        self.written: list[Path] = []
        self._inputs = inputs
        if output == "-":
            return
        path = Path(output)
        if not path.is_dir():
            need_writable(path)
        history.refuse_foreign(path)
        self._not_the_input(path)

    def _not_the_input(self, path: Path) -> None:
        if any(path.resolve() == other.resolve() for other in self._inputs):
            raise UsageError(f"the output {path} is the input; give another name")

    @property
    def ending(self) -> str:
        """The end of the output's name: `.json`, `.csv.gz`."""
        return ending_of(self.name).lower()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Yield the stream of the output itself."""
        with whole(self.name) as stream:
            yield stream
        self.written.insert(0, Path(self.name))

    def write_list(self, records: Iterable[object]) -> None:
        """Write the output as one JSON list, a record a line."""
        with self.open() as stream:
            before = "["
            for record in records:
                text = json.dumps(record, ensure_ascii=False, allow_nan=False)
                stream.write(f"{before}\n{text}".encode())
                before = ","
            stream.write(b"\n]\n" if before == "," else b"[]\n")

    def beside_name(self, ending: str) -> Path:
        """Return the name of a file beside the output: `tasks.json` gives `tasks.config.xml`."""
        path = Path(self.name)
        return path.with_name(path.name.removesuffix(ending_of(path)) + ending)

    @contextmanager
    def beside(self, ending: str) -> Iterator[BinaryIO]:
        """Yield the stream of a file beside the output.

        Raises UsageError for stdout, LabelkitError where a file of the user stands there.
        """
        if self.name == "-":
            raise UsageError("another file is written beside this one: give -o FILE, not -o -")
        path = self.beside_name(ending)
        self._not_the_input(path)
        refuse_foreign(path, ("export",), next(iter(self._inputs), None))
        with whole(path) as stream:
            yield stream
        self.written.append(path)

    @contextmanager
    def folder(self, ours: str) -> Iterator[Path]:
        """Yield a new folder that becomes the output when the block ends well.

        A folder that stands there is replaced if it has the file `ours`, which such an output has.
        Raises UsageError for stdout, a file, and a folder of something else.
        """
        target = Path(self.name)
        if self.name == "-" or target.is_file():
            raise UsageError(f"this export is a folder; give another name than -o {self.name}")
        if target.is_dir() and any(target.iterdir()) and not (target / ours).is_file():
            raise UsageError(
                f"{target} is a folder with other things in it (it has no {ours}); give -o the "
                f"name of a new folder"
            )
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.absolute().parent))
        try:
            made.chmod(_mode_of(target))
            yield made
            self._swap(made, target)
            self.written.append(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def _swap(self, made: Path, target: Path) -> None:
        # A rename replaces empty folders only: what stood there steps aside, then goes.
        old = made.with_name(f"{made.name}.old")
        if target.is_dir():
            os.replace(target, old)
        os.replace(made, target)
        shutil.rmtree(old, ignore_errors=True)

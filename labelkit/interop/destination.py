"""The output of an export: a file, files beside it, or a folder; each is written atomically."""

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
    """Return the mode of an existing folder, else the default mode of a new one."""
    if folder.is_dir():
        return stat.S_IMODE(folder.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o777 & ~mask


class Destination:
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
            raise UsageError(f"the output {path} is the input; choose another name")

    @property
    def ending(self) -> str:
        """The ending of the output's name, such as `.json` or `.csv.gz`."""
        return ending_of(self.name).lower()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Yield a stream that writes the output."""
        with whole(self.name) as stream:
            yield stream
        self.written.insert(0, Path(self.name))

    def write_list(self, records: Iterable[object]) -> None:
        """Write the output as one JSON list with one record per line."""
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
        """Yield a stream that writes a file beside the output.

        Raises UsageError for stdout, LabelkitError if it would replace a file of the user.
        """
        if self.name == "-":
            raise UsageError("this export writes two files; pass -o FILE instead of -o -")
        path = self.beside_name(ending)
        self._not_the_input(path)
        refuse_foreign(path, ("export",), next(iter(self._inputs), None))
        with whole(path) as stream:
            yield stream
        self.written.append(path)

    @contextmanager
    def folder(self, ours: str) -> Iterator[Path]:
        """Yield a new folder that becomes the output when the block ends without an error.

        An existing folder is replaced if it contains the file `ours`, as such outputs do.
        Raises UsageError for stdout, a file, and any other folder.
        """
        target = Path(self.name)
        if self.name == "-" or target.is_file():
            raise UsageError(
                f"this export writes a folder, which -o {self.name} is not; choose another name"
            )
        if target.is_dir() and any(target.iterdir()) and not (target / ours).is_file():
            raise UsageError(
                f"the folder {target} contains other files (and no {ours}); pass the name of a "
                f"new folder to -o"
            )
        new_folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.absolute().parent))
        try:
            new_folder.chmod(_mode_of(target))
            yield new_folder
            self._swap(new_folder, target)
            self.written.append(target)
        finally:
            shutil.rmtree(new_folder, ignore_errors=True)

    def _swap(self, new_folder: Path, target: Path) -> None:
        # os.replace replaces empty folders only, so the existing one is renamed, then removed.
        old = new_folder.with_name(f"{new_folder.name}.old")
        if target.is_dir():
            os.replace(target, old)
        os.replace(new_folder, target)
        shutil.rmtree(old, ignore_errors=True)

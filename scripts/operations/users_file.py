"""The users of a local store, in a file that its NGINX reads again when it changes."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.errors import ChangedMeanwhileError, OperationError


class FileUsers:
    """Replaces the file as a whole, so that no reader ever sees a part of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = ""

    def read(self) -> str:
        """The file's text; raises OperationError where there is none."""
        try:
            self._seen = self._file.read_text("utf-8")
        except FileNotFoundError:
            raise OperationError(
                f"There is no {self._file}", "", "`orthanc-aws local up` makes a store, and the file."
            ) from None
        return self._seen

    def write(self, text: str) -> None:
        """Replaces what `read` returned; the new file has the permissions of the old one."""
        with _locked(self._file.parent):
            if self._file.read_text("utf-8") != self._seen:
                raise ChangedMeanwhileError("The users")
            _replace(self._file, text)


def _replace(file: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as made:
        new = Path(made.name)
        try:
            made.write(text)
            made.flush()
            os.fsync(made.fileno())
            new.chmod(file.stat().st_mode & 0o777)
            new.replace(file)
        except BaseException:
            new.unlink()
            raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds a lock on a folder: of two commands, one sees what the other has written."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

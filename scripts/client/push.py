"""Sends DICOM files to a store, as they are on disk."""

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import requests
from pydicom.uid import MediaStorageDirectoryStorage

from scripts.client.access import TIMEOUT, Access, unreachable
from scripts.errors import OperationError

_PREAMBLE, _MAGIC = 128, b"DICM"
# More than preamble and file meta information take.
_START = 2048
_CHUNK = 1024 * 1024
# One request holds files until either is reached: enough to spare round trips, little enough to repeat.
_FILES_PER_REQUEST = 20
_BYTES_PER_REQUEST = 32 * 1024 * 1024
_UPLOADS_AT_ONCE = 4


@dataclass
class Pushed:
    """What became of the files: how many were stored, which are no DICOM files, which the store refused and why."""

    stored: int = 0
    skipped: list[Path] = field(default_factory=list)
    refused: dict[Path, str] = field(default_factory=dict)


def push(folder: Path, access: Access) -> Pushed:
    """Sends every DICOM file below a folder; raises OperationError where there is none, or the store lets nobody in."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    result = Pushed(skipped=[file for file in files if not is_object(file)])
    batches = list(_batches([file for file in files if file not in set(result.skipped)]))
    if not batches:
        raise OperationError(f"There is no DICOM file below {folder}")
    access.ensure_answers()
    session = access.session()
    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        for batch, reason in zip(
            batches, pool.map(lambda b: _send(session, access.url, b), batches), strict=True
        ):
            if not reason:
                result.stored += len(batch)
            elif len(batch) == 1:
                result.refused[batch[0]] = reason
            else:
                _one_by_one(session, access.url, batch, result)
    return result


def is_object(file: Path) -> bool:
    """Whether a file is an object that a store takes: of DICOM Part 10, and not the directory of a medium."""
    with file.open("rb") as stream:
        start = stream.read(_START)
    return (
        start[_PREAMBLE : _PREAMBLE + len(_MAGIC)] == _MAGIC
        and MediaStorageDirectoryStorage.encode() not in start
    )


def _batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for file in files:
        if batch and (len(batch) == _FILES_PER_REQUEST or size + file.stat().st_size > _BYTES_PER_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.stat().st_size
    if batch:
        yield batch


def _one_by_one(session: requests.Session, url: str, batch: Sequence[Path], result: Pushed) -> None:
    """Finds out which file of a refused request is at fault; the others are stored, some of them again."""
    for file in batch:
        reason = _send(session, url, [file])
        if reason:
            result.refused[file] = reason
        else:
            result.stored += 1


def _send(session: requests.Session, url: str, files: Sequence[Path]) -> str:
    """Stores files in one request; returns why the store refused, or nothing."""
    boundary = uuid.uuid4().hex
    try:
        response = session.post(
            f"{url}/studies",
            data=_Multipart(files, boundary),
            headers={
                "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
                "Accept": "application/dicom+json",
            },
            timeout=TIMEOUT,
        )
    except requests.RequestException as error:
        raise unreachable(url, error) from error
    if response.status_code in (401, 403):
        raise OperationError(f"{url} lets this user store nothing", f"HTTP status {response.status_code}")
    return "" if response.status_code == 200 else f"HTTP status {response.status_code}"


class _Multipart:
    """The body of a STOW-RS request, read from disk as it is sent; it can be read again when a request is repeated."""

    def __init__(self, files: Sequence[Path], boundary: str) -> None:
        self._files = files
        self._boundary = boundary.encode()

    def __iter__(self) -> Iterator[bytes]:
        for file in self._files:
            yield b"--" + self._boundary + b"\r\nContent-Type: application/dicom\r\n\r\n"
            with file.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
            yield b"\r\n"
        yield b"--" + self._boundary + b"--\r\n"

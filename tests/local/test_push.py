"""How files are put into requests, and what becomes of a request that is refused."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests

from scripts.client.access import Access
from scripts.client.push import is_object, push
from scripts.errors import OperationError

MEBIBYTE = 1024 * 1024
BAD = b"bad"


@dataclass
class Session:
    """Takes requests, and refuses those with a bad file in them."""

    refusal: int = 400
    taken: list[list[bytes]] = field(default_factory=list)

    def post(self, url: str, data: Iterable[bytes], headers: dict[str, str], **_: Any) -> requests.Response:
        boundary = headers["Content-Type"].rpartition("boundary=")[2].encode()
        body = b"".join(data)
        assert body == b"".join(data), "a request that is repeated must send the same again"
        parts = body.split(b"--" + boundary)
        assert (parts[0], parts[-1]) == (b"", b"--\r\n")
        files = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:-1]]
        self.taken.append(files)
        answer = requests.Response()
        answer.status_code = self.refusal if any(file.endswith(BAD) for file in files) else 200
        return answer


@dataclass(frozen=True)
class Stub(Access):
    """Access to a session of ours."""

    taker: Session = field(default_factory=Session)

    def ensure_answers(self) -> None:
        pass

    def session(self) -> Session:  # type: ignore[override]
        return self.taker


@pytest.fixture
def access() -> Stub:
    return Stub("https://store.example.org/dicom-web", "alice", "")


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[Path]]:
    """Makes DICOM files, each of a size in bytes and with an end of its own."""

    def make(count: int, size: int = 200, end: bytes = b"") -> list[Path]:
        start = len(list(tmp_path.iterdir()))
        made = [tmp_path / f"{number:03}" for number in range(start, start + count)]
        for file in made:
            head = bytes(128) + b"DICM" + file.name.encode()
            file.write_bytes(head + bytes(size - len(head) - len(end)) + end)
        return made

    return make


def test_small_files_share_requests_and_arrive_as_they_are(
    access: Stub, files: Callable[..., list[Path]], tmp_path: Path
) -> None:
    made = files(45)
    assert push(tmp_path, access).stored == 45
    assert sorted(map(len, access.taker.taken)) == [5, 20, 20]
    sent = [file for request in access.taker.taken for file in request]
    assert sorted(sent) == [file.read_bytes() for file in made]


def test_large_files_do_not_share_more_than_is_little_to_repeat(
    access: Stub, files: Callable[..., list[Path]], tmp_path: Path
) -> None:
    files(3, 12 * MEBIBYTE)
    files(1, 33 * MEBIBYTE)
    assert push(tmp_path, access).stored == 4
    assert sorted(map(len, access.taker.taken)) == [1, 1, 2]


def test_the_file_at_fault_is_found_and_the_others_are_stored(
    access: Stub, files: Callable[..., list[Path]], tmp_path: Path
) -> None:
    files(3)
    (bad,) = files(1, end=BAD)
    files(21)
    pushed = push(tmp_path, access)
    assert pushed.refused == {bad: "HTTP status 400"}
    assert pushed.stored == 24
    assert sorted(map(len, access.taker.taken)) == [1] * 20 + [5, 20]


def test_what_is_no_dicom_file_is_not_sent(
    access: Stub, files: Callable[..., list[Path]], tmp_path: Path
) -> None:
    files(1)
    strangers = [tmp_path / "empty", tmp_path / "notes.txt"]
    strangers[0].touch()
    strangers[1].write_text("no DICM" * 100)
    pushed = push(tmp_path, access)
    assert (pushed.stored, pushed.skipped) == (1, strangers)


@pytest.mark.parametrize("status", [401, 403])
def test_somebody_who_may_not_store_is_told_so_once(
    access: Stub, files: Callable[..., list[Path]], tmp_path: Path, status: int
) -> None:
    files(5, end=BAD)
    access.taker.refusal = status
    with pytest.raises(OperationError, match=f"lets this user store nothing: HTTP status {status}"):
        push(tmp_path, access)
    assert len(access.taker.taken) == 1


def test_the_directory_of_a_medium_is_passed_over() -> None:
    folder = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"
    assert not is_object(folder / "DICOMDIR")
    assert is_object(folder / "98892003" / "MR1" / "15820")

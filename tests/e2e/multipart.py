"""Bodies of several parts, as STOW-RS takes and WADO-RS gives them (RFC 2387)."""

import re
import uuid
from collections.abc import Iterable, Iterator

import requests

DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'
OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


def upload(
    session: requests.Session,
    root: str,
    files: Iterable[bytes],
    chunked: bool = False,
    study: str = "",
    timeout: float = 60,
) -> requests.Response:
    """Stores files in one request, with a body of known length or in chunks."""
    boundary = uuid.uuid4().hex
    pieces = list(body(files, boundary))
    return session.post(
        f"{root}/studies{study and '/' + study}",
        data=iter(pieces) if chunked else b"".join(pieces),
        headers={"Content-Type": content_type(boundary), "Accept": "application/dicom+json"},
        timeout=timeout,
    )


def content_type(boundary: str) -> str:
    """The content type of an upload."""
    return f'multipart/related; type="application/dicom"; boundary={boundary}'


def body(files: Iterable[bytes], boundary: str) -> Iterator[bytes]:
    """The pieces of an upload's body."""
    for file in files:
        yield f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        yield file
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def parts(response: requests.Response) -> list[bytes]:
    """What the parts of an answer hold; the answer must be one of several parts."""
    assert response.status_code == 200, response.text[:500]
    found = re.search(r'boundary="?([^";]+)', response.headers["Content-Type"])
    assert found, response.headers["Content-Type"]
    delimiter = b"\r\n--" + found[1].encode()
    pieces = (b"\r\n" + response.content).split(delimiter)
    assert pieces[-1].startswith(b"--"), "the answer is cut off"
    return [piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:-1]]

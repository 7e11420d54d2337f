import asyncio
import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx.access.identify import Basic, Identity, Outcome
from nginx.access.passwords import hash_password
from nginx.access.server import LARGEST_REQUEST, answer, serve
from nginx.access.users import LONGEST_AUDITED_NAME, Role, User

USERS = {"alice": User(Role.READER, hash_password("a"))}
CREDENTIALS = "Basic " + base64.b64encode(b"alice:a").decode()


def request(**headers: str) -> bytes:
    lines = [
        "GET / HTTP/1.1",
        "Host: access",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def ask(socket: Path, *pieces: bytes, answers: int = 1) -> list[str]:
    """The answers to requests of one connection, which come in these pieces."""

    async def run() -> list[str]:
        server = await serve(Basic(lambda: USERS), socket)
        reader, writer = await asyncio.open_unix_connection(str(socket))
        found = []
        for number, piece in enumerate(pieces):
            writer.write(piece)
            await asyncio.sleep(0.01)
            if number >= len(pieces) - answers:
                found.append((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode())
        writer.close()
        server.close()
        return found

    return asyncio.run(run())


def test_a_connection_answers_one_request_after_the_other(tmp_path: Path) -> None:
    good = request(Authorization=CREDENTIALS, X_Area="dicom-web", X_Method="GET")
    post = request(authorization=CREDENTIALS, X_Area="dicom-web", X_Method="POST")
    answers = ask(tmp_path / "s", good, good, post, request(X_Area="dicom-web", X_Method="GET"), answers=4)
    assert [text.split(" ")[1] for text in answers] == ["200", "200", "403", "401"]
    assert "X-User: alice\r\nX-Role: reader\r\n" in answers[1]
    assert "X-User" not in answers[3]


def test_a_request_may_come_in_pieces(tmp_path: Path) -> None:
    whole = request(Authorization=CREDENTIALS, X_Area="viewer", X_Method="GET")
    assert ask(tmp_path / "s", whole[:20], whole[20:-2], whole[-2:])[0].startswith("HTTP/1.1 200 ")


def test_a_request_without_end_closes_the_connection(tmp_path: Path) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        ask(tmp_path / "s", b"x" * (LARGEST_REQUEST + 1))


def test_only_this_user_reaches_the_socket(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "private").mkdir(mode=0o700)
        socket = tmp_path / "private" / "s"
        socket.touch()  # One that a container which was killed left behind.
        (await serve(Basic(lambda: USERS), socket)).close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("identity", "area", "status"),
    [
        (Identity(Outcome.KNOWN, "a", Role.ADMIN), "orthanc", "200"),
        (Identity(Outcome.KNOWN, "a", Role.WRITER), "orthanc", "403"),
        (Identity(Outcome.UNKNOWN, "a"), "dicom-web", "401"),
        (Identity(Outcome.UNKNOWN, "a"), "nowhere", "401"),
        (Identity(Outcome.NO_ROLE, "a"), "dicom-web", "403"),
        (Identity(Outcome.NO_ROLE, "a"), "nowhere", "403"),
        (Identity(Outcome.TOO_MANY, "a", wait_seconds=7), "dicom-web", "403"),
    ],
)
def test_an_identity_has_its_status_and_its_name(identity: Identity, area: str, status: str) -> None:
    text = answer(identity, area, "GET").decode()
    assert text.startswith(f"HTTP/1.1 {status} ")
    assert "\r\nX-User: a\r\n" in text
    assert ("X-Retry-After: 7" in text) is (identity.outcome is Outcome.TOO_MANY)


@given(st.text())
def test_no_name_adds_a_header_or_a_line(name: str) -> None:
    lines = answer(Identity(Outcome.UNKNOWN, name), "dicom-web", "GET").split(b"\r\n")
    assert len(lines) <= 5
    assert all(len(line) <= len("X-User: ") + LONGEST_AUDITED_NAME for line in lines)
    assert not any(byte < 32 or byte > 126 for line in lines for byte in line)

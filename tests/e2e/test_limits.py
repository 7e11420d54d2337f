"""Requests that are too large or too slow are ended, and cost the store nothing."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from nginx.configuration import HERE
from tests.e2e import echo as echoes
from tests.e2e import raw
from tests.e2e.echo import LARGEST_UPLOAD, PATIENCE_SECONDS, Echo
from tests.e2e.multipart import content_type
from tests.e2e.running import Running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-shared"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]


def upload(store: Running, *lines: str) -> bytes:
    head = [
        "POST /dicom-web/studies HTTP/1.1",
        "Host: localhost",
        raw.authorization(store),
        f"Content-Type: {content_type('b')}",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode()


def test_an_upload_that_says_it_is_too_large_is_refused_before_it_is_sent(shared_store: Running) -> None:
    for target in (raw.public(shared_store), raw.front(shared_store)):
        for lines in (
            ("Content-Length: 4294967297",),
            ("Content-Length: 4294967297", "Expect: 100-continue"),
        ):
            assert raw.statuses(target.exchange(upload(shared_store, *lines))) == [413]


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_may_be_as_large_as_allowed_and_no_larger(echo: Echo, chunked: bool) -> None:
    for size, status in ((LARGEST_UPLOAD, 200), (LARGEST_UPLOAD + 1, 413)):
        pieces = [bytes(64 * 1024)] * (size // (64 * 1024)) + [bytes(size % (64 * 1024))]
        answer = echo.session.post(
            f"{echo.url}/dicom-web/studies",
            data=iter(piece for piece in pieces if piece) if chunked else b"".join(pieces),
            headers={"Content-Type": content_type("b")},
        )
        assert answer.status_code == status
        assert status == 413 or answer.json()["bytes"] == size


def test_only_uploads_may_be_large(shared_store: Running) -> None:
    body = bytes(1024 * 1024 + 1)
    session = shared_store.session()
    assert session.post(f"{shared_store.url}/orthanc/tools/find", data=body).status_code == 413
    assert session.request("GET", f"{shared_store.url}/viewer/", data=body).status_code == 413


def test_a_stranger_cannot_send_a_large_body(echo: Echo) -> None:
    request = upload(echo.store, f"Content-Length: {LARGEST_UPLOAD}").replace(b"Authorization", b"X")
    assert raw.statuses(echo.target.exchange(request)) == [401]


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        (["GET /dicom-web/studies?" + "a" * 20_000 + " HTTP/1.1"], {400, 414}),
        (["GET /dicom-web/studies?limit=1 HTTP/1.1", "X: " + "a" * 20_000], {400, 431, 494}),
        (
            ["GET /dicom-web/studies?limit=1 HTTP/1.1", *(f"X{n}: {'a' * 1000}" for n in range(90))],
            {400, 431},
        ),
    ],
)
def test_a_header_that_is_too_large_is_refused(
    shared_store: Running, lines: list[str], allowed: set[int]
) -> None:
    request = "\r\n".join([*lines, "Host: localhost", raw.authorization(shared_store), "", ""]).encode()
    for target in (raw.public(shared_store), raw.front(shared_store)):
        (status,) = raw.statuses(target.exchange(request))
        assert status in allowed


def test_nginx_waits_no_longer_than_a_minute_for_a_client() -> None:
    base = (HERE / "base.conf").read_text("utf-8")
    waits = {name: int(seconds) for name, seconds in re.findall(r"^(\w+_timeout) ([0-9]+)s;", base, re.M)}
    assert waits["client_header_timeout"] <= 60
    assert waits["client_body_timeout"] <= 60
    assert waits["send_timeout"] <= 60


def test_a_client_that_dawdles_is_left_alone(echo: Echo) -> None:
    """With NGINX's patience shortened: a header that does not end, and bodies that pause, end the connection."""
    header = upload(echo.store, "Transfer-Encoding: chunked")
    length = upload(echo.store, "Content-Length: 1000")
    dawdlers = [
        [b""] * 40,
        [b"G"] + [b""] * 40,
        [header[:50]] + [b"a"] * 40,
        [header, b"5\r\nabcde\r\n"] + [b""] * 40,
        [length, b"abcde"] + [b""] * 40,
    ]
    with ThreadPoolExecutor(len(dawdlers)) as pool:
        ended = list(pool.map(raw.seconds_until_closed, repeat(echo.target), dawdlers, repeat(0.25)))
    for seconds, received in ended:
        assert seconds < PATIENCE_SECONDS + 3
        assert raw.statuses(received) in ([], [400], [408])
    assert echoes.headers(echo.session.get(f"{echo.url}/dicom-web/studies"))


def test_a_client_that_is_slow_but_steady_is_served(echo: Echo) -> None:
    request = upload(echo.store, "Content-Length: 12", "Connection: close")
    pieces = [request, *(b"a" for _ in range(12)), *([b""] * 8)]
    seconds, received = raw.seconds_until_closed(echo.target, pieces, 0.3)
    assert seconds > PATIENCE_SECONDS
    assert raw.statuses(received) == [200]


def test_many_connections_of_one_client_leave_room_for_others(shared_store: Running) -> None:
    """A client that opens connections and says nothing does not keep others out."""
    target = raw.public(shared_store)
    idle = [target.connect(5) for _ in range(100)]
    try:
        assert (
            shared_store.session().get(f"{shared_store.root}/studies?limit=1", timeout=5).status_code == 200
        )
    finally:
        for connection in idle:
            connection.close()

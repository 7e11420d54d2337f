"""A request that two servers could take for different ones is refused, or is the same one for both."""

import pytest

from tests.e2e import raw
from tests.e2e.echo import Echo
from tests.e2e.running import Running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]
# What is to be smuggled: with the credentials of somebody who may ask for it, so that only the front keeps it out.
HIDDEN = "/dicom-web/studies?smuggled"
UPLOAD = (
    "POST /dicom-web/studies HTTP/1.1\r\nHost: localhost\r\n{credential}\r\n"
    'Content-Type: multipart/related; type="application/dicom"; boundary=b\r\n'
)
SEARCH = "GET /dicom-web/studies?limit=1 HTTP/1.1\r\nHost: localhost\r\n{credential}\r\n"
HIDDEN_REQUEST = f"GET {HIDDEN} HTTP/1.1\r\nHost: localhost\r\n{{credential}}\r\n\r\n"
CHUNKED = "0\r\n\r\n" + HIDDEN_REQUEST
LENGTH = "Content-Length: {length}\r\n"

# Each is refused as a whole: no status but one of the client's mistakes.
REFUSED = {
    "length and chunks": UPLOAD + LENGTH + "Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "chunks and length": UPLOAD + "Transfer-Encoding: chunked\r\n" + LENGTH + "\r\n" + CHUNKED,
    "length, and chunks twice": UPLOAD
    + LENGTH
    + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
    + CHUNKED,
    "chunked and identity": UPLOAD + "Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED,
    "identity": UPLOAD + LENGTH + "Transfer-Encoding: identity\r\n\r\n" + CHUNKED,
    "another encoding": UPLOAD + LENGTH + "Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED,
    "gzip, chunked": UPLOAD + LENGTH + "Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKED,
    "blank before the colon": UPLOAD + LENGTH + "Transfer-Encoding : chunked\r\n\r\n" + CHUNKED,
    "folded": UPLOAD + LENGTH + "Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKED,
    "folded header": UPLOAD + LENGTH + "X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "vertical tab": UPLOAD + LENGTH + "Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKED,
    "null in a header": UPLOAD + LENGTH + "X: y\0z\r\n\r\n" + CHUNKED,
    "chunks of HTTP/1.0": UPLOAD.replace("1.1", "1.0")
    + LENGTH
    + "Transfer-Encoding: chunked\r\n\r\n"
    + CHUNKED,
    "two lengths": UPLOAD + "Content-Length: 0\r\n" + LENGTH + "\r\n" + HIDDEN_REQUEST,
    "the same length twice": UPLOAD + LENGTH + LENGTH + "\r\n" + HIDDEN_REQUEST,
    "a list of lengths": UPLOAD + "Content-Length: 0, {length}\r\n\r\n" + HIDDEN_REQUEST,
    "a positive length": UPLOAD + "Content-Length: +{length}\r\n\r\n" + HIDDEN_REQUEST,
    "a negative length": UPLOAD + "Content-Length: -1\r\n\r\n" + HIDDEN_REQUEST,
    "a hexadecimal length": UPLOAD + "Content-Length: 0x10\r\n\r\n" + HIDDEN_REQUEST,
    "no length": UPLOAD + "Content-Length: \r\n\r\n" + HIDDEN_REQUEST,
    "an endless length": UPLOAD + "Content-Length: 99999999999999999999999\r\n\r\n" + HIDDEN_REQUEST,
    "a bad chunk": UPLOAD + "Transfer-Encoding: chunked\r\n\r\nz\r\n" + CHUNKED,
    "a negative chunk": UPLOAD + "Transfer-Encoding: chunked\r\n\r\n-1\r\n" + CHUNKED,
    "an endless chunk": UPLOAD + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + CHUNKED,
    "a chunk that is too long": UPLOAD + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n" + CHUNKED,
    "two hosts": SEARCH + "Host: evil.example\r\n\r\n",
    "a blank line before the host": "GET /dicom-web/studies HTTP/1.1\r\n Host: localhost\r\n\r\n",
}
# Each is one request or two, for everybody alike; what comes after it lies in a body, or stands for itself.
HARMLESS = {
    "a header with an underscore": UPLOAD + LENGTH + "Transfer_Encoding: chunked\r\n\r\n" + CHUNKED,
    "a body of a search": SEARCH + LENGTH + "\r\n" + HIDDEN_REQUEST,
    "a header that connections should drop": UPLOAD
    + LENGTH
    + "Connection: content-length\r\n\r\n"
    + HIDDEN_REQUEST,
    "a header line without a colon": SEARCH + "X\r\n\r\n",
    "version 2": SEARCH.replace("HTTP/1.1", "HTTP/2.0") + "\r\n",
    "an upgrade": SEARCH
    + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    "an extension of a chunk": UPLOAD + 'Transfer-Encoding: chunked\r\n\r\n1;x="y"\r\na\r\n0\r\n\r\n',
    "a trailer": UPLOAD
    + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nContent-Length: 99\r\nHost: evil.example\r\n\r\n",
}


def request(store: Running, form: str) -> bytes:
    """The bytes of a form; a length that it has is that of all that follows its header."""
    text = form.replace("{credential}", raw.authorization(store))
    return text.replace("{length}", str(len(text.partition("\r\n\r\n")[2]))).encode("latin-1")


@pytest.fixture(scope="module")
def targets(shared_store: Running, echo: Echo) -> list[raw.Target]:
    """Through the load balancer and past it, and one whose image store tells what it was sent."""
    return [raw.public(shared_store), raw.front(shared_store), echo.target]


@pytest.mark.parametrize("name", REFUSED)
def test_an_ambiguous_request_is_refused(
    shared_store: Running, targets: list[raw.Target], echo: Echo, name: str
) -> None:
    before = len(echo.asked())
    for received in raw.everywhere(targets, request(shared_store, REFUSED[name])):
        (status,) = raw.statuses(received)
        assert 400 <= status < 500 or status == 501, received
    assert echo.asked()[before:] in ([], ["POST /dicom-web/studies HTTP/1.1"])


@pytest.mark.parametrize("name", HARMLESS)
def test_an_odd_request_is_one_request(
    shared_store: Running, targets: list[raw.Target], echo: Echo, name: str
) -> None:
    before = len(echo.asked())
    for received in raw.everywhere(targets, request(shared_store, HARMLESS[name])):
        assert len(raw.statuses(received)) == 1, received
    assert len(echo.asked()[before:]) <= 1
    assert not any("smuggled" in line for line in echo.asked())


def test_two_requests_in_one_piece_are_two_requests(shared_store: Running, targets: list[raw.Target]) -> None:
    for received in raw.everywhere(targets, request(shared_store, SEARCH + "\r\n") * 2, grace=2):
        assert raw.statuses(received) == [200, 200]


def test_the_second_of_two_requests_needs_a_login_of_its_own(
    shared_store: Running, targets: list[raw.Target]
) -> None:
    both = SEARCH + "\r\n" + f"GET {HIDDEN} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for received in raw.everywhere(targets, request(shared_store, both), grace=2):
        assert raw.statuses(received) == [200, 401]


def test_a_request_of_http_0_9_is_nobodys(targets: list[raw.Target]) -> None:
    """It has no header to show a credential in, and its answer has none to tell a status."""
    for received in raw.everywhere(targets, f"GET {HIDDEN}\r\n\r\n".encode()):
        assert raw.statuses(received) == [400] or b'"status": 401' in received

"""Nothing but DICOMweb can be asked for, however the address is spelt."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e import raw
from tests.e2e.echo import Echo
from tests.e2e.running import Running
from tests.e2e.stored import Wheel

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]
BLOCKED = [
    # Orthanc's list of other servers: whoever can write to it makes Orthanc send requests.
    "GET /dicom-web/servers",
    "GET /dicom-web/servers/",
    "GET /dicom-web/servers?expand",
    "PUT /dicom-web/servers/evil",
    "POST /dicom-web/servers/evil/stow",
    "GET /dicom-web/studies/../servers",
    "GET /dicom-web/studies/%2e%2e/servers",
    "GET /dicom-web/studies/..%2fservers",
    "GET /dicom-web/studies/%2e%2e%2fservers",
    "GET /dicom-web/studies/..%5cservers",
    "GET /dicom-web/studies/..;/servers",
    "GET /dicom-web/./servers",
    "GET /dicom-web//servers",
    "GET //dicom-web/servers",
    "GET /dicom-web/%73ervers",
    "GET /dicom-web/servers%00",
    "GET /dicom-web/servers%20",
    "GET /dicom-web/servers;x=1",
    "GET /DICOM-WEB/servers",
    "GET /viewer/../dicom-web/servers",
    "GET /viewer/%2e%2e/dicom-web/servers",
    "GET /healthz/../dicom-web/servers",
    "GET /orthanc/../dicom-web/servers",
    "GET /orthanc/dicom-web/servers",
    "GET /orthanc/app/../dicom-web/servers",
    "GET /orthanc/app/%2e%2e/dicom-web/servers",
    "GET /dicom-web/studies%2f..%2fservers",
    "GET /internal/retrieve",
    "GET /internal/orthanc",
    "GET /internal/access",
    "POST /internal/store",
    # Orthanc's own interface, at its own address and in what is not opened of it.
    "GET /",
    "GET /system",
    "GET /instances",
    "POST /instances",
    "GET /patients",
    "GET /changes",
    "GET /app/explorer.html",
    "GET /ui/app/",
    "GET /plugins/explorer.js",
    "GET /wado?requestType=WADO",
    "GET /metrics",
    "GET /tools/metrics-prometheus",
    "POST /tools/execute-script",
    "POST /tools/shutdown",
    "POST /tools/reset",
    "PUT /tools/log-level",
    "POST /orthanc/tools/execute-script",
    "POST /orthanc/tools/shutdown",
    "POST /orthanc/tools/reset",
    "GET /orthanc/tools/metrics-prometheus",
    "POST /orthanc/instances",
    "GET /orthanc/modalities",
    "PUT /orthanc/modalities/evil",
    "PUT /orthanc/peers/evil",
    "GET /orthanc/../system",
    "GET /orthanc/app/../system",
    "GET /orthanc//system",
    # What others have at well-known places.
    "GET /.git/config",
    "GET /.env",
    "GET /nginx_status",
    "GET /etc/passwd",
    "GET /../../../../etc/passwd",
    "GET /viewer/../../../../etc/passwd",
    "GET /viewer/..%2f..%2f..%2fetc/passwd",
    # Methods.
    "PUT /dicom-web/studies",
    "DELETE /dicom-web/studies",
    "PATCH /dicom-web/studies",
    "DELETE /dicom-web/studies/1.2.3",
    "TRACE /dicom-web/studies",
    "TRACK /dicom-web/studies",
    "CONNECT /dicom-web/studies",
    "PROPFIND /dicom-web/studies",
    "MOVE /dicom-web/studies",
    "POST /dicom-web/instances",
    "POST /dicom-web/studies/1.2.3/metadata",
    "get /dicom-web/studies",
    "OPTIONS /dicom-web/studies",
    "OPTIONS *",
    # Forms of a target that are for proxies.
    "CONNECT database:5432",
    "GET http://database:5432/",
    "GET http://127.0.0.1:8042/system",
    "GET dicom-web/studies",
]


@pytest.fixture(scope="module")
def targets(shared_store: Running) -> list[raw.Target]:
    return [raw.public(shared_store), raw.front(shared_store)]


def asked(store: Running, target: raw.Target, line: str) -> bytes:
    """What an administrator gets who sends this request line."""
    lines = [
        f"{line} HTTP/1.1",
        "Host: localhost",
        raw.authorization(store),
        "Connection: close",
        "Content-Length: 0",
    ]
    return target.exchange("\r\n".join([*lines, "", ""]).encode())


@pytest.mark.parametrize("line", BLOCKED)
def test_it_is_refused(shared_store: Running, targets: list[raw.Target], line: str) -> None:
    for target in targets:
        received = asked(shared_store, target, line)
        (status,) = raw.statuses(received)
        assert 400 <= status < 500, received[:1000]
        assert b"orthanc" not in received.partition(b"\r\n\r\n")[2].lower()


def test_the_same_request_to_an_address_that_is_there_is_answered(
    shared_store: Running, targets: list[raw.Target], wheel: Wheel
) -> None:
    for target in targets:
        for line in (
            "GET /dicom-web/studies?limit=1",
            "GET /orthanc/system",
        ):
            assert raw.statuses(asked(shared_store, target, line)) == [200], line


def test_strangers_are_not_told_what_there_is(shared_store: Running, targets: list[raw.Target]) -> None:
    for target in targets:
        for path in (
            "/dicom-web/studies",
            "/dicom-web/servers",
            "/orthanc/",
            "/orthanc/system",
            "/viewer/",
            "/nothing",
        ):
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            assert raw.statuses(target.exchange(request.encode())) == [401], path


def test_none_of_it_reaches_orthanc(echo: Echo) -> None:
    before = len(echo.asked())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda line: asked(echo.store, echo.target, line), BLOCKED))
    assert raw.statuses(asked(echo.store, echo.target, "GET /orthanc/system")) == [200]
    assert echo.asked()[before:] == ["GET /system HTTP/1.1"]

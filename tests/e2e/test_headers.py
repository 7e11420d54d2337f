"""What of a request reaches Orthanc, and what a client can make the store say of itself."""

import base64
import json

import pytest
import requests

from tests.e2e import raw
from tests.e2e.echo import Echo, headers
from tests.e2e.multipart import upload
from tests.e2e.running import Running
from tests.e2e.stored import Wheel, make_series

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-shared"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]
SPOOFED = {
    "Forwarded": "for=192.0.2.1;host=evil.example;proto=http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "81",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Original-URL": "/dicom-web/servers",
    "X-Rewrite-URL": "/dicom-web/servers",
    "X-HTTP-Method-Override": "DELETE",
    "X-Host": "evil.example",
    "Via": "1.1 evil.example",
    "Front-End-Https": "off",
}
# Of the load balancer, or of NGINX among its own parts.
CLAIMS = {
    "X-Amzn-Mtls-Clientcert-Subject": "CN=admin",
    "X-Amzn-Oidc-Identity": "admin",
    "X-Amzn-Oidc-Data": "e30.e30.e30",
    "X-Amzn-Ava-User-Context": "admin",
    "X-User": "admin",
    "X-Role": "admin",
    "X-Subject": "CN=admin",
    "X-Area": "viewer",
    "X-Method": "GET",
    "X-Address": "192.0.2.1",
    "Remote-User": "admin",
    "Cookie": "role=admin",
}


def test_orthanc_is_told_nothing_but_what_it_needs(echo: Echo) -> None:
    sent = {
        **SPOOFED,
        **CLAIMS,
        "Accept": "application/dicom+json",
        "Accept-Encoding": "gzip",
        "Range": "bytes=0-9",
    }
    found = headers(echo.session.get(f"{echo.url}/dicom-web/studies?limit=1", headers=sent))
    request_id = found.pop("x-request-id")
    assert len(request_id) == 32
    service = f"{echo.store.credentials.orthanc_user}:{echo.store.credentials.orthanc_password}"
    assert found == {
        "host": "internal.echo.test",
        "authorization": f"Basic {base64.b64encode(service.encode()).decode()}",
        "x-forwarded-host": echo.store.url.removeprefix("https://"),
        "x-forwarded-proto": "https",
        "accept": "application/dicom+json",
        "range": "bytes=0-9",
        "user-agent": echo.session.headers["User-Agent"],
    }


def test_of_an_upload_orthanc_gets_type_and_body_besides(echo: Echo) -> None:
    (file,) = make_series(1).files.values()
    for chunked in (False, True):
        answer = upload(echo.session, f"{echo.url}/dicom-web", [file], chunked)
        found = headers(answer)
        assert found["content-type"].startswith("multipart/related;")
        # NGINX tells the length where the chunks have come with the header.
        assert ("content-length" in found) is not ("transfer-encoding" in found)
        assert chunked or "content-length" in found
        assert json.loads(answer.text)["bytes"] > len(file)
        assert "cookie" not in found


def test_each_request_has_an_id_that_the_client_is_told(echo: Echo) -> None:
    answer = echo.session.get(f"{echo.url}/dicom-web/studies", headers={"X-Request-Id": "mine"})
    assert headers(answer)["x-request-id"] == answer.headers["X-Request-Id"] != "mine"


@pytest.mark.parametrize(
    ("accept", "reaches"),
    [
        (
            'multipart/related; type="*/*"',
            'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        ),
        ('multipart/related; type="image/jp2"', 'multipart/related; type="image/jp2"'),
        ("*/*", "*/*"),
    ],
)
def test_frames_of_any_type_are_asked_for_as_orthanc_knows_it(echo: Echo, accept: str, reaches: str) -> None:
    instance = "/dicom-web/studies/1.2/series/1.3/instances/1.4"
    for path in ("frames/1,2", "frames/1?x=/", "bulk/7fe00010", "bulk/54000100/1/54001010"):
        answer = echo.session.get(f"{echo.url}{instance}/{path}", headers={"Accept": accept})
        assert headers(answer)["accept"] == reaches
    answer = echo.session.get(f"{echo.url}{instance}/metadata", headers={"Accept": accept})
    assert headers(answer)["accept"] == accept


def test_no_header_of_a_client_gets_into_an_address(shared_store: Running, wheel: Wheel) -> None:
    image = wheel.image("CT_small.dcm")
    lines = [f"{name}: {value}" for name, value in SPOOFED.items()]
    for target in (raw.public(shared_store), raw.front(shared_store)):
        for host in (shared_store.url.removeprefix("https://"), "evil.example", "localhost:81"):
            for path in ("studies?PatientID=1CT1", f"{image.url}/metadata"):
                request = [
                    f"GET /dicom-web/{path} HTTP/1.1",
                    f"Host: {host}",
                    "Connection: close",
                    *lines,
                    raw.authorization(shared_store),
                ]
                received = target.exchange("\r\n".join([*request, "", ""]).encode()).decode("latin-1")
                assert raw.statuses(received.encode("latin-1")) == [200]
                assert f"{shared_store.root}/studies/{image.study}" in received
                assert "evil.example" not in received
                assert "http://" not in received
                assert ":81/" not in received


def test_no_header_makes_somebody_of_nobody(shared_store: Running, echo: Echo) -> None:
    for url in (shared_store.url, echo.url):
        for claims in (
            CLAIMS,
            {**CLAIMS, "Authorization": "Bearer e30.eyJzdWIiOiJhZG1pbiJ9.e30"},
            {"Authorization": "Basic "},
            {"Authorization": "Basic !!!"},
            {"Authorization": "Digest username=admin"},
        ):
            answer = requests.get(f"{url}/dicom-web/studies", headers=claims, verify=False, timeout=10)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_no_answer_tells_what_runs_or_can_be_framed_or_kept(shared_store: Running, wheel: Wheel) -> None:
    session = shared_store.session()
    for path in (
        "dicom-web/studies?limit=1",
        "dicom-web/nothing",
        "viewer/",
        "orthanc/system",
        "nothing",
        "healthz",
    ):
        told = session.get(f"{shared_store.url}/{path}").headers
        assert told["Server"] == "nginx"
        assert "X-Powered-By" not in told
        assert told["Strict-Transport-Security"].startswith("max-age=")
        assert told["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
        assert path == "viewer/" or told["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in told

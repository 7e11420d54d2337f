"""The audit log says who did what to which study, and no log says who the patient is."""

import json
import re
import time
from typing import Any

import pytest
import requests
from pydicom.uid import generate_uid

from tests.e2e import inside, raw
from tests.e2e.echo import Echo
from tests.e2e.multipart import upload
from tests.e2e.running import Running
from tests.e2e.stored import PATIENT_ID, PATIENT_NAME, make_series

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-shared"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]
FIELDS = {
    "time", "request_id", "trace", "user", "role", "address", "method", "path", "action", "study", "series",
    "instance", "status", "bytes_in", "bytes_out", "duration", "user_agent",
}  # fmt: skip
WAIT_SECONDS = 10
UID = "1.2.3.4"


def lines(store: Running) -> list[dict[str, Any]]:
    """The audit log: NGINX's lines of JSON."""
    return [json.loads(line) for line in inside.logs(store, "nginx").splitlines() if line.startswith("{")]


def line_of(store: Running, answer: requests.Response) -> dict[str, Any]:
    """The line of one request, which is written when its answer is complete."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = [line for line in lines(store) if line["request_id"] == answer.headers["X-Request-Id"]]
        if found:
            (line,) = found
            return line
        time.sleep(0.2)
    raise AssertionError("there is no such line")


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "dicom-web/studies?PatientName=X*", 200, {"action": "search", "path": "/dicom-web/studies"}),
        ("GET", f"dicom-web/studies/{UID}/series?x=y", 200, {"action": "search", "study": UID}),
        ("GET", f"dicom-web/studies/{UID}", 404, {"action": "retrieve", "study": UID}),
        ("HEAD", f"dicom-web/studies/{UID}/metadata", 404, {"action": "retrieve", "method": "HEAD"}),
        (
            "GET",
            f"dicom-web/studies/{UID}/series/{UID}.5/instances/{UID}.6/frames/1",
            404,
            {"action": "retrieve", "study": UID, "series": f"{UID}.5", "instance": f"{UID}.6"},
        ),
        ("POST", "dicom-web/studies", 415, {"action": "store", "study": ""}),
        ("POST", f"dicom-web/studies/{UID}", 415, {"action": "store", "study": UID}),
        ("GET", "dicom-web/servers", 404, {"action": "other", "path": "/dicom-web/servers"}),
        ("PUT", "dicom-web/studies", 405, {"action": "other", "method": "PUT"}),
        ("GET", "viewer/app-config.js", 200, {"action": "view"}),
        ("GET", "orthanc/statistics", 200, {"action": "admin", "path": "/orthanc/statistics"}),
        (
            "DELETE",
            f"orthanc/studies/{'-'.join(['0' * 8] * 5)}",
            404,
            {"action": "delete", "method": "DELETE"},
        ),
        ("OPTIONS", "dicom-web/studies", 403, {"action": "preflight"}),
        ("GET", "healthz", 200, {"action": "health"}),
    ],
)
def test_a_request_has_a_line_that_says_what_was_done(
    shared_store: Running, method: str, path: str, status: int, expected: dict[str, str]
) -> None:
    address = "203.0.113.7"
    url, session = inside.front(shared_store, address)
    answer = session.request(method, f"{url}/{path}", headers={"User-Agent": "a test"})
    assert answer.status_code == status
    line = line_of(shared_store, answer)
    assert set(line) == FIELDS
    known = {"method": method, "status": status, "address": address, "user_agent": "a test", **expected}
    assert {name: line[name] for name in known} == known
    who = {"health": ("", ""), "preflight": ("", "")}
    first = (shared_store.credentials.first_user, "admin")
    assert (line["user"], line["role"]) == who.get(line["action"], first)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]00:00", line["time"])
    assert line["bytes_in"] > 0
    assert line["bytes_out"] >= len(answer.content)
    assert line["duration"] >= 0


def test_a_client_cannot_choose_the_address_in_its_line(shared_store: Running) -> None:
    answer = shared_store.session().get(f"{shared_store.root}/x", headers={"X-Forwarded-For": "203.0.113.9"})
    assert line_of(shared_store, answer)["address"] != "203.0.113.9"


def test_the_line_of_an_upload_names_what_was_stored(shared_store: Running) -> None:
    one, other = make_series(2), make_series(1)
    for chunked in (False, True):
        answer = upload(
            shared_store.session(), shared_store.root, [*one.files.values(), *other.files.values()], chunked
        )
        line = line_of(shared_store, answer)
        assert set(line["study"].split()) == {one.study, other.study}
        assert line["action"] == "store"
        assert line["bytes_in"] > sum(len(file) for made in (one, other) for file in made.files.values())


def test_the_line_of_a_failed_login_names_who_was_tried(shared_store: Running) -> None:
    url, session = inside.front(shared_store, "203.0.113.8", "mallory", "a wrong password")
    answer = session.get(f"{url}/dicom-web/studies")
    line = line_of(shared_store, answer)
    assert (line["user"], line["role"], line["status"]) == ("mallory", "", 401)


def test_every_line_is_json_whatever_a_client_sends(shared_store: Running) -> None:
    before = len(lines(shared_store))
    head = ["Host: localhost", raw.authorization(shared_store), "Connection: close"]
    for line in (
        'User-Agent: "}\\\x01\x7f',
        "User-Agent: \xff\xfe\xc3(",
        'X-Amzn-Trace-Id: "},{"user":"x"',
        'Authorization: Basic "}',
    ):
        for path in ("/dicom-web/studies?limit=1", '/"}{\\', "/dicom-web/\xff\xfe", "/dicom-web/%0a%22"):
            request = "\r\n".join([f"GET {path} HTTP/1.1", *head, line, "", ""]).encode("latin-1")
            raw.front(shared_store).exchange(request)
    assert len(lines(shared_store)) >= before + 16
    text = inside.logs(shared_store, "nginx")
    assert '"user":"x"' not in text


def test_no_log_names_a_patient(shared_store: Running, echo: Echo) -> None:
    """Neither where everything goes well, nor where a request is refused, nor where the image store is away."""
    made = make_series(3)
    session, root = shared_store.session(), shared_store.root
    assert upload(session, root, made.files.values()).status_code == 200
    assert upload(session, root, [*made.files.values(), b"no DICOM"]).status_code == 400
    assert upload(session, root, made.files.values(), study="1.2.3").status_code == 409
    query = f"PatientName={PATIENT_NAME}&PatientID={PATIENT_ID}"
    for address in (
        f"studies?{query}",
        f"series?{query}&limit=abc",
        f"studies?{query}&offset=99999999999999",
        f"servers?{query}",
        f"studies/{made.study}/instances?{query}",
        f"studies/{made.study}/metadata?{query}",
        f"studies?{query}{'x' * 20_000}",
    ):
        session.get(f"{root}/{address}", headers={"Referer": f"{root}/viewer?{query}"})
    session.get(f"{shared_store.url}/viewer/?{query}", headers={"User-Agent": "a viewer"})
    session.post(
        f"{shared_store.url}/orthanc/tools/find",
        json={"Level": "Study", "Query": {"PatientName": PATIENT_NAME}},
    )
    engine, container = shared_store.store.engine, shared_store.store.container("echo")
    engine.run("stop", "--time=1", container)
    try:
        answer = echo.session.get(f"{echo.url}/dicom-web/studies?{query}", timeout=60)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    finally:
        engine.run("start", container)
    errors = [line for line in inside.logs(shared_store, "echo-front").splitlines() if "[error]" in line]
    assert any('request: "GET /dicom-web/studies?"' in line for line in errors), errors
    for service in (*shared_store.store.containers(), "echo-front"):
        text = inside.logs(shared_store, service)
        for word in (*PATIENT_NAME.split("^"), PATIENT_ID):
            # Others of these tests ask the echo, which tells what it was asked.
            assert service == "echo" or word.lower() not in text.lower(), f"{service} names a patient"


@pytest.mark.parametrize(
    ("level", "name"),
    [("patients", "Patient"), ("studies", "Study"), ("series", "Series"), ("instances", "Instance")],
)
def test_the_line_of_a_removal_names_the_studies(shared_store: Running, level: str, name: str) -> None:
    session, patient = shared_store.session(), generate_uid()
    one, other = make_series(1, patient=patient), make_series(1, patient=patient)
    assert upload(session, shared_store.root, [*one.files.values(), *other.files.values()]).ok
    wanted = {"Level": name, "Query": {"StudyInstanceUID": one.study}}
    if level == "patients":
        wanted["Query"] = {"PatientID": patient}
    (found,) = session.post(f"{shared_store.url}/orthanc/tools/find", json=wanted).json()
    answer = session.delete(f"{shared_store.url}/orthanc/{level}/{found}")
    assert (answer.status_code, list(answer.json())) == (200, ["RemainingAncestor"])
    line = line_of(shared_store, answer)
    removed = {one.study, other.study} if level == "patients" else {one.study}
    assert (line["action"], set(line["study"].split())) == ("delete", removed)
    assert session.get(f"{shared_store.root}/studies/{one.study}").status_code == 404

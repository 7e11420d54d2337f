"""The access modes jwt and mtls: what the load balancer has verified is who a client is, and nothing else is."""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nginx.access.users import Role
from scripts.local import state
from scripts.local.services import JWT_ISSUER, READ_SCOPE, WRITE_SCOPE, Options
from scripts.operations import users
from scripts.operations.users_file import FileUsers
from tests.e2e import inside
from tests.e2e.multipart import DICOM, parts, upload
from tests.e2e.running import Running, running
from tests.e2e.stored import make_series

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-modes"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]
SEARCH, INTERFACE = "/dicom-web/studies?limit=1", "/orthanc/system"
VIEWER = "https://viewer.example.org"
# The subject of a token that has an entry, for each role.
SUBJECTS = {role: f"{role}-8471" for role in Role}
# The same for certificates: the load balancer writes them so, a comma within a value with a backslash (RFC 2253).
ORGANIZATION = "Example Hospital, Inc."
DEVICES = {role: f"CN={role}-8471,OU=Radiology,O=Example Hospital\\, Inc." for role in Role}


def wait_until(condition: Callable[[], bool]) -> None:
    """Both modes let a store count as up when its load balancer is."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def enter(store: Running, names: dict[Role, str]) -> None:
    """Makes entries without passwords, which a running store reads again of its own accord."""
    file = FileUsers(state.users_file(store.store.name))
    for role, name in names.items():
        users.add(file, name, role, None)


def audit(store: Running, path: str) -> list[dict[str, Any]]:
    """The lines of the audit log about a path."""
    lines = [line for line in inside.logs(store, "nginx").splitlines() if line.startswith("{")]
    return [entry for entry in map(json.loads, lines) if entry["path"] == path]


# --- jwt ---


def encoded(data: bytes) -> str:
    """Base64 as tokens have it (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Issuer:
    """Somebody with a key, who signs tokens with it."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def public_key(self) -> bytes:
        """PEM."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def token(self, algorithm: str = "RS256", **claims: object) -> str:
        """A token of ten minutes for the read scope, unless claims say otherwise; a claim of None is left out."""
        head = {"alg": algorithm, "typ": "JWT"}
        default = {"iss": JWT_ISSUER, "sub": "somebody", "scope": READ_SCOPE, "exp": int(time.time()) + 600}
        body = {name: value for name, value in {**default, **claims}.items() if value is not None}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, body))
        return f"{signed}.{encoded(self._signature(algorithm, signed.encode()))}"

    def _signature(self, algorithm: str, signed: bytes) -> bytes:
        if algorithm == "none":
            return b""
        if algorithm == "HS256":
            return hmac.digest(self.public_key, signed, hashlib.sha256)
        return self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def bearing(store: Running, token: str) -> requests.Session:
    session = store.session()
    session.auth = None
    session.headers["Authorization"] = f"Bearer {token}"
    return session


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def of_tokens(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Running]:
    """A store in the access mode jwt."""
    options = Options(
        access_mode="jwt",
        token_key=base64.b64encode(issuer.public_key).decode(),
        orthanc_interface=True,
        cors_allowed_origins=VIEWER,
    )
    with running("jwt", tmp_path_factory.mktemp("jwt"), options) as store:
        enter(store, SUBJECTS)
        admin = bearing(store, issuer.token(sub=SUBJECTS[Role.ADMIN]))
        wait_until(lambda: admin.get(store.url + INTERFACE).status_code == 200)
        yield store


def test_the_write_scope_stores_and_the_read_scope_fetches(of_tokens: Running, issuer: Issuer) -> None:
    reader = bearing(of_tokens, issuer.token())
    writer = bearing(of_tokens, issuer.token(scope=f"openid {WRITE_SCOPE}"))
    made = make_series(2)
    assert upload(reader, of_tokens.root, made.files.values()).status_code == 401
    assert upload(writer, of_tokens.root, made.files.values()).status_code == 200
    study = f"{of_tokens.root}/studies/{made.study}"
    assert sorted(parts(reader.get(study, headers={"Accept": DICOM}))) == sorted(made.files.values())
    assert len(reader.get(f"{study}/instances").json()) == 2
    assert writer.get(study, headers={"Accept": DICOM}).status_code == 401


@pytest.mark.parametrize(
    ("claims", "is_other_key"),
    [
        ({"exp": 1_700_000_000}, False),
        ({"exp": None}, False),
        ({"iss": "https://other.example.org"}, False),
        ({"iss": None}, False),
        ({"scope": f"{READ_SCOPE}ers"}, False),
        ({"scope": None}, False),
        ({}, True),
        ({"algorithm": "none"}, False),
        ({"algorithm": "HS256"}, False),
    ],
    ids=lambda value: json.dumps(value),
)
def test_a_token_that_does_not_hold_is_refused(
    of_tokens: Running, issuer: Issuer, claims: dict[str, Any], is_other_key: bool
) -> None:
    signer = Issuer() if is_other_key else issuer
    refused = bearing(of_tokens, signer.token(**{"sub": SUBJECTS[Role.ADMIN], **claims}))
    for path in (SEARCH, INTERFACE, "/viewer/"):
        assert refused.get(of_tokens.url + path).status_code == 401


def test_a_token_that_was_altered_is_refused(of_tokens: Running, issuer: Issuer) -> None:
    head, _, signature = issuer.token().split(".")
    _, other, _ = issuer.token(sub=SUBJECTS[Role.ADMIN]).split(".")
    altered = bearing(of_tokens, f"{head}.{other}.{signature}")
    assert altered.get(of_tokens.url + INTERFACE).status_code == 401


def test_without_a_token_nobody_enters(of_tokens: Running) -> None:
    stranger = of_tokens.session()
    assert stranger.auth
    assert stranger.get(of_tokens.url + SEARCH).status_code == 401
    stranger.auth = None
    assert stranger.get(of_tokens.url + SEARCH).status_code == 401
    assert upload(stranger, of_tokens.root, make_series(1).files.values()).status_code == 401


def test_a_second_token_is_not_heeded(of_tokens: Running, issuer: Issuer) -> None:
    verified = issuer.token()
    forged = issuer.token("none", sub=SUBJECTS[Role.ADMIN], scope=f"{READ_SCOPE} {WRITE_SCOPE}")
    for tokens in ((verified, forged), (forged, verified)):
        context = ssl.create_default_context(cafile=str(of_tokens.authority))
        address = of_tokens.url.removeprefix("https://")
        connection = http.client.HTTPSConnection(address, context=context, timeout=20)
        connection.putrequest("GET", INTERFACE)
        for token in tokens:
            connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        assert connection.getresponse().status in {400, 401, 403}
        connection.close()


def test_an_entry_of_the_subject_counts_more_than_the_scope(of_tokens: Running, issuer: Issuer) -> None:
    both = f"{READ_SCOPE} {WRITE_SCOPE}"
    statuses = {}
    for role, name in SUBJECTS.items():
        session = bearing(of_tokens, issuer.token(sub=name, scope=both))
        stored = upload(session, of_tokens.root, make_series(1).files.values())
        statuses[role] = (stored.status_code, session.get(of_tokens.url + INTERFACE).status_code)
    assert statuses == {Role.READER: (403, 403), Role.WRITER: (200, 403), Role.ADMIN: (200, 200)}


def test_the_first_users_name_is_nobody_special(of_tokens: Running, issuer: Issuer) -> None:
    session = bearing(of_tokens, issuer.token(sub=of_tokens.credentials.first_user))
    assert session.get(of_tokens.url + SEARCH).status_code == 200
    assert session.get(of_tokens.url + INTERFACE).status_code == 403


def test_who_used_a_token_is_in_the_audit_log_and_the_token_is_not(
    of_tokens: Running, issuer: Issuer
) -> None:
    token = issuer.token(sub=SUBJECTS[Role.READER])
    path = f"/dicom-web/studies/{make_series(0).study}/series"
    assert bearing(of_tokens, token).get(of_tokens.url + path).status_code == 200
    wait_until(lambda: bool(audit(of_tokens, path)))
    (line,) = audit(of_tokens, path)
    assert (line["user"], line["role"]) == (SUBJECTS[Role.READER], "reader")
    for service in ("balancer", "nginx", "orthanc-1", "orthanc-2"):
        assert token.rpartition(".")[2] not in inside.logs(of_tokens, service)


def test_a_preflight_passes_without_a_token(of_tokens: Running) -> None:
    session = of_tokens.session()
    session.auth = None
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = session.options(of_tokens.url + SEARCH, headers={"Origin": VIEWER, **asked})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == VIEWER
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    other = session.options(of_tokens.url + SEARCH, headers={"Origin": "https://evil.example.org", **asked})
    assert other.status_code == 403


@pytest.mark.parametrize(
    ("path", "refusals"),
    [
        ("/", (405, 401)),
        ("/viewer/", (405, 401)),
        ("/orthanc/", (405, 401)),
        ("/orthanc/system", (405, 401)),
        ("/dicom-web/studies", (403, 403)),
    ],
)
def test_a_token_that_nobody_checked_names_nobody(
    of_tokens: Running, issuer: Issuer, path: str, refusals: tuple[int, int]
) -> None:
    token = issuer.token("none", sub=SUBJECTS[Role.ADMIN])
    past_the_balancer, session = inside.front(of_tokens, "203.0.113.7")
    session.auth = None
    session.headers["Authorization"] = f"Bearer {token}"
    through = bearing(of_tokens, token).options(of_tokens.url + path).status_code
    assert (through, session.options(past_the_balancer + path).status_code) == refusals
    wait_until(lambda: any(line["method"] == "OPTIONS" for line in audit(of_tokens, path)))
    asked = [line for line in audit(of_tokens, path) if line["method"] == "OPTIONS"]
    assert {(line["user"], line["role"]) for line in asked} == {("", "")}


# --- mtls ---


@dataclass(frozen=True)
class Devices:
    """A store in the access mode mtls, and the authority that its clients' certificates are of."""

    store: Running
    authority: trustme.CA
    folder: Path

    def session(self, name: str, authority: trustme.CA | None = None, **dates: datetime) -> requests.Session:
        """A session with a certificate for a common name."""
        issue = partial((authority or self.authority).issue_cert, **dates)
        leaf = issue(common_name=name, organization_unit_name="Radiology", organization_name=ORGANIZATION)
        file = self.folder / f"{name}.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(str(file))
        session = self.anonymous()
        session.cert = str(file)
        return session

    def anonymous(self) -> requests.Session:
        """A session without a certificate."""
        session = self.store.session()
        session.auth = None
        return session


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devices]:
    authority = trustme.CA()
    options = Options(
        access_mode="mtls",
        client_authorities=base64.b64encode(authority.cert_pem.bytes()).decode(),
        orthanc_interface=True,
    )
    folder = tmp_path_factory.mktemp("mtls")
    with running("mtls", folder, options) as store:
        enter(store, DEVICES)
        made = Devices(store, authority, folder)
        admin = made.session("admin-8471")
        wait_until(lambda: admin.get(store.url + INTERFACE).status_code == 200)
        yield made


def test_a_listed_certificate_has_the_role_of_its_entry(devices: Devices) -> None:
    url, root = devices.store.url, devices.store.root
    statuses = {}
    for role in Role:
        session = devices.session(f"{role}-8471")
        stored = upload(session, root, make_series(1).files.values())
        statuses[role] = (
            session.get(url + SEARCH).status_code,
            stored.status_code,
            session.get(url + INTERFACE).status_code,
        )
    assert statuses == {
        Role.READER: (200, 403, 403),
        Role.WRITER: (200, 200, 403),
        Role.ADMIN: (200, 200, 200),
    }


def test_a_certificate_of_no_entry_is_refused(devices: Devices) -> None:
    session = devices.session("ct-2")
    for path in (SEARCH, INTERFACE, "/viewer/"):
        assert session.get(devices.store.url + path).status_code == 403
    session.auth = devices.store.session().auth
    assert session.get(devices.store.url + SEARCH).status_code == 403


def test_no_connection_comes_about_without_a_certificate_of_the_authority(devices: Devices) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    for session in (
        devices.anonymous(),
        devices.session("admin-8471", trustme.CA()),
        devices.session("admin-8471", not_after=past),
    ):
        with pytest.raises(requests.ConnectionError):
            session.get(devices.store.url + SEARCH)


@pytest.mark.parametrize(
    "header",
    ["X-Amzn-Mtls-Clientcert-Subject", "x-amzn-mtls-clientcert-subject", "X_Amzn_Mtls_Clientcert_Subject"],
)
def test_the_load_balancers_header_cannot_be_forged(devices: Devices, header: str) -> None:
    forged = {header: DEVICES[Role.ADMIN], "X-Subject": DEVICES[Role.ADMIN], "X-User": DEVICES[Role.ADMIN]}
    for name in ("ct-2", "writer-8471"):
        session = devices.session(name)
        assert session.get(devices.store.url + INTERFACE, headers=forged).status_code == 403


def test_the_subject_of_a_certificate_is_in_the_audit_log(devices: Devices) -> None:
    path = f"/dicom-web/studies/{make_series(0).study}/series"
    assert devices.session("reader-8471").get(devices.store.url + path).status_code == 200
    assert devices.session("ct-2").get(devices.store.url + path).status_code == 403
    wait_until(lambda: len(audit(devices.store, path)) == 2)
    assert [(line["user"], line["role"], line["status"]) for line in audit(devices.store, path)] == [
        (DEVICES[Role.READER], "reader", 200),
        (DEVICES[Role.READER].replace("reader-8471", "ct-2"), "", 403),
    ]

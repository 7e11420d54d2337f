"""Users and roles, changed by the command line while the store is in use."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

import pytest
import requests

from tests.e2e import inside
from tests.e2e.multipart import upload
from tests.e2e.running import Running
from tests.e2e.stored import make_series

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-shared"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]
COMMAND = Path(sys.executable).with_name("orthanc-aws")
PASSWORD = "correct horse battery"
ROLES = ("reader", "writer", "admin")
# NGINX looks every second whether the file has changed.
TAKEN_UP_SECONDS = 10
# Of networks for documentation (RFC 5737): each test that fails to log in has an address of its own.
addresses = (f"198.51.100.{number}" for number in count(1))


def users(store: Running, *arguments: str, password: str = "") -> str:
    """What `orthanc-aws users` prints for this store."""
    done = subprocess.run(
        [COMMAND, "users", "--local", store.store.name, *arguments],
        input=password + "\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def status(store: Running, user: str, password: str, path: str = "dicom-web/studies?limit=1") -> int:
    return get(store, user, password, path).status_code


def get(
    store: Running, user: str, password: str, path: str = "dicom-web/studies?limit=1", address: str = ""
) -> requests.Response:
    """An answer to a client with an address of its own."""
    url, session = inside.front(store, address or next(addresses), user, password)
    return session.get(f"{url}/{path}", timeout=30)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TAKEN_UP_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "NGINX has not taken up the users"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def roles(shared_store: Running) -> Iterator[Running]:
    """The shared store with a user of each role, which has the role's name."""
    for role in ROLES:
        users(shared_store, "add", f"a-{role}", "--role", role, "--password-stdin", password=PASSWORD)
    wait_until(lambda: status(shared_store, "a-admin", PASSWORD) == 200)
    yield shared_store
    for role in ROLES:
        users(shared_store, "remove", f"a-{role}")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "dicom-web/studies?limit=1", ROLES),
        ("HEAD", "dicom-web/studies?limit=1", ROLES),
        ("GET", "dicom-web/studies/1.2.3/series", ROLES),
        ("GET", "viewer/", ROLES),
        ("GET", "viewer/app-config.js", ROLES),
        ("POST", "dicom-web/studies", ("writer", "admin")),
        ("POST", "dicom-web/studies/1.2.3", ("writer", "admin")),
        ("GET", "orthanc/", ("admin",)),
        ("GET", "orthanc/system", ("admin",)),
        ("GET", "orthanc/statistics", ("admin",)),
        ("GET", "orthanc/app/explorer.html", ("admin",)),
        ("POST", "orthanc/tools/find", ("admin",)),
        ("DELETE", "orthanc/studies/00000000-00000000-00000000-00000000-00000000", ("admin",)),
    ],
)
def test_a_role_may_do_this_and_no_more(
    roles: Running, method: str, path: str, allowed: tuple[str, ...]
) -> None:
    for role in ROLES:
        session = roles.session(f"a-{role}", PASSWORD)
        answer = session.request(method, f"{roles.url}/{path}", allow_redirects=False, timeout=30)
        assert (answer.status_code != 403) is (role in allowed), (role, answer.status_code)
        assert answer.status_code != 401


def test_a_reader_cannot_store(roles: Running) -> None:
    made = make_series(1)
    for chunked in (False, True):
        answer = upload(roles.session("a-reader", PASSWORD), roles.root, made.files.values(), chunked)
        assert answer.status_code == 403
    assert roles.session().get(f"{roles.root}/studies/{made.study}/instances").json() == []
    assert upload(roles.session("a-writer", PASSWORD), roles.root, made.files.values()).status_code == 200


def test_a_study_is_deleted_by_an_admin_alone(roles: Running) -> None:
    made = make_series(2)
    assert upload(roles.session(), roles.root, made.files.values()).status_code == 200
    wanted = {"Level": "Study", "Query": {"StudyInstanceUID": made.study}}
    admin = roles.session("a-admin", PASSWORD)
    (study,) = admin.post(f"{roles.url}/orthanc/tools/find", json=wanted).json()
    address = f"{roles.url}/orthanc/studies/{study}"
    for role in ("reader", "writer"):
        assert roles.session(f"a-{role}", PASSWORD).delete(address).status_code == 403
    assert len(admin.get(f"{roles.root}/studies/{made.study}/instances").json()) == 2
    assert admin.delete(address).status_code == 200
    assert admin.get(f"{roles.root}/studies/{made.study}").status_code == 404


def test_a_page_of_another_site_cannot_use_an_admins_login(roles: Running) -> None:
    admin = roles.session("a-admin", PASSWORD)
    address = f"{roles.url}/orthanc/studies/00000000-00000000-00000000-00000000-00000000"
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert admin.delete(address, headers=headers).status_code == 403
        assert admin.post(f"{roles.root}/studies", data=b"", headers=headers).status_code == 403
    assert admin.delete(address, headers={"Origin": roles.url}).status_code == 404


def test_a_change_of_users_is_taken_up_while_nobody_else_notices(roles: Running) -> None:
    stop = Event()

    def ask(user: str, password: str) -> set[int]:
        with roles.session(user, password) as session:
            seen = set()
            while not stop.is_set():
                seen.add(session.get(f"{roles.root}/studies?limit=1", timeout=30).status_code)
                time.sleep(0.005)
            return seen

    first = roles.credentials.first_user, roles.credentials.first_password
    with ThreadPoolExecutor(3) as pool:
        askers = [pool.submit(ask, *pair) for pair in (first, ("a-reader", PASSWORD), ("a-admin", PASSWORD))]
        try:
            password = users(roles, "add", "bob", "--role", "reader", "--generate").split()[-1]
            wait_until(lambda: status(roles, "bob", password) == 200)
            users(roles, "role", "bob", "admin")
            wait_until(lambda: status(roles, "bob", password, "orthanc/system") == 200)
            users(roles, "role", "bob", "reader")
            wait_until(lambda: status(roles, "bob", password, "orthanc/system") == 403)
            users(roles, "passwd", "bob", "--password-stdin", password="another long password")
            wait_until(lambda: status(roles, "bob", password) == 401)
            assert status(roles, "bob", "another long password") == 200
            users(roles, "remove", "bob")
            wait_until(lambda: status(roles, "bob", "another long password") == 401)
        finally:
            stop.set()
        assert [asker.result() for asker in askers] == [{200}] * 3
    assert "bob" not in users(roles, "list")


def test_users_that_cannot_be_read_leave_everybody_as_before(roles: Running) -> None:
    from scripts.local.state import users_file

    file = users_file(roles.store.name)
    text = file.read_text("utf-8")
    file.write_text("{", "utf-8")
    time.sleep(2.5)
    assert status(roles, "a-reader", PASSWORD) == 200
    file.write_text(text, "utf-8")
    users(roles, "add", "carol", "--role", "reader", "--password-stdin", password=PASSWORD)
    wait_until(lambda: status(roles, "carol", PASSWORD) == 200)
    users(roles, "remove", "carol")


def test_who_tries_passwords_is_told_to_wait_and_others_are_not(roles: Running) -> None:
    attacker, other = next(addresses), next(addresses)
    users(roles, "add", "dave", "--role", "reader", "--password-stdin", password=PASSWORD)
    time.sleep(2)
    assert get(roles, "a-reader", PASSWORD, address=attacker).status_code == 200
    answers = [get(roles, "a-admin", f"guess number {n}", address=attacker) for n in range(14)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 4
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    # Even the right one, if it was not verified before.
    assert get(roles, "dave", PASSWORD, address=attacker).status_code == 429
    # A client of the same address that is logged in goes on.
    assert get(roles, "a-reader", PASSWORD, address=attacker).status_code == 200
    assert get(roles, "dave", PASSWORD, address=other).status_code == 200
    users(roles, "remove", "dave")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("a-reader", ""),
        ("a-reader", PASSWORD + " "),
        ("a-reader", PASSWORD.upper()),
        ("A-READER", PASSWORD),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("a-reader\0", PASSWORD),
        ("a-reader", PASSWORD + "\0"),
        ("a-reader", "x" * 8000),
        ("ä" * 300, "ö"),
    ],
)
def test_a_wrong_login_is_refused(roles: Running, user: str, password: str) -> None:
    url, session = inside.front(roles, next(addresses))
    session.auth = (user.encode(), password.encode())
    answer = session.get(f"{url}/dicom-web/studies")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')

"""Users of a deployed store's secret, in the emulator over HTTP, and of a local store's file."""

import stat
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nginx.access.passwords import verify
from nginx.access.users import Role
from scripts.aws.session import Session
from scripts.aws.users_secret import SecretUsers
from scripts.errors import ChangedMeanwhileError, OperationError
from scripts.operations import users
from scripts.operations.users import UsersStore
from scripts.operations.users_file import FileUsers

EMPTY = '{"users": {}}'
PASSWORD = "correct horse battery"

Open = Callable[[], UsersStore]


@pytest.fixture
def secret(session: Session) -> str:
    made = session.client("secretsmanager").create_secret(Name=f"users-{uuid.uuid4()}", SecretString=EMPTY)
    return str(made["ARN"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "users.json"
    file.write_text(EMPTY)
    return file


@pytest.fixture(params=["secret", "file"])
def open_store(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens the same store anew, as each command does."""
    if request.param == "file":
        file = request.getfixturevalue("file")
        yield lambda: FileUsers(file)
    else:
        session, secret = request.getfixturevalue("session"), request.getfixturevalue("secret")
        yield lambda: SecretUsers(session.client("secretsmanager"), secret)


def test_a_user_is_added_changed_and_removed(open_store: Open) -> None:
    users.add(open_store(), "alice", Role.READER, lambda: PASSWORD)
    users.set_role(open_store(), "alice", Role.WRITER)
    users.set_password(open_store(), "alice", lambda: PASSWORD * 2)
    alice = users.listed(open_store())["alice"]
    assert alice.role is Role.WRITER
    assert alice.password is not None
    assert verify(PASSWORD * 2, alice.password)
    assert PASSWORD not in open_store().read()
    users.remove(open_store(), "alice")
    assert users.listed(open_store()) == {}


def test_a_change_that_would_undo_another_one_is_refused(open_store: Open) -> None:
    first, second = open_store(), open_store()
    second.read()
    users.add(first, "alice", Role.READER, None)
    with pytest.raises(ChangedMeanwhileError, match=r"changed by somebody else.*Nothing was written"):
        second.write(EMPTY)
    assert users.listed(open_store()).keys() == {"alice"}


def test_of_many_changes_at_the_same_time_none_is_lost(open_store: Open) -> None:
    def add(name: str) -> None:
        while True:
            try:
                return users.add(open_store(), name, Role.READER, None)
            except ChangedMeanwhileError:
                continue

    names = [f"gateway-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(add, names))
    assert sorted(users.listed(open_store())) == names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda store: users.remove(store, "bob"), "There is no user bob: there are: alice"),
        (lambda store: users.set_role(store, "bob", Role.ADMIN), "There is no user bob"),
        (lambda store: users.set_password(store, "bob", lambda: PASSWORD), "There is no user bob"),
        (lambda store: users.add(store, "alice", Role.ADMIN, None), "There is a user alice already"),
        (lambda store: users.add(store, "a:b", Role.READER, lambda: PASSWORD), "must have no colon"),
        (lambda store: users.add(store, "a\nb", Role.READER, None), "printable characters only"),
        (lambda store: users.add(store, "", Role.READER, None), "1 to 256 characters"),
        (lambda store: users.add(store, "bob", Role.READER, lambda: "elevenchars"), "12 to 256 characters"),
        (lambda store: users.add(store, "bob", Role.READER, lambda: "a\tb" * 5), "printable characters"),
        (
            lambda store: users.add(store, "radiographer", Role.READER, lambda: "Radiographer"),
            "not be the name",
        ),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    file: Path, change: Callable[[UsersStore], None], message: str
) -> None:
    users.add(FileUsers(file), "alice", Role.READER, None)
    before = file.read_text()
    with pytest.raises(OperationError, match=message):
        change(FileUsers(file))
    assert file.read_text() == before


def test_a_password_is_not_asked_for_in_vain(file: Path) -> None:
    def ask() -> str:
        raise AssertionError("asked for a password")

    users.add(FileUsers(file), "alice", Role.READER, None)
    with pytest.raises(OperationError):
        users.add(FileUsers(file), "alice", Role.READER, ask)
    with pytest.raises(OperationError):
        users.set_password(FileUsers(file), "bob", ask)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=300))
def test_any_name_is_kept_as_it_is_or_refused(file: Path, name: str) -> None:
    file.write_text(EMPTY)
    try:
        users.add(FileUsers(file), name, Role.READER, None)
    except OperationError:
        assert file.read_text() == EMPTY
    else:
        assert list(users.listed(FileUsers(file))) == [name]


def test_identities_of_tokens_and_certificates_are_names_too(file: Path) -> None:
    for name in (
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "urn:example:ct-1",
        "CN=ct-1,OU=Radiology,O=Klinikum Köln",
    ):
        users.add(FileUsers(file), name, Role.WRITER, None)
    assert len(users.listed(FileUsers(file))) == 3


def test_a_password_cannot_be_given_to_a_name_that_no_login_can_have(file: Path) -> None:
    users.add(FileUsers(file), "urn:example:ct-1", Role.WRITER, None)
    with pytest.raises(OperationError, match="must have no colon"):
        users.set_password(FileUsers(file), "urn:example:ct-1", lambda: PASSWORD)


def test_users_that_cannot_be_understood_are_not_overwritten(file: Path) -> None:
    file.write_text('{"users": {"alice": {"role": "king", "password": "hunter2hunter2"}}}')
    with pytest.raises(OperationError, match="must be one of reader, writer, admin") as raised:
        users.add(FileUsers(file), "bob", Role.READER, None)
    assert "hunter2" not in str(raised.value)
    assert "king" in file.read_text()


def test_the_file_keeps_its_permissions_and_leaves_nothing_else_behind(file: Path) -> None:
    for mode in (0o600, 0o644):
        file.chmod(mode)
        users.add(FileUsers(file), f"user-{mode}", Role.READER, None)
        assert stat.S_IMODE(file.stat().st_mode) == mode
    assert list(file.parent.iterdir()) == [file]


def test_a_store_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"There is no .*users\.json") as raised:
        users.listed(FileUsers(tmp_path / "users.json"))
    assert "orthanc-aws local up" in raised.value.advice


def test_more_users_than_a_secret_holds_are_told_before_anything_is_sent(
    session: Session, secret: str
) -> None:
    store = SecretUsers(session.client("secretsmanager"), secret)
    store.read()
    with pytest.raises(OperationError, match="64 KiB"):
        store.write("x" * 65537)
    assert store.read() == EMPTY


def test_a_change_whose_answer_was_lost_is_done_all_the_same(session: Session, secret: str) -> None:
    client = session.client("secretsmanager")
    move = client.update_secret_version_stage

    def move_twice(**arguments: Any) -> None:
        move(**arguments)
        error = {
            "Error": {"Code": "InvalidParameterException", "Message": "The label is on another version."}
        }
        raise ClientError(error, "UpdateSecretVersionStage")

    client.update_secret_version_stage = move_twice
    users.add(SecretUsers(client, secret), "alice", Role.READER, None)
    assert "alice" in SecretUsers(session.client("secretsmanager"), secret).read()


def test_a_refusal_for_another_reason_is_passed_on(session: Session, secret: str) -> None:
    client = session.client("secretsmanager")

    def refuse(**_: Any) -> None:
        raise ClientError(
            {"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "UpdateSecretVersionStage"
        )

    client.update_secret_version_stage = refuse
    with pytest.raises(ClientError, match="AccessDenied"):
        users.add(SecretUsers(client, secret), "alice", Role.READER, None)


def test_generated_passwords_are_good_enough_and_never_the_same() -> None:
    made = {users.generate_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(password) >= users.SHORTEST_PASSWORD for password in made)

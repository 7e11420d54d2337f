import asyncio
from pathlib import Path

import pytest

from nginx.access.sources import CurrentUsers, UsersFile, UsersSecret, follow
from nginx.access.users import Role, User, write_users
from scripts.aws.session import Session

FIRST = {"admin": User(Role.ADMIN, "first")}
ALICE = {"alice": User(Role.READER)}


class Script:
    """A source that gives or raises one thing after the other."""

    seconds = 30.0

    def __init__(self, *answers: str | Exception | None) -> None:
        self._answers = list(answers)

    def changed(self) -> str | None:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(source: Script, users: CurrentUsers) -> list[float]:
    """Follows the source to its end; how long was waited between its answers."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if not source._answers:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(follow(source, users, wait))
    return waits


def test_the_first_user_is_there_unless_an_entry_has_the_name() -> None:
    assert CurrentUsers(FIRST, ALICE)() == {**FIRST, **ALICE}
    assert CurrentUsers(FIRST, {"admin": User(Role.READER)})()["admin"].role is Role.READER


def test_a_change_is_taken_up_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    users = CurrentUsers(FIRST, {})
    waits = run(Script(None, write_users(ALICE)), users)
    assert set(users()) == {"admin", "alice"}
    assert all(24 <= seconds <= 36 for seconds in waits)
    assert "there are 2" in capsys.readouterr().err


def test_what_cannot_be_read_leaves_the_users_as_they_were_and_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    users = CurrentUsers(FIRST, ALICE)
    run(Script(OSError("gone"), OSError("gone"), "{", None, OSError("gone")), users)
    assert set(users()) == {"admin", "alice"}
    assert capsys.readouterr().err.count("gone") == 2


def test_a_file_is_read_again_when_it_is_replaced_or_written_to(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text("one")
    file = UsersFile(path)
    assert file.changed() == "one"
    assert file.changed() is None
    other = tmp_path / "other"
    other.write_text("two")
    other.replace(path)
    assert file.changed() == "two"
    path.write_text("three!")
    assert file.changed() == "three!"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        file.changed()


def test_a_secret_is_read_in_its_own_region_and_only_a_new_version_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:store/users-AbCdEf"
    values = [{"VersionId": "1", "SecretString": "a"}, {"VersionId": "1", "SecretString": "a"}]
    values.append({"VersionId": "2", "SecretString": "b"})
    regions = []

    class Client:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - botocore's name
            assert SecretId == arn
            return values.pop(0)

    monkeypatch.setattr("nginx.access.sources._client", lambda region: regions.append(region) or Client())
    secret = UsersSecret(arn)
    assert [secret.changed(), secret.changed(), secret.changed()] == ["a", None, "b"]
    assert regions == ["eu-west-1"]


def test_a_secret_is_read_from_secrets_manager_and_again_when_it_has_changed(session: Session) -> None:
    client = session.client("secretsmanager")
    arn = client.create_secret(Name="store/users", SecretString='{"users": {}}')["ARN"]
    secret = UsersSecret(arn)
    assert secret.changed() == '{"users": {}}'
    assert secret.changed() is None
    client.put_secret_value(SecretId=arn, SecretString='{"users": {"a": {"role": "reader"}}}')
    assert secret.changed() == '{"users": {"a": {"role": "reader"}}}'
    assert secret.changed() is None

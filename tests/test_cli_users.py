"""The verbs `orthanc-aws users`: how passwords come in, what is shown, exit codes."""

import json
import os
import pty
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nginx.access.passwords import verify
from nginx.access.users import parse_users
from scripts.aws.session import Session
from scripts.cli import main
from scripts.cli_options import PROJECT
from scripts.local.state import users_file
from tests.own_stacks import PARAMETERS

EMPTY = '{"users": {}}'
PASSWORD = "correct horse battery"
TEMPLATE = {
    "Parameters": PARAMETERS,
    "Resources": {"Users": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": EMPTY}}},
    "Outputs": {"UsersSecret": {"Value": {"Ref": "Users"}}},
}


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["users", *arguments], input=answer)


@pytest.fixture
def deployed(session: Session) -> list[str]:
    """The option that names a deployed stack with a users' secret."""
    name = f"users-{uuid.uuid4()}"
    session.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))
    session.cloudformation.get_waiter("stack_create_complete").wait(StackName=name)
    return ["--stack-name", name]


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The users' file of a local store."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = users_file()
    file.parent.mkdir(parents=True)
    file.write_text(EMPTY)
    return file


def test_a_generated_password_is_all_that_stdout_shows(deployed: list[str]) -> None:
    result = run("small", "add", "alice", "--role", "reader", "--generate", *deployed)
    assert result.exit_code == 0, result.stderr
    assert "alice is a reader now; a running NGINX takes it up within 30 seconds" in result.stderr
    assert len(result.stdout.split()) == 1
    listed = run("small", "list", "--output", "json", *deployed)
    assert json.loads(listed.stdout) == {"alice": {"Role": "reader", "HasPassword": True}}


def test_users_of_a_deployed_store_are_changed_and_removed(deployed: list[str]) -> None:
    run("small", "add", "CN=ct-1,O=Example", "--role", "reader", "--no-password", *deployed)
    assert run("small", "role", "CN=ct-1,O=Example", "writer", *deployed).exit_code == 0
    assert run("small", "list", *deployed).stdout == "CN=ct-1,O=Example  writer  no password\n"
    assert run("small", "remove", "CN=ct-1,O=Example", *deployed).exit_code == 0
    assert run("small", "list", *deployed).stdout == ""


def test_a_stack_without_a_users_secret_is_told(session: Session) -> None:
    name = f"empty-{uuid.uuid4()}"
    template = {"Parameters": PARAMETERS, "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    session.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    session.cloudformation.get_waiter("stack_create_complete").wait(StackName=name)
    result = run("small", "list", "--stack-name", name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{name} has no output UsersSecret" in result.stderr


def test_a_password_from_standard_input_is_taken_without_its_line_end(local: Path) -> None:
    result = run("--local", "add", "alice", "--role", "writer", "--password-stdin", answer=f"{PASSWORD}\r\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert verify(PASSWORD, parse_users(local.read_text())["alice"].password or "")


def test_a_password_is_asked_for_until_it_is_the_same_twice(local: Path) -> None:
    answers = f"{PASSWORD}\nanother one\n{PASSWORD}\n{PASSWORD}\n"
    result = run("--local", "add", "alice", "--role", "writer", answer=answers)
    assert (result.exit_code, result.stdout) == (0, "")
    assert PASSWORD not in result.stderr
    assert verify(PASSWORD, parse_users(local.read_text())["alice"].password or "")


def test_a_terminal_does_not_show_the_password(local: Path) -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-c", "from scripts.cli import main; main()"]
    arguments = ["users", "--local", "add", "alice", "--role", "admin"]
    process = subprocess.Popen(
        [*command, *arguments], stdin=end, stdout=end, stderr=end, cwd=PROJECT, start_new_session=True
    )
    os.close(end)
    shown = ""
    for prompt in ("Password: ", "Once more: "):
        shown += _read_until(terminal, prompt)
        os.write(terminal, f"{PASSWORD}\n".encode())
    shown += _read_until(terminal, "30 seconds")
    assert process.wait(timeout=30) == 0
    os.close(terminal)
    assert PASSWORD not in shown
    assert verify(PASSWORD, parse_users(local.read_text())["alice"].password or "")


def _read_until(terminal: int, text: str) -> str:
    shown, deadline = "", time.monotonic() + 30
    while text not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(terminal, 1024).decode()
    return shown


def test_without_an_answer_nothing_is_added(local: Path) -> None:
    assert run("--local", "add", "alice", "--role", "reader", answer="").exit_code == 1
    assert local.read_text() == EMPTY


def test_a_local_store_may_have_a_name(local: Path) -> None:
    other = users_file("other")
    other.parent.mkdir(parents=True)
    other.write_text(EMPTY)
    assert run("--local", "other", "add", "alice", "--role", "reader", "--no-password").exit_code == 0
    assert "alice" in other.read_text()
    assert local.read_text() == EMPTY
    assert run("--local", "list").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "alice", "--role", "king"], "'king' is not one of 'reader', 'writer', 'admin'"),
        (["add", "alice"], "Missing option '--role'"),
        (["role", "alice", "king"], "'king' is not one of"),
        (["add", "alice", "--role", "reader", "--password", "x"], "No such option '--password'"),
        (["add", "alice", "--role", "reader", "--generate", "--no-password"], "exclude each other"),
        (["passwd", "alice", "--generate", "--password-stdin"], "--generate and --password-stdin exclude"),
    ],
)
def test_wrong_usage_has_exit_code_2(local: Path, arguments: list[str], message: str) -> None:
    result = run("--local", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert local.read_text() == EMPTY


def test_env_is_asked_for_where_the_store_is_not_local() -> None:
    assert "there is no" in run("nowhere", "list").stderr
    assert run("list").exit_code == 2

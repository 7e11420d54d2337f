"""Reading a deployment's logs and asking its audit log, in an emulated account."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nginx.access.users import audited_name
from scripts.aws.session import Session
from scripts.cli import main
from scripts.emulator import Emulator
from tests.emulator.account import Account
from tests.own_stacks import PARAMETERS

LINES = [
    {"user": "alice", "action": "retrieve", "study": "1.2.3"},
    {"user": "bob", "action": "store", "study": "1.2.3 1.2.4"},
    {"user": 'o"brien', "action": "retrieve", "study": "1.2.33"},
    {"user": "carol", "action": "retrieve", "study": "1a2.3"},
    {"user": audited_name("Müller"), "action": "search", "study": ""},
]


def group(name: str) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}


@pytest.fixture
def environment(tmp_path: Path, emulator: Emulator, session: Session) -> list[str]:
    """The arguments that name a deployment with NGINX's log, which has a few lines, but none of Orthanc's."""
    account = Account(emulator)
    account.client("s3").create_bucket(Bucket="templates")
    name = f"/{tmp_path.name}/nginx"
    nested = account.nest({"Resources": {"NginxLogGroup": group(name)}})
    stack = account.stack(account.create({"Parameters": PARAMETERS, "Resources": {"Logs": nested}}))
    logs = session.client("logs")
    logs.create_log_stream(logGroupName=name, logStreamName="task")
    now = int(time.time() * 1000)
    events = [{"timestamp": now - 60_000 + at, "message": json.dumps(line)} for at, line in enumerate(LINES)]
    logs.put_log_events(logGroupName=name, logStreamName="task", logEvents=events)
    (tmp_path / "test.json").write_text("{}")
    return [str(tmp_path / "test.json"), "--stack-name", stack["StackName"]]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def users(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [row["user"] for row in json.loads(result.stdout)]


def test_a_log_is_printed_line_by_line_with_its_times(environment: list[str]) -> None:
    shown = run("logs", *environment).stdout.splitlines()
    assert [json.loads(line.split(" ", 1)[1]) for line in shown] == LINES
    assert shown[0].split(" ", 1)[0].endswith("Z")
    told = [json.loads(line) for line in run("logs", *environment, "--output", "json").stdout.splitlines()]
    assert [json.loads(line["message"]) for line in told] == LINES
    assert {line["stream"] for line in told} == {"task"}


def test_only_lines_since_the_moment_are_printed(environment: list[str]) -> None:
    assert run("logs", *environment, "--since", "10s").stdout == ""


def test_a_log_that_the_deployment_has_not_is_told(environment: list[str]) -> None:
    result = run("logs", *environment, "orthanc")
    assert result.exit_code == 1
    assert "has no Logs/OrthancLogGroup" in result.stderr


def test_who_accessed_a_study_is_found_by_the_whole_uid(environment: list[str]) -> None:
    assert users(run("audit", *environment, "--study", "1.2.3", "--output", "json")) == ["bob", "alice"]
    assert users(run("audit", *environment, "--study", "1.2.4", "--output", "json")) == ["bob"]


def test_what_a_user_did_is_shown_as_a_table(environment: list[str]) -> None:
    result = run("audit", *environment, "--user", "bob")
    assert [line.split() for line in result.stdout.splitlines()] == [["action"], ["store"]]
    assert "1 request since" in result.stderr


def test_a_quote_in_a_name_does_not_leave_the_query(environment: list[str]) -> None:
    found = run("audit", *environment, "--user", 'o"brien', "--output", "json")
    assert json.loads(found.stdout) == [{"action": "retrieve"}]
    everything = run("audit", *environment, "--user", '" or user != "', "--output", "json")
    assert json.loads(everything.stdout) == []


def test_a_name_is_asked_for_as_the_audit_log_has_it(environment: list[str]) -> None:
    found = run("audit", *environment, "--user", "Müller", "--output", "json")
    assert json.loads(found.stdout) == [{"action": "search"}]
    other = run("audit", *environment, "--user", "Möller", "--output", "json")
    assert json.loads(other.stdout) == []


def test_a_study_that_is_no_uid_is_refused(environment: list[str]) -> None:
    result = run("audit", *environment, "--study", "1.2/) or (1")
    assert result.exit_code == 1
    assert "is no UID" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit"], "Give either --study or --user"),
        (["audit", "--study", "1.2", "--user", "bob"], "Give either --study or --user"),
        (["logs", "--since", "yesterday"], "is neither a span such as 30m"),
        (["logs", "--since", "999999w"], "'999999w' lies outside of the years 1970 to 9999"),
        (["logs", "firewall"], "'firewall' is not one of"),
    ],
)
def test_wrong_usage_has_exit_code_2(environment: list[str], arguments: list[str], message: str) -> None:
    verb, *rest = arguments
    result = run(verb, *environment, *rest)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())

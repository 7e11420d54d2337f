"""The operations guide: its commands, one after the other, as a person types them, against an emulated account."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from scripts.documents.blocks import PROJECT
from scripts.documents.stand_ins import image, serve
from scripts.emulator import Emulator, running
from tests.docs.elsewhere import Elsewhere
from tests.docs.pages import blocks
from tests.docs.shell import Ended, Shell

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("guide")]
PAGE = "docs/operations.md"
NO_PART = (".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "build", "tests", "docs", "benchmarks")
PASSWORD = "correct horse battery\n" * 2
# What is typed where a command asks; all others ask nothing.
ANSWERS = {
    "orthanc-aws deploy": "y\n",
    "orthanc-aws upgrade": "y\n",
    "orthanc-aws restore hospital --snapshot": "y\n" * 2,
    "orthanc-aws destroy hospital": "orthanc-hospital\n",
    "orthanc-aws destroy rehearsal": "orthanc-rehearsal\n",
    "orthanc-aws users hospital add alice --role reader": PASSWORD,
    "orthanc-aws users hospital passwd alice": PASSWORD,
}
# What a person changes in the parameter set first, where the guide has no block of JSON for it.
CHANGED_BEFORE = {"orthanc-aws upgrade hospital": {"OrthancImage": image("orthanc", 1)}}


CHECK = Elsewhere(
    "no store runs in the emulated account",
    "tests/e2e/test_local.py::test_push_and_check_work_with_an_address_and_another_user",
)
ELSEWHERE = {
    "aws sso login --profile hospital-admin": Elsewhere(
        "it needs an identity provider and version 2 of the AWS CLI; its profile is used by all other commands",
        "tests/docs/test_guide.py::test_every_command_ends_well",
    ),
    "orthanc-aws local check --url https://images.example.org --user alice": CHECK,
    "orthanc-aws local check --url https://rehearsal.example.org --user admin": CHECK,
}


@dataclass(frozen=True)
class Guide:
    """The commands that were run, in their order, and the folder that they ran in."""

    ended: list[Ended]
    folder: Path

    def printed(self, command: str) -> str:
        """What the last run of a command printed."""
        return [each.printed for each in self.ended if each.command == command][-1]

    def json(self, name: str) -> list[dict[str, str]]:
        """What a command wrote into a file."""
        return list(json.loads((self.folder / name).read_text()))


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    """The guide as far as its commands end well."""
    folder = tmp_path_factory.mktemp("guide") / "orthanc-aws"
    ignored = shutil.ignore_patterns(*NO_PART)
    shutil.copytree(PROJECT, folder, ignore=ignored)
    small = json.loads((PROJECT / "parameters" / "small.json").read_text())
    images = {"OrthancImage": image("orthanc", 0), "NginxImage": image("nginx", 0)}
    (folder / "parameters" / "hospital.json").write_text(json.dumps(small | images))
    with running() as emulator, Shell(folder, environment(emulator, folder)) as shell:
        yield Guide(list(followed(emulator, shell, folder)), folder)


def environment(emulator: Emulator, folder: Path) -> dict[str, str]:
    """The environment of somebody who has a profile for the account, and the project installed from the folder."""
    config = folder / "aws-config"
    config.write_text("[profile hospital-admin]\naws_access_key_id = test\naws_secret_access_key = test\n")
    given = {
        name: emulator.environment[name]
        for name in ("AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED", "NO_PROXY")
    }
    return {
        **given,
        "AWS_CONFIG_FILE": str(config),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
    }


def followed(emulator: Emulator, shell: Shell, folder: Path) -> Iterator[Ended]:
    """Does what the guide says, until a command fails."""
    has_run = False
    for command, values in steps():
        change(shell, folder, command, {**CHANGED_BEFORE.get(command, {}), **values})
        if command in ELSEWHERE:
            continue
        ended = (
            shell.run_until_it_prints(command)
            if "--follow" in command
            else shell.run(command, answer(command))
        )
        yield Ended(command, ended.code, ended.printed)
        if ended.code:
            return
        if command == "orthanc-aws deploy hospital" and not has_run:
            has_run = True
            serve(logs(emulator))


def steps() -> Iterator[tuple[str, dict[str, str]]]:
    """Each command, and the values that the guide has a person write into the parameter set before it."""
    values: dict[str, str] = {}
    for language, body in blocks(PAGE):
        if language == "json":
            values |= json.loads(body)
        elif language == "sh":
            for line in body.splitlines():
                yield line, values
                values = {} if env_of(line) else values


def env_of(command: str) -> str | None:
    """The parameter set that a command is about."""
    found = re.match(r"orthanc-aws \w+ (\w+)", command)
    return found[1] if found else None


def change(shell: Shell, folder: Path, command: str, values: Mapping[str, str]) -> None:
    """Writes values into the parameter set of a command; what the shell knows stands in them as a variable."""
    env = env_of(command)
    if env and values:
        file = folder / "parameters" / f"{env}.json"
        known = {name: shell.run(f'printf %s "{value}"').printed for name, value in values.items()}
        file.write_text(json.dumps(json.loads(file.read_text()) | known))


def answer(command: str) -> str:
    return next((typed for beginning, typed in ANSWERS.items() if command.startswith(beginning)), "")


def logs(emulator: Emulator) -> object:
    return boto3.client(
        "logs",
        endpoint_url=emulator.endpoint_url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_every_command_ends_well(guide: Guide) -> None:
    failed = [f"{each.command}: {each.code}\n{each.printed}" for each in guide.ended if each.code]
    assert failed == []
    assert [each.command for each in guide.ended] == [
        command for command, _ in steps() if command not in ELSEWHERE
    ]


def test_what_is_not_run_here_is_in_the_guide_and_has_a_test() -> None:
    assert ELSEWHERE.keys() <= {command for command, _ in steps()}
    assert [command for command, elsewhere in ELSEWHERE.items() if not elsewhere.exists()] == []


def test_what_a_user_did_is_found_for_an_incident(guide: Guide) -> None:
    assert [row["action"] for row in guide.json("alice.json")] == ["retrieve"]
    assert [row["user"] for row in guide.json("study.json")] == ["alice", "ct-1"]


def test_the_backup_of_the_guide_is_what_it_restores(guide: Guide) -> None:
    command = next(
        each.command
        for each in guide.ended
        if "describe-backup-job" in each.command and "State" in each.command
    )
    state, _, point = guide.printed(command).split()
    assert state == "COMPLETED"
    assert point in guide.printed("orthanc-aws restore hospital --list")
    values = json.loads((guide.folder / "parameters" / "hospital.json").read_text())
    assert (values["DatabaseSnapshot"], values["DatabaseGeneration"]) == (point, 2)


def test_clients_are_kept_away_by_a_change_of_the_load_balancers_security_group(guide: Guide) -> None:
    assert "ClientRange" in guide.printed("orthanc-aws deploy hospital")

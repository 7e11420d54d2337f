"""A walk through the life of a deployment on an emulator of its own: every verb as a person would type it.

The documentation quotes what the commands print. What differs from run to run, such as times and made-up names, reads
the same in every transcript, and lines that do not matter for the walk are left out.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from scripts.emulator import Emulator, running

PARAMETERS = Path(__file__).parents[2] / "parameters" / "small.json"
_NO_IMAGES = {
    name: f"registry.example.org/{image}@sha256:{'0' * 64}"
    for name, image in (("OrthancImage", "orthanc"), ("NginxImage", "nginx"))
}
_SNAPSHOT = "arn:aws:rds:us-east-1:000000000000:cluster-snapshot:monday"
# What the documentation says in the place of what is another in every run.
_SAME = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-03-01 12:30:00 UTC"),
    (r"^\d\d:\d\d:\d\d ", "12:30:00 "),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "1234abcd-12ab-34cd-56ef-1234567890ab"),
    (r"orthanc-[0-9a-f]{8}", "orthanc-1a2b3c4d"),
    (r"-(?!0{12})[0-9a-f]{12}-", "-1a2b3c4d5e6f-"),
    (r"[0-9a-f]{13}(?=$|-policy$)", "1a2b3c4d5e6f7"),
    (r"(:secret:\S+)-[0-9a-f]{6}$", r"\1-1a2b3c"),
)


@dataclass(frozen=True)
class Step:
    """One command: what is done before it, its words, its exit code and those of its lines that matter."""

    before: str
    words: str
    exit_code: int
    lines: tuple[str, ...]


class _Walk:
    """Runs commands for a deployment called `hospital`."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator = emulator
        self._file = folder / "hospital.json"
        self._values: dict[str, Any] = json.loads(PARAMETERS.read_text("utf-8")) | _NO_IMAGES
        self.change()

    def change(self, **values: str) -> None:
        """Changes the parameter set."""
        self._values |= values
        self._file.write_text(json.dumps(self._values, indent=2))

    def keep_logs_for(self, days: int) -> None:
        """What somebody does in the console: NGINX's lines are kept for another time than the template says."""
        given = self._emulator.environment
        logs = boto3.client(
            "logs",
            endpoint_url=self._emulator.endpoint_url,
            region_name=given["AWS_REGION"],
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        )
        (group,) = [
            group["logGroupName"]
            for group in logs.describe_log_groups()["logGroups"]
            if group["logGroupName"].endswith("/nginx")
        ]
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)

    def run(self, before: str, words: str, shown: str) -> Step:
        """Runs `orthanc-aws` with the words; of its lines, those in which the pattern `shown` is found are kept."""
        verb, _, *options = words.split()
        done = subprocess.run(
            [str(Path(sys.executable).with_name("orthanc-aws")), verb, str(self._file), *options],
            env={**os.environ, **self._emulator.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed = done.stdout.replace(str(self._file), "hospital").splitlines()
        lines = tuple(_same(line) for line in printed if re.search(shown, line))
        return Step(before, f"orthanc-aws {words}", done.returncode, lines)


@cache
def walk() -> tuple[Step, ...]:
    """The steps of the walk, which takes a minute."""
    with running() as emulator, tempfile.TemporaryDirectory() as folder:
        return tuple(_steps(emulator, _Walk(emulator, Path(folder))))


def _steps(emulator: Emulator, hospital: _Walk) -> Iterator[Step]:
    ends = r"^[✓✗→!] |^  root/|^  then "
    yield hospital.run("A deployment is created.", "deploy hospital --yes", rf"{ends}|E      root \(")
    yield hospital.run("How it stands.", "status hospital", r"^orthanc|^changed|^✓ root|^[✓✗?] .*: ")
    hospital.change(NginxTasks="2-4")
    yield hospital.run(
        "`NginxTasks` is changed to `2-4`.", "deploy hospital --yes", rf"{ends}|^Changes|^  +[~±+-] "
    )
    hospital.change(OrthancTaskSize="2vcpu-8gib")
    emulator.inject("fail", "Service", reason="ECS Deployment Circuit Breaker was triggered")
    yield hospital.run(
        "`OrthancTaskSize` is changed, and the new tasks do not become healthy: AWS puts everything back.",
        "deploy hospital --yes",
        rf"{ends}|_FAILED|ROLLBACK_COMPLETE root ",
    )
    yield hospital.run("What is left of that.", "status hospital", r"^orthanc|^failed first|^[✓✗?] tasks")
    hospital.change(OrthancTaskSize="1vcpu-4gib", DatabaseSnapshot=_SNAPSHOT, DatabaseGeneration="2")
    yield hospital.run(
        "Somebody names a snapshot and the next generation of the database in the parameter set.",
        "deploy hospital --yes",
        r"^[✗→!] |^  root/",
    )
    hospital.keep_logs_for(7)
    yield hospital.run(
        "Somebody shortens in the console how long a log is kept.", "drift hospital --exit-code", "."
    )
    yield hospital.run(
        "The deployment is taken down.",
        "destroy hospital --yes-destroy orthanc-hospital",
        r"^[✓✗] |^kept .*(Vault|Secret|Bucket|LogGroup|DataKey)\b|^snapshot",
    )


def _same(line: str) -> str:
    for pattern, text in _SAME:
        line = re.sub(pattern, text, line)
    return line


def transcript() -> str:
    """The walk in Markdown: each command with what it printed, and its exit code unless that is 0."""
    return "\n\n".join(f"{step.before}\n\n{_block(step)}" for step in walk())


def _block(step: Step) -> str:
    ending = [f"(exit code {step.exit_code})"] if step.exit_code else []
    return "\n".join(("```console", f"$ {step.words}", *step.lines, *ending, "```"))

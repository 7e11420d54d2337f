"""Walks through the emulator: commands as a person types them, and what they print.

The documentation quotes walks. What differs from run to run, such as times and made-up names, reads the same in every
transcript, and lines that do not matter for the walk are left out.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from scripts.emulator import Emulator

PARAMETERS = Path(__file__).parents[2] / "parameters" / "small.json"
# What the documentation says in the place of what is another in every run.
_SAME = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-03-01 12:30:00 UTC"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "2026-03-01T12:30:00Z"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(?=  |$)", "2026-03-01 12:30"),
    (r"^\d\d:\d\d:\d\d ", "12:30:00 "),
    (r"-before-\d{14}", "-before-20260301123000"),
    (r"sha256:[0-9a-f]{64}", "sha256:1a2b3c4d…"),
    (r"[0-9a-f]{16}(?=-arm64|\.yaml)", "1a2b3c4d5e6f7890"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "1234abcd-12ab-34cd-56ef-1234567890ab"),
    (r"orthanc-[0-9a-f]{8}", "orthanc-1a2b3c4d"),
    (r"-(?!0{12})[0-9a-f]{12}-", "-1a2b3c4d5e6f-"),
    (r"(?<!\d)[0-9a-f]{13}(?=$|-policy$)", "1a2b3c4d5e6f7"),
    (r"(:secret:\S+)-[0-9a-f]{6}$", r"\1-1a2b3c"),
)


@dataclass(frozen=True)
class Step:
    """One command: what is done before it, its words, its exit code and those of its lines that matter.

    Where nothing is said to be done before, it is quoted together with the command before it.
    """

    before: str
    words: str
    exit_code: int
    lines: tuple[str, ...]


class Walk:
    """Runs commands for a parameter set `hospital`, on an emulator, in a folder that is empty otherwise."""

    def __init__(self, emulator: Emulator, folder: Path, **values: str) -> None:
        self._emulator, self._folder = emulator, folder
        self._file = folder / "hospital.json"
        self._values: dict[str, Any] = json.loads(PARAMETERS.read_text("utf-8"))
        self.change(**values)

    def change(self, **values: str) -> None:
        """Changes the parameter set."""
        self._values |= values
        self._file.write_text(json.dumps(self._values, indent=2))

    def client(self, service: str) -> Any:
        """A boto3 client of the emulated account."""
        given = self._emulator.environment
        return boto3.client(
            service,
            endpoint_url=self._emulator.endpoint_url,
            region_name=given["AWS_REGION"],
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        )

    def run(self, before: str, words: str, shown: str) -> Step:
        """Runs `orthanc-aws` with the words; of its lines, those in which the pattern `shown` is found are kept."""
        typed = [str(self._file) if word == "hospital" else word for word in words.split()]
        done = subprocess.run(
            [str(Path(sys.executable).with_name("orthanc-aws")), *typed],
            cwd=self._folder,
            env={**os.environ, **self._emulator.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed = done.stdout.replace(str(self._file), "hospital").splitlines()
        lines = tuple(_same(line) for line in printed if re.search(shown, line))
        return Step(before, f"orthanc-aws {words}", done.returncode, lines)


def _same(line: str) -> str:
    for pattern, text in _SAME:
        line = re.sub(pattern, text, line)
    return line


def transcript(steps: Iterable[Step]) -> str:
    """The steps of a walk in Markdown: each command with what it printed, and its exit code unless that is 0."""
    written: list[str] = []
    for step in steps:
        if step.before:
            written += [*(["```", ""] if written else []), step.before, "", "```console"]
        written += [f"$ {step.words}", *step.lines]
        written += [f"(exit code {step.exit_code})"] if step.exit_code else []
    return "\n".join([*written, "```"])

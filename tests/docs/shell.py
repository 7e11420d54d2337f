"""A shell as a person has it open: what one command sets, the next ones see."""

import os
import select
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SECONDS = 300


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code, and what it printed."""

    command: str
    code: int
    printed: str


class Shell:
    """A bash without a terminal, in a folder and an environment; ends with the block that it is opened for."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._answers, self._printed = folder / ".answers", folder / ".printed"
        self._codes, codes = os.pipe()
        # Without a terminal passwords, too, are asked for on the standard input.
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            pass_fds=[codes],
            start_new_session=True,
            text=True,
        )
        self._out = codes
        os.close(codes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.kill()
        self._bash.communicate()
        os.close(self._codes)

    def run(self, command: str, answers: str = "") -> Ended:
        """Runs a command, with what is typed where it asks; raises TimeoutError where it does not end."""
        self._answers.write_text(answers)
        self._type(f"{{ {command}\n}} <{self._answers} >{self._printed} 2>&1; echo $? >&{self._out}\n")
        return Ended(command, self._code(command), self._printed.read_text())

    def run_until_it_prints(self, command: str) -> Ended:
        """Runs a command that does not end by itself, and presses ctrl-C once it has printed something."""
        wait = f"until [ -s {self._printed} ]; do sleep 0.1; done"
        return self.run(f"set -m; {command} & {wait}; kill -INT %%; wait %%")

    def _type(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(line)
        self._bash.stdin.flush()

    def _code(self, command: str) -> int:
        if not select.select([self._codes], [], [], SECONDS)[0]:
            raise TimeoutError(f"{command}: {self._printed.read_text()}")
        return int(os.read(self._codes, 16))

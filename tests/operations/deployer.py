"""Deploys a small set to the emulator, for people of several kinds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.aws import changeset, stacks
from scripts.aws.session import Session
from scripts.console import Console
from scripts.operations.deploy import Options, apply
from scripts.operations.environment import Environment
from tests.operations.three_levels import write

UNASKED = Options(ask=False)


@dataclass
class Deployer:
    """Deploys sets of one test's folder."""

    folder: Path
    session: Session
    console: Console = field(default_factory=Console)

    def environment(self, **kinds: Any) -> Environment:
        return write(self.folder, **kinds)

    def deploy(self, options: Options = UNASKED, **kinds: Any) -> dict[str, str]:
        return apply(self.environment(**kinds), options, self.session, self.console)

    def stack(self) -> stacks.Stack | None:
        return stacks.find(self.session.cloudformation, self.environment().stack_name)

    def change_sets(self) -> list[str]:
        stack = self.stack()
        return changeset.leftovers(self.session.cloudformation, stack.name) if stack else []


class Refusing(Console):
    """A person who always says no."""

    def confirm(self, question: str) -> bool:
        return False

    def ask(self, question: str) -> str:
        return ""


class Interrupting(Console):
    """A person who presses ctrl-C when the first events appear."""

    @contextmanager
    def progress(self, *arguments: Any) -> Iterator[Any]:
        with super().progress(*arguments) as listener:

            def interrupt(_: Any) -> None:
                raise KeyboardInterrupt

            listener.events = interrupt  # type: ignore[method-assign]
            yield listener

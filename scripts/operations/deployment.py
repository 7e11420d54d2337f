"""What the steps of one deployment work with."""

from dataclasses import dataclass
from typing import Any

from scripts.aws import stacks
from scripts.aws.package import Template
from scripts.aws.session import Session
from scripts.console import Console
from scripts.operations.environment import Environment


@dataclass(frozen=True)
class Deployment:
    """An environment, its packaged root template, where it is deployed to, and who is told of it.

    `verb` is the command that, run again, carries on.
    """

    environment: Environment
    template: Template
    session: Session
    console: Console
    verb: str = "deploy"

    @property
    def cloudformation(self) -> Any:
        """The CloudFormation client of the account and region."""
        return self.session.cloudformation

    @property
    def stack_name(self) -> str:
        """The name of the root stack."""
        return self.environment.stack_name

    def stack(self) -> stacks.Stack | None:
        """The root stack as it is now, or None where there is none."""
        return stacks.find(self.cloudformation, self.stack_name)

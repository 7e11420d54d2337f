"""`orthanc-aws status`: how a stack and those nested in it stand, and how what runs in them fares."""

from dataclasses import dataclass
from typing import Any

from scripts.aws import events, stacks
from scripts.aws.failures import Failure
from scripts.aws.follow import read
from scripts.aws.session import Session
from scripts.aws.vocabulary import is_failure
from scripts.errors import OperationError
from scripts.operations import health
from scripts.operations.environment import Environment
from scripts.operations.ownership import require_own


@dataclass(frozen=True)
class Status:
    """A stack, the tree of what it nests, why its last operation failed, if it did, and how it fares."""

    stack: stacks.Stack
    tree: stacks.Nested
    failure: Failure | None
    health: list[health.Sign]

    @property
    def is_bad(self) -> bool:
        """Whether the last operation failed, or a sign of health is bad; one that is unknown is not."""
        return is_failure(self.stack.status) or any(sign.state == "bad" for sign in self.health)

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "StackName": self.stack.name,
            "StackId": self.stack.id,
            "StackStatus": self.stack.status,
            "Changed": self.stack.changed.isoformat(),
            "TerminationProtection": self.stack.protected,
            "Stacks": _as_json(self.tree),
            "Failure": self.failure.as_json() if self.failure else None,
            "Health": [sign.as_json() for sign in self.health],
        }


def find(environment: Environment, session: Session) -> stacks.Stack:
    """The environment's stack; raises OperationError where it was never deployed, or is another's."""
    stack = stacks.find(session.cloudformation, environment.stack_name)
    if stack is None:
        raise OperationError(
            f"There is no stack {environment.stack_name} in {session.region} of account {session.account}",
            "",
            f"`orthanc-aws deploy {environment.arguments}` creates it.",
        )
    require_own(stack, environment.root, environment.declared())
    return stack


def output(environment: Environment, session: Session, name: str) -> str:
    """An output of the environment's stack; raises OperationError where it has none of that name."""
    stack = find(environment, session)
    if name not in stack.outputs:
        raise _incomplete(environment, stack, f"output {name}")
    return stack.outputs[name]


def resource(environment: Environment, session: Session, path: tuple[str, ...]) -> str:
    """The name or ARN of the resource at a path of logical ids; raises OperationError where there is none."""
    stack = find(environment, session)
    physical_id = stacks.physical_id(session.cloudformation, stack.id, path)
    if not physical_id:
        raise _incomplete(environment, stack, "/".join(path))
    return physical_id


def _incomplete(environment: Environment, stack: stacks.Stack, lacking: str) -> OperationError:
    return OperationError(
        f"{stack.name} has no {lacking}",
        f"It is {stack.status}.",
        f"`orthanc-aws deploy {environment.arguments}` completes it.",
    )


def status(environment: Environment, session: Session) -> Status:
    """How the environment's stack stands; raises OperationError where it was never deployed."""
    client = session.cloudformation
    stack = find(environment, session)
    failure = None
    if is_failure(stack.status):
        failure = read(events.OperationEvents(client, stack.id, events.start_of(client, stack.id))).failure
    tree = stacks.tree(client, stack.id, stack.status)
    return Status(stack, tree, failure, health.signs(session, tree))


def _as_json(tree: stacks.Nested) -> dict[str, Any]:
    return {
        "Path": "/".join(("root", *tree.path)),
        "Status": tree.status,
        "Resources": {logical_id: resource.status for logical_id, resource in tree.resources.items()},
        "Nested": [_as_json(child) for child in tree.children],
    }

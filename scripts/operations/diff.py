"""`orthanc-aws diff`: what a deployment would change, without changing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.aws import changeset
from scripts.aws.changeset import Change
from scripts.aws.package import package
from scripts.aws.session import Session
from scripts.aws.stacks import Stack
from scripts.aws.vocabulary import UPDATABLE
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deploy import check
from scripts.operations.deployment import Deployment
from scripts.operations.environment import Environment
from scripts.operations.images import with_known_images
from scripts.operations.proposal import request, upload


@dataclass(frozen=True)
class Difference:
    """What a deployment would change; it may have changes and none of them to a resource."""

    stack_name: str
    has_changes: bool
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "StackName": self.stack_name,
            "HasChanges": self.has_changes,
            "Changes": [change.as_json() for change in self.changes],
        }


def diff(
    environment: Environment,
    bucket_name: str | None,
    tags: Mapping[str, str],
    session: Session,
    console: Console,
) -> Difference:
    """Checks the environment and asks CloudFormation what deploying it would change.

    Uploads the templates, for CloudFormation to read them, and removes the change set in the end. Raises OperationError
    where a check finds something, where CloudFormation refuses the change, or where the stack is not at rest.
    """
    check(environment, console)
    environment = with_known_images(environment, session, console)
    deployment = Deployment(environment, package(environment.templates), session, console)
    stack = _at_rest(deployment)
    bucket = upload(deployment, bucket_name)
    console.step("Asking CloudFormation what would change")
    wanted = request(deployment, tags, bucket, stack)
    with changeset.propose(deployment.cloudformation, wanted, is_new=stack is None) as change_set:
        has_changes = change_set.wait()
        changes = change_set.changes() if has_changes else ()
    return Difference(environment.stack_name, has_changes, changes)


def _at_rest(deployment: Deployment) -> Stack | None:
    stack = deployment.stack()
    if stack is None or stack.status == "REVIEW_IN_PROGRESS":
        return None
    if stack.status not in UPDATABLE:
        raise OperationError(
            f"{stack.name} is {stack.status}",
            "CloudFormation takes no change set in this state.",
            "Wait for its end"
            if stack.in_progress
            else f"`orthanc-aws deploy {deployment.environment.arguments}` brings it to order first.",
        )
    return stack

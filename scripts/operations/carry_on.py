"""Brings a stack that an earlier run left behind, in whatever state, to one that can be deployed."""

from scripts.aws import changeset, events, stacks
from scripts.aws.events import OperationEvents
from scripts.aws.follow import read
from scripts.aws.stacks import Stack
from scripts.aws.vocabulary import UPDATABLE
from scripts.errors import OperationError
from scripts.operations import protection
from scripts.operations.deployment import Deployment
from scripts.operations.ownership import require_own
from scripts.operations.watch import failed, watch

_STUCK = frozenset(
    ("CREATE_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED", "ROLLBACK_FAILED", "UPDATE_FAILED")
)


def settle(deployment: Deployment) -> Stack | None:
    """The stack in a state that a change set can be made for, or None where it is yet to be created.

    Follows an operation that is under way, removes the empty rest of a creation that failed, continues a
    rollback that got stuck, removes change sets that were never executed, and guards what an earlier run left without
    a guard; says so each time. Raises OperationError where that fails, where a person has to decide, or where the stack
    is another's.
    """
    stack = deployment.stack()
    if stack:
        require_own(stack, deployment.environment.root, deployment.template.parameters)
    if stack and stack.in_progress:
        _attach(deployment, stack)
        stack = deployment.stack()
    if stack and stack.status in _STUCK:
        raise failed(deployment.environment, read(_last_operation(deployment, stack)), verb=deployment.verb)
    remedy = _REMEDIES.get(stack.status) if stack else None
    if stack and remedy:
        remedy(deployment, stack)
    if stack:
        _remove_leftovers(deployment, stack)
        stack = _guarded(deployment)
    return None if stack is None or stack.status == "REVIEW_IN_PROGRESS" else stack


def _guarded(deployment: Deployment) -> Stack | None:
    stack = deployment.stack()
    if stack and stack.status in UPDATABLE:
        protection.protect(deployment, stack)
    return stack


def _last_operation(deployment: Deployment, stack: Stack) -> OperationEvents:
    client = deployment.cloudformation
    return OperationEvents(client, stack.id, events.start_of(client, stack.id))


def _attach(deployment: Deployment, stack: Stack) -> None:
    client = deployment.cloudformation
    origin = changeset.description_of(client, stack.change_set_id) if stack.change_set_id else ""
    deployment.console.step(
        f"{stack.name} is {stack.status} ({origin or 'not by this tool'}): following it first"
    )
    report = watch(deployment, stack.id, events.start_of(client, stack.id))
    if not report.succeeded:
        _guarded(deployment)
        raise failed(deployment.environment, report, verb=deployment.verb)


def _remove_remains(deployment: Deployment, stack: Stack) -> None:
    deployment.console.step(f"Removing {stack.name}, the empty rest of a creation that was rolled back")
    failure = read(_last_operation(deployment, stack)).failure
    if failure:
        deployment.console.step(f"It had failed at {failure}")
    status = stacks.delete(deployment.cloudformation, stack.id)
    if status != "DELETE_COMPLETE":
        raise OperationError(
            f"{stack.name} is {status}",
            "",
            "Look at its events in the CloudFormation console, then try again.",
        )


def _continue_rollback(deployment: Deployment, stack: Stack) -> None:
    deployment.console.step(f"The last rollback of {stack.name} got stuck: continuing it")
    since = events.now_of(deployment.cloudformation, stack.id)
    deployment.cloudformation.continue_update_rollback(StackName=stack.id)
    report = watch(deployment, stack.id, since)
    if report.status != "UPDATE_ROLLBACK_COMPLETE":
        raise failed(deployment.environment, report, verb=deployment.verb)


def _remove_leftovers(deployment: Deployment, stack: Stack) -> None:
    for change_set_id in changeset.leftovers(deployment.cloudformation, stack.name):
        deployment.console.step("Removing a change set that an earlier run left unexecuted")
        changeset.discard(deployment.cloudformation, stack.name, change_set_id)


_REMEDIES = {"ROLLBACK_COMPLETE": _remove_remains, "UPDATE_ROLLBACK_FAILED": _continue_rollback}

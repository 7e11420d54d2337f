"""Follows an operation on the screen, and says what to do when it fails or when it is lost from sight."""

from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws.errors import explain
from scripts.aws.events import OperationEvents
from scripts.aws.follow import Report, follow
from scripts.aws.package import Template
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.environment import Environment

_LATER_REASONS = 3
_ADVICE = {
    "ROLLBACK_COMPLETE": "Nothing is left but the empty stack with its events. Correct the cause and run `{deploy}` "
    "again: it removes the stack first.",
    "UPDATE_ROLLBACK_COMPLETE": "The stack is as it was before. Correct the cause and run `{deploy}` again.",
    "UPDATE_ROLLBACK_FAILED": "The rollback got stuck. Remove what is in its way and run `{deploy}` again: it "
    "continues the rollback. Where a resource is beyond repair: `aws cloudformation continue-update-rollback "
    "--stack-name {stack} --resources-to-skip …`.",
    "ROLLBACK_FAILED": "Something that the creation made could not be removed. Empty or remove it by hand, then `aws "
    "cloudformation delete-stack --stack-name {stack}` and run `{deploy}` again.",
    "DELETE_FAILED": "Something could not be removed. See to it that it may go, or keep it with `aws cloudformation "
    "delete-stack --stack-name {stack} --retain-resources …`, then run `{deploy}` again.",
    "CREATE_FAILED": "The creation failed and was told not to roll back. Once its parts are not needed: `aws "
    "cloudformation delete-stack --stack-name {stack}`, then run `{deploy}` again.",
    "UPDATE_FAILED": "The update failed and was told not to roll back: `aws cloudformation rollback-stack "
    "--stack-name {stack}`, then run `{deploy}` again.",
}


def watch(
    environment: Environment,
    session: Session,
    stack_id: str,
    since: datetime,
    template: Template,
    console: Console,
) -> Report:
    """Follows the operation that began after `since` to its end and shows it.

    Raises OperationError when it is lost from sight (ctrl-C, expired credentials, no connection): it goes on in AWS,
    and the error says how to find it again.
    """
    operation = OperationEvents(session.cloudformation, stack_id, since)
    try:
        with console.progress(environment.stack_name, template) as listener:
            return follow(operation, listener)
    except KeyboardInterrupt:
        raise _out_of_sight(environment, "stopped by ctrl-C", "") from None
    except (OperationError, BotoCoreError, ClientError) as error:
        explained = error if isinstance(error, OperationError) else explain(error)
        raise _out_of_sight(environment, str(explained), explained.advice if explained else "") from error


def failed(environment: Environment, report: Report) -> OperationError:
    """The error for an operation that ended badly: the first reason, those that came after it, what to do next."""
    advice = _ADVICE.get(report.status, "Look at the stack's events in the CloudFormation console.")
    return OperationError(
        f"{environment.stack_name} is {report.status}",
        _reasons(report),
        advice.format(deploy=f"orthanc-aws deploy {environment.name}", stack=environment.stack_name),
    )


def _reasons(report: Report) -> str:
    if report.failure is None:
        return "its events give no reason"
    later = report.failure.later
    lines = [str(report.failure), *(f"then {event}: {event.reason}" for event in later[:_LATER_REASONS])]
    if len(later) > _LATER_REASONS:
        lines.append(f"and {len(later) - _LATER_REASONS} more failures")
    return "\n".join(lines)


def _out_of_sight(environment: Environment, reason: str, advice: str) -> OperationError:
    find_again = (
        f"The operation goes on in AWS. `orthanc-aws deploy {environment.name}` follows it again, "
        f"`orthanc-aws status {environment.name}` shows how it stands."
    )
    return OperationError(
        f"{environment.stack_name} is no longer followed",
        reason,
        " ".join(filter(None, (find_again, advice))),
    )

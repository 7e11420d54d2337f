"""Follows an operation on the screen, and says what to do when it fails or when it is lost from sight."""

from datetime import datetime

from scripts.aws.advice import on_failure
from scripts.aws.errors import INTERRUPTIONS, interrupted
from scripts.aws.events import OperationEvents
from scripts.aws.follow import Report, follow
from scripts.errors import OperationError
from scripts.operations.deployment import Deployment
from scripts.operations.environment import Environment

_LATER_REASONS = 3
_ADVICE = {
    "ROLLBACK_COMPLETE": "Only the empty stack with its events is left. Correct the cause and run `{deploy}` "
    "again: it removes that first.",
    "UPDATE_ROLLBACK_COMPLETE": "The stack is as it was before. Correct the cause and run `{deploy}` again.",
    "UPDATE_ROLLBACK_FAILED": "The rollback got stuck. Remove what is in its way and run `{deploy}` again: "
    "it continues the rollback. Where a resource is beyond repair: `aws cloudformation "
    "continue-update-rollback --stack-name {stack} --resources-to-skip ...`.",
    "ROLLBACK_FAILED": "A part of the failed creation could not be removed. Remove what is in the way, "
    "then `orthanc-aws destroy {arguments}` and run `{deploy}` again.",
    "DELETE_FAILED": "A resource could not be deleted. Remove what is in the way, or keep the resource with "
    "`aws cloudformation delete-stack --stack-name {stack} --retain-resources ...`; then `{deploy}` again.",
    "CREATE_FAILED": "The creation failed and was told not to roll back. Once its parts are not needed: "
    "`orthanc-aws destroy {arguments}`, then run `{deploy}` again.",
    "UPDATE_FAILED": "The update failed and was told not to roll back: `aws cloudformation rollback-stack "
    "--stack-name {stack}`, then run `{deploy}` again.",
}


def watch(deployment: Deployment, stack_id: str, since: datetime) -> Report:
    """Shows the operation on the stack that began after `since`, and reports how it ended.

    Raises OperationError when it is lost from sight (ctrl-C, expired credentials, no connection): it goes
    on in AWS, and the error says how to find it again.
    """
    operation = OperationEvents(deployment.cloudformation, stack_id, since)
    try:
        with deployment.console.progress(deployment.stack_name, deployment.template) as listener:
            return follow(operation, listener)
    except INTERRUPTIONS as error:
        raise _out_of_sight(deployment, error) from None


def failed(
    environment: Environment, report: Report, advice: str = "", verb: str = "deploy"
) -> OperationError:
    """The error for an operation that ended badly: the first reason, the later ones, what to do about it and next.

    An `advice` of the caller's takes the place of the usual one; it may name {stack} and the {arguments} of ENV. `verb`
    is the command to run again.
    """
    advice = advice or _ADVICE.get(report.status, "Look at the stack's events in the CloudFormation console.")
    then = advice.format(
        deploy=f"orthanc-aws {verb} {environment.arguments}",
        arguments=environment.arguments,
        stack=environment.stack_name,
    )
    cure = on_failure(report.failure.first.reason) if report.failure else ""
    return OperationError(
        f"{environment.stack_name} is {report.status}", _reasons(report), " ".join(filter(None, (cure, then)))
    )


def _reasons(report: Report) -> str:
    """The first failure and the independent later ones, of which the last tells why a rollback got stuck."""
    if report.failure is None:
        return "its events give no reason"
    later = [f"then {event}: {event.reason}" for event in report.failure.later]
    if len(later) > _LATER_REASONS:
        left_out = len(later) - _LATER_REASONS
        later = [*later[: _LATER_REASONS - 1], f"then {left_out} more", later[-1]]
    return "\n".join((str(report.failure), *later))


def _out_of_sight(deployment: Deployment, error: BaseException) -> OperationError:
    environment = deployment.environment
    find_again = (
        f"The operation goes on in AWS: `orthanc-aws {deployment.verb} {environment.arguments}` follows it again, "
        f"`orthanc-aws status {environment.arguments}` shows how it stands."
    )
    return interrupted(f"{environment.stack_name} is no longer followed", error, find_again)

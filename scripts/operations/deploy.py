"""`orthanc-aws deploy`: from the rendered set to a running stack."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from generator import render
from scripts.aws import artifacts, changeset, events, stacks
from scripts.aws.package import package
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.carry_on import settle
from scripts.operations.deployment import Deployment
from scripts.operations.environment import Environment
from scripts.operations.lint import lint
from scripts.operations.watch import failed, watch


@dataclass(frozen=True)
class Options:
    """How to deploy: the bucket for the templates (None: the account's own), further tags, whether to ask."""

    bucket: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    ask: bool = True


def deploy(environment: Environment, options: Options, session: Session, console: Console) -> dict[str, str]:
    """Checks the environment and deploys it; returns the outputs of its root stack.

    Raises OperationError with the first reason when a check finds something or `apply` fails.
    """
    check(environment, console)
    return apply(environment, options, session, console)


def apply(environment: Environment, options: Options, session: Session, console: Console) -> dict[str, str]:
    """Deploys the environment where anything would change; returns the outputs of its root stack.

    Raises OperationError with the first reason when the change is declined or the deployment is rolled back. A
    second run carries on from wherever the first one stopped.
    """
    deployment = Deployment(environment, package(environment.templates), session, console)
    bucket = _upload(deployment, options)
    stack = settle(deployment)
    request = _request(deployment, options, bucket, stack)
    if _change(deployment, request, is_new=stack is None, ask=options.ask):
        console.done(f"{environment.stack_name} is deployed")
    else:
        console.done(f"{environment.stack_name} is up to date: nothing to do")
    return _finish(deployment)


def check(environment: Environment, console: Console) -> None:
    """Every check that needs no account; raises OperationError with all findings of the first with any."""
    console.step("Checking templates and parameters")
    for what, find, advice in _CHECKS:
        findings = find(environment)
        if findings:
            raise OperationError(what, "\n".join(findings), advice.format(environment.parameters))
    console.done("Templates and parameters are in order")


def _stale(templates: Path) -> list[str]:
    """What differs from what the code renders; a folder other than the project's need not be rendered."""
    return render.check(templates) if templates == render.TEMPLATES else []


_Find = Callable[[Environment], list[str]]
_CHECKS: tuple[tuple[str, _Find, str], ...] = (
    (
        "The rendered set is stale",
        lambda environment: _stale(environment.templates),
        "Run `orthanc-aws render`.",
    ),
    ("The parameter set has mistakes", lambda environment: environment.mistakes(), "Correct {}."),
    (
        "The templates have findings",
        lambda environment: lint(environment.templates),
        "Correct the templates.",
    ),
)


def _upload(deployment: Deployment, options: Options) -> artifacts.Bucket:
    session, templates = deployment.session, deployment.template.all
    deployment.console.step(f"Account {session.account}, region {session.region}, as {session.caller}")
    bucket = artifacts.artifact_bucket(session, options.bucket)
    count = artifacts.upload(session, bucket, templates)
    deployment.console.done(f"{count} of {len(templates)} templates uploaded to s3://{bucket.name}")
    return bucket


def _request(
    deployment: Deployment, options: Options, bucket: artifacts.Bucket, stack: stacks.Stack | None
) -> changeset.Request:
    environment, template = deployment.environment, deployment.template
    location = artifacts.location(bucket)
    filled_in = {name: value for name, value in location.items() if name in template.parameters}
    own_tags = {"Application": "orthanc-aws", "Environment": environment.name}
    return changeset.Request(
        stack_name=environment.stack_name,
        template_url=artifacts.url(deployment.session, bucket, template),
        parameters=environment.values() | filled_in,
        tags=(stack.tags if stack else {}) | own_tags | options.tags,
        description=f"orthanc-aws deploy {environment.name}, by {deployment.session.caller}",
    )


def _change(deployment: Deployment, request: changeset.Request, *, is_new: bool, ask: bool) -> bool:
    """Proposes the change, shows it, asks, executes it and follows it; False when nothing would change."""
    client, console = deployment.cloudformation, deployment.console
    console.step("Asking CloudFormation what would change")
    with changeset.propose(client, request, is_new) as change_set:
        if not change_set.wait():
            return False
        console.changes(request.stack_name, change_set.changes())
        if ask and not console.confirm(f"Deploy {request.stack_name}?"):
            raise OperationError(
                "Not deployed", "nobody said yes", "The change set is removed; --yes deploys unasked."
            )
        since = events.now_of(client, change_set.stack_id)
        change_set.execute()
    report = watch(deployment, change_set.stack_id, since)
    if not report.succeeded:
        raise failed(deployment.environment, report)
    return True


def _finish(deployment: Deployment) -> dict[str, str]:
    stack = deployment.stack()
    if stack is None:
        raise OperationError(f"{deployment.stack_name} is gone", "somebody deleted it after the deployment")
    if not stack.protected:
        stacks.protect(deployment.cloudformation, stack)
        deployment.console.done("Termination protection is on")
    return stack.outputs

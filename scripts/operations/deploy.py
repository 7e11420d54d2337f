"""`orthanc-aws deploy`: from the rendered set to a running stack."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from generator import render
from scripts.aws import changeset, events, services, stacks
from scripts.aws.package import package
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations import protection, schemas
from scripts.operations.carry_on import settle
from scripts.operations.deployment import Deployment
from scripts.operations.environment import Environment
from scripts.operations.lint import lint_unless_clean
from scripts.operations.proposal import request, upload
from scripts.operations.watch import failed, watch


@dataclass(frozen=True)
class Options:
    """How to deploy: the bucket for the templates (None: the account's own), further tags, whether to ask.

    `allow_replacing` are the paths of resources that bear data, or of nested stacks with such resources in them, which
    this deployment may replace or remove. `around` is entered once a change is agreed to, and left when it has been
    executed; `verb` is the command that does all this.
    """

    bucket: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    ask: bool = True
    allow_replacing: tuple[protection.Path, ...] = ()
    around: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    verb: str = "deploy"


def deploy(environment: Environment, options: Options, session: Session, console: Console) -> dict[str, str]:
    """Checks the environment and deploys it; returns the outputs of its root stack.

    Images that its parameter set does not name are made first. Raises OperationError with the first reason when a check
    finds something, an image cannot be made, or `apply` fails.
    """
    # These have a stack of their own, which `apply` deploys, so that either module needs the other.
    from scripts.operations.images import with_images

    check(environment, console)
    return apply(with_images(environment, options, session, console), options, session, console)


def apply(environment: Environment, options: Options, session: Session, console: Console) -> dict[str, str]:
    """Deploys the environment where anything would change; returns the outputs of its root stack.

    Raises OperationError with the first reason when the change is declined or the deployment is rolled back. A
    second run carries on from wherever the first one stopped.
    """
    template = package(environment.templates, environment.root)
    deployment = Deployment(environment, template, session, console, options.verb)
    bucket = upload(deployment, options.bucket)
    stack = settle(deployment)
    wanted = request(deployment, options.tags, bucket, stack)
    if _change(deployment, wanted, options, stack):
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
        lambda environment: lint_unless_clean(environment.templates),
        "Correct the templates.",
    ),
)


def _change(
    deployment: Deployment, wanted: changeset.Request, options: Options, stack: stacks.Stack | None
) -> bool:
    """Proposes the change, shows it, asks, executes it and follows it; False when nothing would change.

    Without a `stack` it is yet to be created.
    """
    client, console = deployment.cloudformation, deployment.console
    console.step("Asking CloudFormation what would change")
    with changeset.propose(client, wanted, stack is None) as change_set:
        if not change_set.wait():
            return False
        changes = change_set.changes()
        console.changes(wanted.stack_name, changes)
        if stack:
            schemas.compare(deployment, stack, wanted)
        else:
            _tell_of_snapshot(deployment, wanted)
        losses = protection.permitted_losses(deployment, changes, options.allow_replacing)
        if options.ask and not console.confirm(f"Deploy {wanted.stack_name}?"):
            raise OperationError(
                "Not deployed", "nobody said yes", "The change set is removed; --yes deploys unasked."
            )
        guarded = change_set.stack_id if stack else None
        with options.around(), protection.guarding(deployment, guarded, losses):
            since = events.now_of(client, change_set.stack_id)
            change_set.execute()
            report = watch(deployment, change_set.stack_id, since)
            if not report.succeeded:
                raise failed(deployment.environment, report, verb=deployment.verb)
    return True


def _tell_of_snapshot(deployment: Deployment, wanted: changeset.Request) -> None:
    """A restore leaves its snapshot named, and whoever deploys the set anew later may not think of it."""
    if arn := wanted.parameters.get("DatabaseSnapshot"):
        deployment.console.step(
            f"The database begins as snapshot {arn} has it: what was stored later is not in it"
        )


def _finish(deployment: Deployment) -> dict[str, str]:
    stack = deployment.stack()
    if stack is None:
        raise OperationError(f"{deployment.stack_name} is gone", "somebody deleted it after the deployment")
    protection.protect(deployment, stack)
    if deployment.verb == "deploy":
        _tell_of_stopped(deployment, stack)
    return stack.outputs


def _tell_of_stopped(deployment: Deployment, stack: stacks.Stack) -> None:
    # What may not be asked for is no reason to fail a deployment that succeeded.
    with contextlib.suppress(BotoCoreError, ClientError, OperationError):
        arn = stacks.physical_id(deployment.cloudformation, stack.id, services.ORTHANC)
        if arn and services.service(deployment.session, arn).standing().is_held:
            deployment.console.step(
                "Orthanc is held by an upgrade that did not end: "
                f"`orthanc-aws upgrade {deployment.environment.arguments}` carries on and starts it"
            )

"""`orthanc-aws deploy`: from the rendered set to a running stack."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from generator import render
from scripts.aws import artifacts, changeset, events, stacks
from scripts.aws.package import Template, package
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.carry_on import Predecessor
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
    """Deploys the environment and returns the outputs of its root stack; does nothing where nothing changed.

    Raises OperationError with the first reason when a check finds something, the change is declined, or the
    deployment is rolled back. A second run carries on from wherever the first one stopped.
    """
    check(environment, console)
    template = package(environment.templates)
    bucket = _upload(template, options, session, console)
    stack = Predecessor(environment, session, template, console).settle()
    request = _request(environment, options, session, template, bucket, stack)
    if _change(environment, options, session, console, template, request, is_new=stack is None):
        console.done(f"{environment.stack_name} is deployed")
    else:
        console.done(f"{environment.stack_name} is up to date: nothing to do")
    return _finish(environment, session, console)


def check(environment: Environment, console: Console) -> None:
    """Every check that needs no account, quickest first; raises OperationError with all findings of the first that fails."""
    checks: tuple[tuple[str, Callable[[], list[str]], str], ...] = (
        ("The rendered set is stale", lambda: _stale(environment.templates), "Run `orthanc-aws render`."),
        ("The parameter set is wrong", environment.mistakes, f"Correct {environment.parameters}."),
        ("The templates have findings", lambda: lint(environment.templates), "Correct the generator."),
    )
    for what, find, advice in checks:
        findings = find()
        if findings:
            raise OperationError(what, "\n".join(findings), advice)
    console.done("Templates and parameters are checked")


def _stale(templates: Path) -> list[str]:
    """What differs from what the code renders; another folder than the project's holds somebody's own templates."""
    return render.check(templates) if templates == render.TEMPLATES else []


def _upload(
    template: Template, options: Options, session: Session, console: Console
) -> artifacts.Bucket:
    console.step(f"Account {session.account}, region {session.region}, as {session.caller}")
    bucket = artifacts.artifact_bucket(session, options.bucket)
    count = artifacts.upload(session, bucket, template.all)
    console.done(f"{count} of {len(template.all)} templates uploaded to s3://{bucket.name}/{artifacts.PREFIX}")
    return bucket


def _request(
    environment: Environment,
    options: Options,
    session: Session,
    template: Template,
    bucket: artifacts.Bucket,
    stack: stacks.Stack | None,
) -> changeset.Request:
    location = artifacts.location(bucket)
    filled_in = {name: value for name, value in location.items() if name in template.parameters}
    own_tags = {"Application": "orthanc-aws", "Environment": environment.name}
    return changeset.Request(
        stack_name=environment.stack_name,
        template_url=artifacts.url(session, bucket, template),
        parameters=environment.values() | filled_in,
        tags=(stack.tags if stack else {}) | own_tags | options.tags,
        description=f"orthanc-aws deploy {environment.name}, by {session.caller}",
    )


def _change(
    environment: Environment,
    options: Options,
    session: Session,
    console: Console,
    template: Template,
    request: changeset.Request,
    *,
    is_new: bool,
) -> bool:
    """Proposes the change, shows it, asks, executes it and follows it; False when nothing would change."""
    client = session.cloudformation
    console.step("Asking CloudFormation for the change set")
    with changeset.propose(client, request, is_new) as change_set:
        if not change_set.wait():
            return False
        console.changes(environment.stack_name, change_set.changes())
        if options.ask and not console.confirm(f"Deploy {environment.stack_name}?"):
            raise OperationError("Not deployed", "the change was declined", "The change set is removed.")
        since = events.now_of(client, change_set.stack_id)
        change_set.execute()
    report = watch(environment, session, change_set.stack_id, since, template, console)
    if not report.succeeded:
        raise failed(environment, report)
    return True


def _finish(environment: Environment, session: Session, console: Console) -> dict[str, str]:
    stack = stacks.find(session.cloudformation, environment.stack_name)
    if stack is None:
        raise OperationError(f"{environment.stack_name} is gone", "somebody deleted it after the deployment")
    if not stack.protected:
        stacks.protect(session.cloudformation, stack)
        console.done("Termination protection is on")
    return stack.outputs

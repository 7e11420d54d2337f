"""`orthanc-aws destroy`: takes a deployment down without losing what its templates keep."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws import events, stacks
from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.errors import INTERRUPTIONS, interrupted, told
from scripts.aws.events import Event, OperationEvents
from scripts.aws.package import package
from scripts.aws.session import Session
from scripts.aws.stacks import Stack
from scripts.aws.vocabulary import CLUSTER, UPDATABLE
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deployment import Deployment
from scripts.operations.environment import Environment
from scripts.operations.ownership import require_own
from scripts.operations.status import find
from scripts.operations.watch import failed, watch

_PROTECTION = "DeletionProtection"
_LATE_EVENTS = 60.0  # seconds
_ADVICE = (
    "Remove what is in its way and run `orthanc-aws destroy {arguments}` again: it goes on with what is left. To keep "
    "the resource instead: `aws cloudformation delete-stack --stack-name {stack} --retain-resources ...`."
)


@dataclass(frozen=True)
class Item:
    """A resource of a deployment and what becomes of it: Delete, Retain or Snapshot."""

    path: tuple[str, ...]
    resource_type: str
    physical_id: str
    fate: str

    def as_json(self) -> dict[str, str]:
        """The same for scripts."""
        return {
            "Path": "/".join(("root", *self.path)),
            "ResourceType": self.resource_type,
            "PhysicalResourceId": self.physical_id,
        }


@dataclass(frozen=True)
class Destroyed:
    """What is left of a deployment: resources that were kept, and the last snapshots of database clusters.

    `unknown` says why snapshots could not be looked for; it is empty where they were.
    """

    stack: Stack
    kept: tuple[Item, ...]
    snapshots: tuple[str, ...]
    unknown: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "StackName": self.stack.name,
            "StackId": self.stack.id,
            "Kept": [item.as_json() for item in self.kept],
            "Snapshots": list(self.snapshots),
            "SnapshotsUnknown": self.unknown or None,
        }


def destroy(environment: Environment, typed: str | None, session: Session, console: Console) -> Destroyed:
    """Deletes the environment's stacks, once the stack's name was typed; returns what was kept.

    `typed` is the name where it was given beforehand, or None to ask for it. A deletion that is under way already is
    followed to its end. Raises OperationError where the name is not that of the stack, where CloudFormation is at work
    on the stack, and with the first reason where something cannot be deleted. A stack that was destroyed already, such
    as by a run that was cut short, is told of again.
    """
    deployment = Deployment(
        environment, package(environment.templates, environment.root), session, console, "destroy"
    )
    stack = _present_or_deleted(environment, session) or find(environment, session)
    if stack.status in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"):
        console.step(f"{stack.name} is {stack.status} already: following it")
        return _follow(deployment, stack, events.start_of(deployment.cloudformation, stack.id))
    if stack.in_progress:
        raise OperationError(
            f"Not destroyed: {stack.name} is {stack.status}",
            "CloudFormation is at work on it.",
            f"`orthanc-aws status {environment.arguments}` shows how it stands; run the same command again then.",
        )
    console.plan(stack.name, plan(deployment.cloudformation, stack))
    _confirm(stack.name, typed, console)
    since = _begin(deployment, stack)
    return _follow(deployment, stack, since)


def _present_or_deleted(environment: Environment, session: Session) -> Stack | None:
    client, name = session.cloudformation, environment.stack_name
    stack = stacks.find(client, name) or stacks.last_deleted(client, name)
    if stack:
        require_own(stack, environment.root, environment.declared())
    return stack


def _begin(deployment: Deployment, stack: Stack) -> datetime:
    """Takes the protection away and has the deletion begin; returns the moment just before it."""
    try:
        _release(deployment, stack)
        since = events.now_of(deployment.cloudformation, stack.id)
        deployment.cloudformation.delete_stack(StackName=stack.id)
    except INTERRUPTIONS as error:
        arguments = deployment.environment.arguments
        raise interrupted(
            f"The deletion of {stack.name} may not have begun, and its protection may be off",
            error,
            f"`orthanc-aws destroy {arguments}` goes on; `orthanc-aws deploy {arguments}` protects it again instead.",
        ) from None
    return since


def plan(cloudformation: Any, stack: Stack) -> list[Item]:
    """What becomes of each resource of the stack and of those nested in it, by the templates as deployed."""
    return [
        item
        for nested in stacks.tree(cloudformation, stack.id, stack.status).all()
        for item in _items(cloudformation, nested)
    ]


def _items(cloudformation: Any, stack: stacks.Nested) -> Iterator[Item]:
    policies = stacks.deletion_policies(cloudformation, stack.id) if stack.resources else {}
    for logical_id, resource in stack.resources.items():
        fate = policies.get(logical_id, "Delete").removesuffix("ExceptOnCreate")
        yield Item((*stack.path, logical_id), resource.type, resource.physical_id, fate)


def _confirm(stack_name: str, typed: str | None, console: Console) -> None:
    if typed is None:
        typed = console.ask(f"Type the stack's name to destroy it ({stack_name})")
    if typed != stack_name:
        given = f"{typed!r} is not its name" if typed else "its name was not typed"
        raise OperationError(f"{stack_name} is not destroyed", given, "Nothing was changed.")


def _release(deployment: Deployment, stack: Stack) -> None:
    """Turns deletion protection off by an update of the parameter, then termination protection."""
    client, console = deployment.cloudformation, deployment.console
    if stack.parameters.get(_PROTECTION) == "true" and stack.status in UPDATABLE:
        console.step("Turning off the deletion protection of the database and the load balancers")
        since = events.now_of(client, stack.id)
        stacks.change_parameters(client, stack, {_PROTECTION: "false"})
        report = watch(deployment, stack.id, since)
        if not report.succeeded:
            raise failed(deployment.environment, report, verb=deployment.verb)
    if stack.protected:
        stacks.protect(client, stack, on=False)
        console.done("Termination protection is off")


def _follow(deployment: Deployment, stack: Stack, since: datetime) -> Destroyed:
    report = watch(deployment, stack.id, since)
    if not report.succeeded:
        raise failed(deployment.environment, report, _ADVICE)
    deployment.console.done(f"{stack.name} is destroyed")
    seen = _all_events(deployment.cloudformation, stack.id)
    clusters = {
        event.physical_id: None
        for event in seen
        if event.resource_type == CLUSTER and event.status == "DELETE_COMPLETE"
    }
    snapshots, unknown = _snapshots(deployment.session, list(clusters))
    kept = {
        Item(event.path, event.resource_type, event.physical_id, "Retain")
        for event in seen
        if event.status == "DELETE_SKIPPED"
    }
    for arn in snapshots:
        deployment.console.step(f"To deploy again with what was stored, name DatabaseSnapshot = {arn}")
    return Destroyed(stack, tuple(sorted(kept, key=lambda item: item.path)), snapshots, unknown)


def _all_events(cloudformation: Any, stack_id: str, clock: Clock = SYSTEM_CLOCK) -> list[Event]:
    """The events of all attempts to delete in the order of time, once those of all nested stacks are there."""
    operation = OperationEvents(cloudformation, stack_id, events.deletion_of(cloudformation, stack_id))
    for delay in growing(_LATE_EVENTS, clock):
        operation.poll(everything=True)
        if operation.settled:
            break
        clock.sleep(delay)
    return sorted(operation.seen, key=lambda event: event.time)


def _snapshots(session: Session, clusters: list[str]) -> tuple[tuple[str, ...], str]:
    """The ARNs of the last snapshots of clusters that are gone, or why they cannot be told."""
    try:
        rds = session.client("rds")
        return tuple(arn for cluster in clusters for arn in _last_snapshot(rds, cluster)), ""
    except (BotoCoreError, ClientError) as error:
        return (), str(told(error))


def _last_snapshot(rds: Any, cluster: str) -> list[str]:
    pages = rds.get_paginator("describe_db_cluster_snapshots").paginate(
        DBClusterIdentifier=cluster, SnapshotType="manual"
    )
    found = [snapshot for page in pages for snapshot in page["DBClusterSnapshots"]]
    found.sort(key=lambda snapshot: snapshot["SnapshotCreateTime"])
    return [snapshot["DBClusterSnapshotArn"] for snapshot in found[-1:]]

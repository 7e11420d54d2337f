"""`orthanc-aws upgrade`: another version of Orthanc, without two versions ever at work on one database.

A version whose database plugin has another schema converts the database when it starts, and the former one must not run
then. Source: Orthanc Book, "PostgreSQL plugins", on upgrades with several Orthancs on one database.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws import services, snapshots, stacks
from scripts.aws.session import Session
from scripts.aws.stacks import Stack
from scripts.aws.vocabulary import UPDATABLE
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deploy import Options, check, deploy
from scripts.operations.environment import Environment
from scripts.operations.status import find

_SERVICE, _CLUSTER = ("Orthanc", "Service"), ("Database", "Cluster")


def upgrade(environment: Environment, options: Options, session: Session, console: Console) -> dict[str, str]:
    """Stops Orthanc, takes a snapshot of its database, deploys, and starts it; returns the root's outputs.

    Raises OperationError where the answer is no or a step fails. Where the stack is at rest then, the former version is
    started again, which finds the database as it was. Where the deployment goes on unwatched, Orthanc stays stopped:
    the same command, run again, carries on.
    """
    check(environment, console)
    stack = find(environment, session)
    orthanc = services.service(session, _found(environment, stack, session, _SERVICE))
    cluster = _found(environment, stack, session, _CLUSTER)
    console.step("Orthanc is stopped for the time of the upgrade; clients get 503 until it has started again")
    if options.ask and not console.confirm(f"Stop and upgrade {stack.name}?"):
        raise OperationError("Not upgraded", "nobody said yes", "Nothing was changed.")
    try:
        console.step("Stopping all tasks of Orthanc")
        orthanc.stop()
        snapshot = _save(session.client("rds"), cluster, console)
        outputs = deploy(environment, replace(options, orthanc_is_stopped=True), session, console)
    except BaseException:
        _go_back(environment, orthanc, session, console)
        raise
    _start(environment, orthanc, snapshot, console)
    return outputs


def _go_back(environment: Environment, orthanc: services.Service, session: Session, console: Console) -> None:
    try:
        if find(environment, session).status in UPDATABLE:
            console.step("Starting Orthanc as it was")
            orthanc.start()
            return
    except (OperationError, BotoCoreError, ClientError) as error:
        console.step(str(error))
    console.step(f"Orthanc is stopped: `orthanc-aws upgrade {environment.arguments}` carries on")


def _found(environment: Environment, stack: Stack, session: Session, path: tuple[str, ...]) -> str:
    physical_id = stacks.physical_id(session.cloudformation, stack.id, path)
    if not physical_id:
        raise OperationError(
            f"{stack.name} has no {'/'.join(path)}",
            f"It is {stack.status}.",
            f"`orthanc-aws deploy {environment.arguments}` completes it.",
        )
    return physical_id


def _save(rds: Any, cluster: str, console: Console) -> str:
    """Takes a snapshot of the database, which no task uses now; returns its ARN."""
    name = f"{cluster}-before-{datetime.now(UTC):%Y%m%d%H%M%S}"
    console.step(f"Taking the snapshot {name}")
    arn = snapshots.take(rds, cluster, name)
    console.done(f"The database as it was is {arn}")
    return arn


def _start(environment: Environment, orthanc: services.Service, snapshot: str, console: Console) -> None:
    console.step("Starting Orthanc")
    try:
        orthanc.start()
    except OperationError as error:
        raise OperationError(
            error.what,
            error.reason,
            f"`orthanc-aws logs {environment.arguments} orthanc` says why. To go back, put the former image into the "
            f"parameter set, and `orthanc-aws restore {environment.arguments} --snapshot {snapshot}`.",
        ) from None
    console.done("Orthanc runs again")

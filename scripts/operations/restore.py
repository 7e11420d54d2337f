"""`orthanc-aws restore`: puts a database restored from a snapshot, or to a moment, in the place of the present one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.aws import snapshots, stacks
from scripts.aws.session import Session
from scripts.aws.snapshots import Snapshot
from scripts.aws.vocabulary import UPDATABLE
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deploy import Options, check, deploy
from scripts.operations.environment import Environment
from scripts.operations.status import find

_CLUSTER = ("Database", "Cluster")
_SNAPSHOT, _GENERATION = "DatabaseSnapshot", "DatabaseGeneration"


def restorable(environment: Environment, session: Session) -> tuple[list[Snapshot], datetime, datetime]:
    """The snapshots of the environment's cluster, and the first and the last moment that it can go back to."""
    rds, cluster = session.client("rds"), _cluster(environment, find(environment, session), session)
    return snapshots.of_cluster(rds, cluster), *snapshots.window(rds, cluster)


def restore(
    environment: Environment, source: str | datetime, options: Options, session: Session, console: Console
) -> dict[str, str]:
    """Restores a snapshot by its ARN, or the database at a moment, and deploys it; returns the root's outputs.

    Once a person has said yes, the parameter set names the snapshot and the next generation, which is what makes
    CloudFormation replace the cluster. Another run with the same source carries on. Raises OperationError where the
    source cannot be restored, where the answer is no, or where the deployment fails.
    """
    stack = find(environment, session)
    if stack.status not in UPDATABLE:
        raise OperationError(
            f"{stack.name} is {stack.status}",
            "It cannot be changed in this state.",
            f"`orthanc-aws deploy {environment.arguments}` brings it to order first.",
        )
    file = _file(environment)
    check(environment, console)
    cluster = _cluster(environment, stack, session)
    rds = session.client("rds")
    _check(rds, cluster, source, session)
    _warn(stack, cluster, source, console)
    if options.ask and not console.confirm(f"Restore, and change {file}?"):
        raise OperationError("Not restored", "nobody said yes", "Nothing was changed.")
    arn = source if isinstance(source, str) else snapshots.of_moment(rds, cluster, source, console.step)
    _name(file, environment, stack, arn, console)
    outputs = deploy(environment, replace(options, allow_replacing=(_CLUSTER[:1],)), session, console)
    _tell_of_former(rds, cluster, console)
    return outputs


def _file(environment: Environment) -> Path:
    if environment.parameters is None:
        raise OperationError(
            "There is no parameter set to change", "A restore raises DatabaseGeneration in it."
        )
    return environment.parameters


def _cluster(environment: Environment, stack: stacks.Stack, session: Session) -> str:
    cluster = stacks.physical_id(session.cloudformation, stack.id, _CLUSTER)
    if not cluster:
        raise OperationError(
            f"{stack.name} has no {'/'.join(_CLUSTER)}",
            f"It is {stack.status}.",
            f"`orthanc-aws deploy {environment.arguments}` completes it.",
        )
    return cluster


def _check(rds: Any, cluster: str, source: str | datetime, session: Session) -> None:
    if isinstance(source, datetime):
        first, last = snapshots.window(rds, cluster)
        if not first <= source <= last:
            raise OperationError(
                f"{cluster} cannot go back to {_utc(source)}",
                f"It can to any moment from {_utc(first)} to {_utc(last)}.",
            )
        return
    if f":{session.account}:cluster-snapshot:" not in source:
        return  # One that another account shares may be used without being seen.
    snapshot = snapshots.find(rds, source)
    if snapshot is None or snapshot.status != "available":
        state = f"It is {snapshot.status}." if snapshot else "There is none of that name."
        raise OperationError(f"{source} cannot be restored", state, "--list shows those that there are.")


def _warn(stack: stacks.Stack, cluster: str, source: str | datetime, console: Console) -> None:
    what = f"its state of {_utc(source)}" if isinstance(source, datetime) else source
    console.step(f"{cluster} will be replaced by a cluster made from {what}")
    console.step(
        "What was stored since is not in the new one. Keep clients away first: narrow ClientRanges, and deploy"
    )
    if stack.parameters.get("ImageStorage") == "s3":
        console.step(
            "DICOM files are in S3: restore the bucket to a moment no earlier than that of the database"
        )


def _name(file: Path, environment: Environment, stack: stacks.Stack, arn: str, console: Console) -> None:
    """Has the parameter set name the snapshot and a generation that the deployment did not have yet."""
    deployed = int(stack.parameters.get(_GENERATION, "1"))
    values = environment.values()
    if values.get(_SNAPSHOT) == arn and int(values.get(_GENERATION, "1")) > deployed:
        return
    before = json.loads(file.read_text("utf-8"))
    after = {**before, _SNAPSHOT: arn, _GENERATION: deployed + 1}
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.write_text(json.dumps(after, indent=2, ensure_ascii=False) + "\n", "utf-8")
    unfinished.replace(file)
    console.done(
        f"{file} names the snapshot and generation {deployed + 1}; leave both as they are from now on"
    )


def _tell_of_former(rds: Any, cluster: str, console: Console) -> None:
    """Deletion protection keeps the former cluster from being deleted; CloudFormation has then let go of it."""
    found = [each["DBClusterIdentifier"] for each in rds.describe_db_clusters()["DBClusters"]]
    if cluster in found:
        console.step(
            f"The former cluster {cluster} is still there, and costs: delete it once nothing is missed"
        )


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC}"

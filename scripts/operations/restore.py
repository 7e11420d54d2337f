"""`orthanc-aws restore`: puts a database restored from a snapshot, or to a moment, in the place of the present one."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.aws import log_groups, snapshots, stacks
from scripts.aws.errors import INTERRUPTIONS, interrupted
from scripts.aws.session import Session
from scripts.aws.snapshots import Snapshot
from scripts.aws.vocabulary import UPDATABLE
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deploy import Options, check, deploy
from scripts.operations.environment import Environment
from scripts.operations.status import find, resource

_CLUSTER = ("Database", "Cluster")
_SNAPSHOT, _GENERATION = "DatabaseSnapshot", "DatabaseGeneration"


def restorable(
    environment: Environment, session: Session
) -> tuple[list[Snapshot], tuple[datetime, datetime] | None]:
    """The snapshots of the environment's cluster, and the first and the last moment that it can go back to, if any."""
    rds, cluster = session.client("rds"), resource(environment, session, _CLUSTER)
    found = snapshots.of_cluster(rds, cluster)
    try:
        return found, snapshots.window(rds, cluster)
    except OperationError:
        return found, None


def restore(
    environment: Environment, source: str | datetime, options: Options, session: Session, console: Console
) -> dict[str, str]:
    """Restores a snapshot by its ARN, or the database at a moment, and deploys it; returns the root's outputs.

    Once a person has said yes, the parameter set names the snapshot and the next generation, which is what makes
    CloudFormation replace the cluster. Another run with the same source carries on, and replaces nothing where the
    database is made from it already. Raises OperationError where the source cannot be restored, where the answer is
    no, or where the deployment fails.
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
    cluster = resource(environment, session, _CLUSTER)
    rds = session.client("rds")
    source = _carried_on(environment, _by_arn(environment, rds, source))
    if _is_in_place(environment, stack, source):
        console.step(
            f"{cluster} is made from {source} already. To make it anew, raise {_GENERATION} and run "
            f"`orthanc-aws deploy {environment.arguments} --allow-replacing {_CLUSTER[0]}`"
        )
        return deploy(environment, options, session, console)
    _check(rds, cluster, source, session)
    _warn(stack, cluster, source, console)
    if options.ask and not console.confirm(f"Restore, and change {file}?"):
        raise OperationError("Not restored", "nobody said yes", "Nothing was changed.")
    arn = source if isinstance(source, str) else _of_moment(rds, cluster, source, console)
    generation = _free_generation(environment, stack, arn, cluster, session, console)
    _name(file, environment, arn, generation, console)
    try:
        outputs = deploy(environment, replace(options, allow_replacing=(_CLUSTER[:1],)), session, console)
    except INTERRUPTIONS as error:
        command = f"orthanc-aws restore {environment.arguments} --snapshot {arn}"
        raise interrupted(
            "The restore is not known to be complete", error, f"Then `{command}` carries on."
        ) from None
    _tell_of_former(rds, cluster, console)
    return outputs


def _of_moment(rds: Any, cluster: str, moment: datetime, console: Console) -> str:
    try:
        return snapshots.of_moment(rds, cluster, moment, console.step)
    except INTERRUPTIONS as error:
        name = snapshots.name_of_moment(cluster, moment)
        raise interrupted(
            f"There is no snapshot of {_utc(moment)} yet, and nothing was replaced",
            error,
            f"A temporary cluster {name} may be there, which costs: the same command, run again, carries on with it "
            "and deletes it.",
        ) from None


def _file(environment: Environment) -> Path:
    if environment.parameters is None:
        raise OperationError(
            "There is no parameter set to change", "A restore raises DatabaseGeneration in it."
        )
    return environment.parameters


def _by_arn(environment: Environment, rds: Any, source: str | datetime) -> str | datetime:
    """A snapshot by its ARN, where it is named as the RDS console names it.

    Raises OperationError where the parameter set could not hold it.
    """
    if isinstance(source, str) and not source.startswith("arn:"):
        named = snapshots.find(rds, source)
        source = named.arn if named else source
    if isinstance(source, str):
        mistakes = environment.mistakes({_SNAPSHOT: source})
        if mistakes:
            raise OperationError(
                f"{source} cannot be restored",
                "\n".join(mistakes),
                "--list shows the snapshots that there are.",
            )
    return source


def _carried_on(environment: Environment, source: str | datetime) -> str | datetime:
    """The snapshot that the parameter set names, where a run for the same moment made it; otherwise the source."""
    named = environment.values().get(_SNAPSHOT, "")
    if isinstance(source, datetime) and named.endswith(snapshots.name_of_moment("", source)):
        return named
    return source


def _is_in_place(environment: Environment, stack: stacks.Stack, source: str | datetime) -> bool:
    values = environment.values()
    return values.get(_SNAPSHOT) == stack.parameters.get(_SNAPSHOT) == source and (
        values.get(_GENERATION, "1") == stack.parameters.get(_GENERATION, "1")
    )


def _check(rds: Any, cluster: str, source: str | datetime, session: Session) -> None:
    if isinstance(source, datetime):
        if snapshots.find(rds, snapshots.name_of_moment(cluster, source)):
            return  # An interrupted run made it when there still was a way back to that moment.
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


def _free_generation(
    environment: Environment, stack: stacks.Stack, arn: str, cluster: str, session: Session, console: Console
) -> int:
    """The first generation later than the deployed one whose names are free.

    A run that was rolled back leaves a cluster that deletion protection guards, and the log group of any.
    """
    deployed, values = int(stack.parameters.get(_GENERATION, "1")), environment.values()
    named = int(values.get(_GENERATION, "1")) if values.get(_SNAPSHOT) == arn else 0
    prefix = cluster.rpartition("-")[0]
    generation = max(named, deployed + 1)
    while left := list(_leftovers(f"{prefix}-{generation}", session)):
        console.step(f"Generation {generation} is taken, as an earlier run left {' and '.join(left)}")
        generation += 1
    return generation


def _leftovers(cluster: str, session: Session) -> Iterator[str]:
    if snapshots.cluster_exists(session.client("rds"), cluster):
        yield f"the cluster {cluster}, which costs: delete it"
    group = f"/aws/rds/cluster/{cluster}/postgresql"
    if log_groups.exists(session.client("logs"), group):
        yield f"the log group {group}"


def _name(file: Path, environment: Environment, arn: str, generation: int, console: Console) -> None:
    """Has the parameter set name the snapshot and the generation, where it does not yet."""
    values = environment.values()
    if values.get(_SNAPSHOT) == arn and values.get(_GENERATION) == str(generation):
        return
    before = json.loads(file.read_text("utf-8"))
    after = {**before, _SNAPSHOT: arn, _GENERATION: generation}
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.write_text(json.dumps(after, indent=2, ensure_ascii=False) + "\n", "utf-8")
    unfinished.replace(file)
    console.done(f"{file} names the snapshot and generation {generation}; leave both as they are from now on")


def _tell_of_former(rds: Any, cluster: str, console: Console) -> None:
    """Deletion protection keeps the former cluster from being deleted; CloudFormation has then let go of it."""
    if snapshots.cluster_exists(rds, cluster):
        console.step(
            f"The former cluster {cluster} is still there, and costs: delete it once nothing is missed"
        )


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC}"

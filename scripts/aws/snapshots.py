"""Snapshots of database clusters: those that there are, and one of a moment in the past."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.errors import code_of
from scripts.aws.patience import Patience, Say
from scripts.errors import OperationError

# Without a type RDS tells of manual and automated ones alone, and of an automated one by its name not at all. Source:
# RDS API reference, DescribeDBClusterSnapshots.
_TYPES = ("manual", "awsbackup", "automated")
_TYPE_BY_PREFIX = {"rds": "automated", "awsbackup": "awsbackup"}
_LONGEST_STEP = 6 * 3600.0  # seconds; restoring terabytes takes hours

Describe = Callable[[], dict[str, Any] | None]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a cluster: `kind` is manual, awsbackup or automated, `time` when it was made."""

    arn: str
    cluster: str
    kind: str
    status: str
    time: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its identifier, which is unique among the snapshots of an account and region."""
        return self.arn.rpartition("cluster-snapshot:")[2]

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "SnapshotArn": self.arn,
            "Type": self.kind,
            "Status": self.status,
            "Time": self.time.isoformat() if self.time else None,
        }


def of_cluster(rds: Any, cluster: str) -> list[Snapshot]:
    """Every snapshot of a cluster, the latest first; none of a type that RDS does not know in this region."""
    found = [snapshot for kind in _TYPES for snapshot in _of_type(rds, cluster, kind)]
    beginning = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda snapshot: snapshot.time or beginning, reverse=True)


def _of_type(rds: Any, cluster: str, kind: str) -> list[Snapshot]:
    pages = rds.get_paginator("describe_db_cluster_snapshots").paginate(
        DBClusterIdentifier=cluster, SnapshotType=kind
    )
    try:
        return [_snapshot(record) for page in pages for record in page["DBClusterSnapshots"]]
    except ClientError as error:
        if code_of(error).startswith("InvalidParameter"):
            return []
        raise


def find(rds: Any, arn: str) -> Snapshot | None:
    """The snapshot of this account with that ARN, or None."""
    record = _describe_snapshot(rds, arn.rpartition("cluster-snapshot:")[2])()
    return _snapshot(record) if record else None


def cluster_exists(rds: Any, name: str) -> bool:
    """Whether there is a cluster of that name, in whatever state."""
    return _describe_cluster(rds, name)() is not None


def window(rds: Any, cluster: str) -> tuple[datetime, datetime]:
    """The first and the last moment that the cluster can be restored to; OperationError where there is none."""
    record = _describe_cluster(rds, cluster)() or {}
    first, last = record.get("EarliestRestorableTime"), record.get("LatestRestorableTime")
    if first is None or last is None:
        raise OperationError(f"{cluster} cannot go back to any moment yet", "RDS tells of none.")
    return first, last


def name_of_moment(cluster: str, moment: datetime) -> str:
    """What `of_moment` names the snapshot, and the temporary cluster that it is taken of."""
    return f"{cluster}-at-{moment.astimezone(UTC):%Y%m%d%H%M%S}"


def of_moment(rds: Any, cluster: str, moment: datetime, tell: Say, clock: Clock = SYSTEM_CLOCK) -> str:
    """A snapshot of the cluster as it was at a moment; returns its ARN.

    A temporary cluster is restored to that moment, a snapshot taken of it, and the cluster deleted. Both are named by
    the moment, so that another run for the same one carries on where the first stopped. `tell` hears of each step.
    """
    name = name_of_moment(cluster, moment)
    temporary, snapshot = _describe_cluster(rds, name), _describe_snapshot(rds, name)
    if snapshot() is None:
        if temporary() is None:
            tell(f"Restoring a temporary cluster {name}")
            _restore(rds, cluster, name, moment)
        tell(f"Waiting for the cluster {name}")
        _wait(temporary, name, tell, clock)
        tell(f"Taking the snapshot {name}")
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=name, DBClusterIdentifier=name)
    tell(f"Waiting for the snapshot {name}")
    made = _snapshot(_wait(snapshot, name, tell, clock))
    if temporary() is not None:
        tell(f"Deleting the temporary cluster {name}")
        rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
    return made.arn


def take(
    rds: Any, cluster: str, name: str, tags: Mapping[str, str], tell: Say, clock: Clock = SYSTEM_CLOCK
) -> str:
    """Takes a snapshot of a cluster, unless there is one of that name, and waits for it; returns its ARN.

    `tell` hears of it where AWS cannot be asked for a while.
    """
    snapshot = _describe_snapshot(rds, name)
    if snapshot() is None:
        rds.create_db_cluster_snapshot(
            DBClusterSnapshotIdentifier=name,
            DBClusterIdentifier=cluster,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
    return _snapshot(_wait(snapshot, name, tell, clock)).arn


def _restore(rds: Any, cluster: str, name: str, moment: datetime) -> None:
    source = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
    rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier=name,
        SourceDBClusterIdentifier=cluster,
        RestoreToTime=moment,
        DBSubnetGroupName=source["DBSubnetGroup"],
        VpcSecurityGroupIds=[group["VpcSecurityGroupId"] for group in source["VpcSecurityGroups"]],
        DeletionProtection=False,
    )


def _wait(describe: Describe, name: str, tell: Say, clock: Clock) -> dict[str, Any]:
    """Waits until it is available, and returns the record; raises OperationError where that comes to nothing."""
    status, patience = "not there", Patience(tell, clock)
    for delay in growing(_LONGEST_STEP, clock):
        record = patience.keep_trying(describe)
        status = record["Status"] if record else "not there"
        if record and status == "available":
            return record
        if status in ("failed", "deleting", "incompatible-restore"):
            break
        clock.sleep(delay)
    raise OperationError(f"{name} is {status}", "", "Look at it in the RDS console; then run the same again.")


def _describe_cluster(rds: Any, name: str) -> Describe:
    return _describer(
        lambda: rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"], "DBClusterNotFoundFault"
    )


def _describe_snapshot(rds: Any, name: str) -> Describe:
    prefix, colon, _ = name.partition(":")
    kind = _TYPE_BY_PREFIX.get(prefix) if colon else None
    asked = {"DBClusterSnapshotIdentifier": name} | ({"SnapshotType": kind} if kind else {})
    return _describer(
        lambda: rds.describe_db_cluster_snapshots(**asked)["DBClusterSnapshots"],
        "DBClusterSnapshotNotFoundFault",
    )


def _describer(describe: Callable[[], list[dict[str, Any]]], missing: str) -> Describe:
    """Describes one thing, which is None where it is not there."""

    def first() -> dict[str, Any] | None:
        try:
            return next(iter(describe()), None)
        except ClientError as error:
            if code_of(error) == missing:
                return None
            raise

    return first


def _snapshot(record: dict[str, Any]) -> Snapshot:
    return Snapshot(
        arn=record["DBClusterSnapshotArn"],
        cluster=record["DBClusterIdentifier"],
        kind=record.get("SnapshotType", ""),
        status=record["Status"],
        time=record.get("SnapshotCreateTime"),
        tags={tag["Key"]: tag["Value"] for tag in record.get("TagList", [])},
    )

"""A snapshot of a moment: made step by step, carried on after an interruption, and nothing temporary left."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from scripts.aws.clock import Clock
from scripts.aws.snapshots import find, of_cluster, of_moment, window
from scripts.errors import OperationError
from tests.aws import scripted
from tests.aws.scripted import EPOCH, RefusalError

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
NAME = "store-at-20260301123000"


class Databases:
    """RDS with one cluster `store`; what is made becomes available at the second look."""

    def __init__(self) -> None:
        self.clusters = {"store": "available"}
        self.snapshots: dict[str, str] = {}
        self.becomes = "available"
        self.faults: list[Exception] = []
        self.client = scripted.client(
            "rds",
            DescribeDBClusters=self._describe_clusters,
            DescribeDBClusterSnapshots=self._describe_snapshots,
            RestoreDBClusterToPointInTime=self._restore,
            CreateDBClusterSnapshot=self._take,
            DeleteDBCluster=self._delete,
        )

    def asked(self) -> list[str]:
        return [name for name, _ in self.client.requests if not name.startswith("Describe")]

    def _describe_clusters(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if self.faults:
            raise self.faults.pop()
        name = arguments["DBClusterIdentifier"]
        if name not in self.clusters:
            raise RefusalError("DBClusterNotFoundFault", "no such cluster", 404)
        status = self.clusters[name]
        self.clusters[name] = self.becomes if status == "creating" else status
        network = {"DBSubnetGroup": "data", "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}]}
        times = {"EarliestRestorableTime": EPOCH, "LatestRestorableTime": MOMENT}
        return {"DBClusters": [{"DBClusterIdentifier": name, "Status": status, **network, **times}]}

    def _describe_snapshots(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        name = arguments["DBClusterSnapshotIdentifier"]
        needed = {"rds": "automated", "awsbackup": "awsbackup"}.get(name.partition(":")[0])
        if needed and arguments.get("SnapshotType") != needed:
            raise RefusalError("InvalidParameterCombination", "the SnapshotType must also be specified")
        if name not in self.snapshots:
            raise RefusalError("DBClusterSnapshotNotFoundFault", "no such snapshot", 404)
        status, self.snapshots[name] = self.snapshots[name], "available"
        arn = f"arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:{name}"
        found = {"DBClusterSnapshotArn": arn, "DBClusterIdentifier": "store", "Status": status}
        return {"DBClusterSnapshots": [found]}

    def _restore(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert arguments["DBSubnetGroupName"] == "data"
        assert arguments["VpcSecurityGroupIds"] == ["sg-1"]
        assert arguments["RestoreToTime"] == MOMENT
        self.clusters[arguments["DBClusterIdentifier"]] = "creating"
        return {}

    def _take(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert self.clusters[arguments["DBClusterIdentifier"]] == "available"
        self.snapshots[arguments["DBClusterSnapshotIdentifier"]] = "creating"
        return {}

    def _delete(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert arguments["SkipFinalSnapshot"]
        del self.clusters[arguments["DBClusterIdentifier"]]
        return {}


def of(databases: Databases, sleep: Any = None) -> str:
    waits: list[float] = []
    clock = Clock(now=lambda: sum(waits), sleep=sleep or waits.append)
    return of_moment(databases.client, "store", MOMENT, lambda _: None, clock)


def test_a_moment_is_restored_saved_and_the_temporary_cluster_removed() -> None:
    databases = Databases()
    assert of(databases).endswith(f":cluster-snapshot:{NAME}")
    assert databases.asked() == [
        "RestoreDBClusterToPointInTime",
        "CreateDBClusterSnapshot",
        "DeleteDBCluster",
    ]
    assert databases.clusters == {"store": "available"}


def test_an_interrupted_run_is_carried_on_and_makes_nothing_twice() -> None:
    databases = Databases()

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            of(databases, interrupt)
    of(databases)
    assert databases.asked() == [
        "RestoreDBClusterToPointInTime",
        "CreateDBClusterSnapshot",
        "DeleteDBCluster",
    ]
    assert of(databases).endswith(NAME)
    assert len(databases.asked()) == 3


def test_a_connection_that_is_lost_while_a_cluster_is_restored_is_waited_out_and_told() -> None:
    databases = Databases()
    faults = [scripted.LOST, scripted.THROTTLED]

    def tell_and_lose(text: str) -> None:
        told.append(text)
        if text.startswith("Waiting for the cluster"):
            databases.faults = faults

    told: list[str] = []
    waits: list[float] = []
    clock = Clock(now=lambda: sum(waits), sleep=waits.append)
    assert of_moment(databases.client, "store", MOMENT, tell_and_lose, clock).endswith(NAME)
    assert [text.rpartition(". ")[2] for text in told if "Trying" in text] == [
        "Trying again in 1 s.",
        "Trying again in 2 s.",
    ]


def test_a_restore_that_fails_is_not_waited_for() -> None:
    databases = Databases()
    databases.becomes = "incompatible-restore"
    with pytest.raises(OperationError, match=f"{NAME} is incompatible-restore"):
        of(databases)


def test_a_snapshot_that_is_not_there_is_none() -> None:
    arn = "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:gone"
    assert find(Databases().client, arn) is None


@pytest.mark.parametrize("name", ["rds:store-2026-03-01-03-00", "awsbackup:job-1", "store-before"])
def test_a_snapshot_of_any_kind_is_found_by_its_arn(name: str) -> None:
    databases = Databases()
    databases.snapshots[name] = "available"
    arn = f"arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:{name}"
    found = find(databases.client, arn)
    assert found is not None
    assert found.arn == arn


def test_the_moments_that_a_cluster_can_go_back_to_are_those_that_rds_tells() -> None:
    assert window(Databases().client, "store") == (EPOCH, MOMENT)


def test_a_cluster_that_rds_tells_no_moment_of_cannot_go_back_yet() -> None:
    record = {"DBClusterIdentifier": "store", "Status": "creating"}
    client = scripted.client("rds", DescribeDBClusters=lambda _: {"DBClusters": [record]})
    with pytest.raises(OperationError, match="store cannot go back to any moment yet"):
        window(client, "store")


def test_snapshots_of_every_kind_are_listed_the_latest_first() -> None:
    times = {"manual": 1, "awsbackup": 3, "automated": 2}

    def describe(arguments: Mapping[str, Any]) -> dict[str, Any]:
        kind = arguments["SnapshotType"]
        found = {"DBClusterSnapshotArn": kind, "DBClusterIdentifier": "store", "Status": "available"}
        time = EPOCH.replace(day=times[kind])
        return {"DBClusterSnapshots": [{**found, "SnapshotType": kind, "SnapshotCreateTime": time}]}

    client = scripted.client("rds", DescribeDBClusterSnapshots=describe)
    assert [snapshot.kind for snapshot in of_cluster(client, "store")] == ["awsbackup", "automated", "manual"]


def test_a_type_that_rds_refuses_has_no_snapshots() -> None:
    def describe(arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments["SnapshotType"] == "awsbackup":
            raise RefusalError("InvalidParameterValue", "SnapshotType awsbackup is not valid")
        found = {"DBClusterSnapshotArn": "a", "DBClusterIdentifier": "store", "Status": "available"}
        return {"DBClusterSnapshots": [{**found, "SnapshotType": arguments["SnapshotType"]}]}

    client = scripted.client("rds", DescribeDBClusterSnapshots=describe)
    assert [snapshot.kind for snapshot in of_cluster(client, "store")] == ["manual", "automated"]

"""A cluster is restored to a moment as a cluster of its own, of the same engine."""

import uuid
from datetime import UTC, datetime

import pytest

from tests.emulator.account import Account


def test_a_cluster_is_restored_beside_its_source(account: Account) -> None:
    rds, name = account.client("rds"), f"cluster-{uuid.uuid4().hex[:8]}"
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="master",
        MasterUserPassword="x" * 12,
    )
    made = rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier=f"{name}-then", SourceDBClusterIdentifier=name, RestoreToTime=datetime.now(UTC)
    )["DBCluster"]
    assert (made["DBClusterIdentifier"], made["Engine"]) == (f"{name}-then", "aurora-postgresql")
    assert len(rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]) == 1


def test_a_cluster_that_is_not_there_cannot_be_restored(account: Account) -> None:
    rds = account.client("rds")
    with pytest.raises(rds.exceptions.DBClusterNotFoundFault):
        rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier="then", SourceDBClusterIdentifier="nowhere", UseLatestRestorableTime=True
        )

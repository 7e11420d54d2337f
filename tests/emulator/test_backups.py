"""Backups of AWS Backup: what a job makes is in its vault, and is a snapshot where it is of a database cluster."""

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account

ROLE = "arn:aws:iam::000000000000:role/backup"


@pytest.fixture
def vault(account: Account) -> str:
    name = f"vault-{uuid.uuid4().hex[:8]}"
    account.client("backup").create_backup_vault(BackupVaultName=name)
    return name


def test_a_backup_of_a_cluster_is_a_recovery_point_and_a_snapshot_of_it(account: Account, vault: str) -> None:
    backup, rds = account.client("backup"), account.client("rds")
    cluster = rds.create_db_cluster(
        DBClusterIdentifier=vault,
        Engine="aurora-postgresql",
        MasterUsername="master",
        MasterUserPassword="emulated-only",
    )["DBCluster"]["DBClusterArn"]
    started = backup.start_backup_job(BackupVaultName=vault, ResourceArn=cluster, IamRoleArn=ROLE)
    assert backup.describe_backup_job(BackupJobId=started["BackupJobId"])["State"] == "COMPLETED"
    (point,) = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"]
    assert (point["ResourceArn"], point["Status"]) == (cluster, "COMPLETED")
    (snapshot,) = rds.describe_db_cluster_snapshots(DBClusterIdentifier=vault, SnapshotType="awsbackup")[
        "DBClusterSnapshots"
    ]
    assert snapshot["DBClusterSnapshotArn"] == point["RecoveryPointArn"] == started["RecoveryPointArn"]


def test_a_backup_of_anything_else_is_a_recovery_point(account: Account, vault: str) -> None:
    backup = account.client("backup")
    backup.start_backup_job(BackupVaultName=vault, ResourceArn="arn:aws:s3:::images", IamRoleArn=ROLE)
    (point,) = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"]
    assert ":recovery-point:" in point["RecoveryPointArn"]


def test_a_vault_that_is_not_there_has_no_recovery_points(account: Account) -> None:
    with pytest.raises(ClientError, match="not found"):
        account.client("backup").list_recovery_points_by_backup_vault(BackupVaultName="missing")

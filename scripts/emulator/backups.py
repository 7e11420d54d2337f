"""Recovery points of AWS Backup, which ministack counts and does not keep.

Source: AWS Backup developer guide, "Amazon Aurora backups": a recovery point of a cluster is a snapshot of it.
"""

import json
from collections.abc import Iterator
from typing import Any

from ministack.services import backup, rds

from scripts.emulator.patching import Function, replace

Record = dict[str, Any]


def install() -> None:
    """Makes the ministack of this process keep what a backup makes."""
    replace("_start_job", (backup,), jobs_of_clusters)
    replace("_list_recovery_points_by_vault", (backup,), kept_recovery_points)


def jobs_of_clusters(original: Function) -> Function:
    """A job for a database cluster, which makes a snapshot of it."""

    def start(request: Record) -> Any:
        status, headers, body = original(request)
        if status == 200:
            job = backup._jobs[json.loads(body)["BackupJobId"]]
            cluster = rds._clusters.get(job["ResourceArn"].rpartition(":cluster:")[2])
            if cluster:
                name = f"awsbackup:job-{job['BackupJobId']}"
                snapshot = rds._create_cluster_snapshot_internal(name, cluster)
                snapshot["SnapshotType"] = "awsbackup"
                job["RecoveryPointArn"] = snapshot["DBClusterSnapshotArn"]
            body = json.dumps({**json.loads(body), "RecoveryPointArn": job["RecoveryPointArn"]}).encode()
        return status, headers, body

    return start


def kept_recovery_points(original: Function) -> Function:
    """The recovery points of a vault, one for each job that has ended well; ministack's list is always empty."""

    def listed(vault: str, query: Record) -> Any:
        answer = original(vault, query)
        return backup._paginate(list(_points(vault)), query, "RecoveryPoints") if answer[0] == 200 else answer

    return listed


def _points(vault: str) -> Iterator[Record]:
    copied = ("RecoveryPointArn", "BackupVaultName", "ResourceArn", "CreationDate", "CompletionDate")
    for job in backup._jobs.values():
        if job["BackupVaultName"] == vault and job["State"] == "COMPLETED":
            yield {**{name: job[name] for name in copied}, "Status": "COMPLETED"}

"""How a deployment fares: targets, tasks, alarms and backups, as far as they can be asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws import services
from scripts.aws.errors import told
from scripts.aws.session import Session
from scripts.aws.stacks import Nested
from scripts.aws.vocabulary import CLUSTER
from scripts.errors import OperationError

State = Literal["good", "bad", "unknown"]

# A backup is made each day; one more day is for the time that it takes. Those of years are not looked through.
_NEWEST_BACKUP = timedelta(days=2)
_OLDEST_BACKUP = timedelta(days=35)
_ALARMS_A_REQUEST = 100  # Source: CloudWatch API reference, DescribeAlarms


@dataclass(frozen=True)
class Sign:
    """One sign of health: of what, whether it is good, and the figures that say so."""

    subject: str
    state: State
    text: str
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {"Subject": self.subject, "State": self.state, "Text": self.text, **self.figures}


def signs(session: Session, tree: Nested) -> list[Sign]:
    """Every sign of health of a deployment; what may not or cannot be asked for is unknown, with the reason."""
    return [sign for subject, read in _READERS for sign in _read(subject, read, session, tree)]


_Reader = Callable[[Session, Nested], Iterator[Sign]]


def _read(subject: str, read: _Reader, session: Session, tree: Nested) -> list[Sign]:
    try:
        return list(read(session, tree))
    except OperationError as error:
        return [Sign(subject, "bad", str(error))]
    except (BotoCoreError, ClientError) as error:
        return [Sign(subject, "unknown", str(told(error)))]


def _targets(session: Session, tree: Nested) -> Iterator[Sign]:
    balancing = session.client("elbv2")
    for path, group in tree.of_type("AWS::ElasticLoadBalancingV2::TargetGroup"):
        found = balancing.describe_target_health(TargetGroupArn=group.physical_id)["TargetHealthDescriptions"]
        states = [target["TargetHealth"]["State"] for target in found]
        total = sum(state not in ("draining", "unused") for state in states)
        healthy = states.count("healthy")
        yield Sign(
            f"targets of {'/'.join(path)}",
            "good" if healthy == total and total else "bad",
            f"{healthy} of {total} healthy",
            {"Healthy": healthy, "Total": total},
        )


def _tasks(session: Session, tree: Nested) -> Iterator[Sign]:
    for path, service in tree.of_type("AWS::ECS::Service"):
        found = services.service(session, service.physical_id).standing()
        is_good = found.running >= found.desired > 0 and not found.is_suspended
        yield Sign(
            f"tasks of {'/'.join(path)}",
            "good" if is_good else "bad",
            f"{found.running} of {found.desired} running"
            + (", auto scaling is suspended" if found.is_suspended else ""),
            {"Running": found.running, "Desired": found.desired, "Suspended": found.is_suspended},
        )


def _alarms(session: Session, tree: Nested) -> Iterator[Sign]:
    names = [alarm.physical_id for _, alarm in tree.of_type("AWS::CloudWatch::Alarm")]
    watch = session.client("cloudwatch")
    found = [
        alarm
        for start in range(0, len(names), _ALARMS_A_REQUEST)
        for page in watch.get_paginator("describe_alarms").paginate(
            AlarmNames=names[start : start + _ALARMS_A_REQUEST]
        )
        for alarm in page["MetricAlarms"]
    ]
    if not names:
        return
    ringing = sorted(alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM")
    yield Sign(
        "alarms",
        "bad" if ringing else "good",
        f"{len(ringing)} of {len(names)} in ALARM" + (f": {', '.join(ringing)}" if ringing else ""),
        {"InAlarm": ringing, "Total": len(names)},
    )


def _backups(session: Session, tree: Nested) -> Iterator[Sign]:
    backup = session.client("backup")
    for path, vault in tree.of_type("AWS::Backup::BackupVault"):
        pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
            BackupVaultName=vault.physical_id, ByCreatedAfter=datetime.now(UTC) - _OLDEST_BACKUP
        )
        done = [
            point["CompletionDate"]
            for page in pages
            for point in page["RecoveryPoints"]
            if point.get("CompletionDate") and point["Status"] == "COMPLETED"
        ]
        subject = f"last backup in {'/'.join(path)}"
        if done:
            yield _at(subject, max(done), "good" if _is_recent(max(done)) else "bad")
        elif _is_recent(backup.describe_backup_vault(BackupVaultName=vault.physical_id)["CreationDate"]):
            yield Sign(subject, "unknown", "none yet", {"Time": None})
        else:
            yield Sign(subject, "bad", f"none in {_OLDEST_BACKUP.days} days", {"Time": None})


def _is_recent(time: datetime) -> bool:
    return datetime.now(UTC) - time < _NEWEST_BACKUP


def _recovery(session: Session, tree: Nested) -> Iterator[Sign]:
    databases = session.client("rds")
    for path, cluster in tree.of_type(CLUSTER):
        answer = databases.describe_db_clusters(DBClusterIdentifier=cluster.physical_id)
        for found in answer["DBClusters"]:
            latest = found.get("LatestRestorableTime")
            subject = f"last moment that {'/'.join(path)} can go back to"
            yield (
                _at(subject, latest, "good")
                if latest
                else Sign(subject, "unknown", "RDS does not tell it yet")
            )


def _at(subject: str, time: datetime, state: State) -> Sign:
    return Sign(subject, state, f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC}", {"Time": time.isoformat()})


_READERS: tuple[tuple[str, _Reader], ...] = (
    ("targets", _targets),
    ("tasks", _tasks),
    ("alarms", _alarms),
    ("last backup", _backups),
    ("last moment that the database can go back to", _recovery),
)

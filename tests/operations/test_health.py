"""Signs of health: good, bad, or unknown with the reason."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.aws.stacks import Nested, Resource
from scripts.operations.health import Sign, signs
from tests.aws import scripted

NOW = datetime.now(UTC)


def resource(kind: str, name: str) -> Resource:
    return Resource(kind, name, "CREATE_COMPLETE")


SERVICE = "arn:aws:ecs:eu-west-1:111122223333:service/cluster/nginx"
TREE = Nested(
    "root",
    (),
    "CREATE_COMPLETE",
    {},
    (
        Nested(
            "nginx",
            ("Nginx",),
            "CREATE_COMPLETE",
            {
                "Targets": resource("AWS::ElasticLoadBalancingV2::TargetGroup", "arn:targets"),
                "Service": resource("AWS::ECS::Service", SERVICE),
                "TooHot": resource("AWS::CloudWatch::Alarm", "too-hot"),
                "TooCold": resource("AWS::CloudWatch::Alarm", "too-cold"),
                "Vault": resource("AWS::Backup::BackupVault", "vault"),
                "Cluster": resource("AWS::RDS::DBCluster", "cluster"),
                "NotYet": resource("AWS::ECS::Service", ""),
            },
        ),
    ),
)


class Account:
    """An account whose figures a test chooses."""

    def __init__(self) -> None:
        self.targets = ["healthy", "healthy", "draining"]
        self.running = self.desired = 2
        self.suspended = False
        self.alarms = {"too-hot": "OK", "too-cold": "INSUFFICIENT_DATA"}
        self.backups = [NOW - timedelta(days=9), NOW - timedelta(hours=3)]
        self.age = timedelta(days=40)
        self.refused: set[str] = set()

    def client(self, service: str) -> Any:
        answers: dict[str, dict[str, scripted.Answer]] = {
            "elbv2": {"DescribeTargetHealth": self._targets},
            "ecs": {"DescribeServices": self._services},
            "application-autoscaling": {"DescribeScalableTargets": self._scaling},
            "cloudwatch": {"DescribeAlarms": self._alarms},
            "backup": {
                "ListRecoveryPointsByBackupVault": self._points,
                "DescribeBackupVault": lambda _: {"CreationDate": NOW - self.age},
            },
            "rds": {"DescribeDBClusters": lambda _: {"DBClusters": [{"LatestRestorableTime": NOW}]}},
        }
        made = answers[service]
        return scripted.client(
            service, **(dict.fromkeys(made, self._refuse) if service in self.refused else made)
        )

    def signs(self) -> dict[str, Sign]:
        session: Any = SimpleNamespace(client=self.client)
        return {sign.subject: sign for sign in signs(session, TREE)}

    def _refuse(self, _: Mapping[str, Any]) -> dict[str, Any]:
        raise scripted.RefusalError("AccessDenied", "You may not do that", 403)

    def _targets(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in self.targets]}

    def _services(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert arguments["cluster"] == "cluster"
        return {"services": [{"runningCount": self.running, "desiredCount": self.desired}]}

    def _scaling(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert arguments["ResourceIds"] == ["service/cluster/nginx"]
        state = {"DynamicScalingInSuspended": self.suspended, "DynamicScalingOutSuspended": False}
        return {"ScalableTargets": [{"MinCapacity": 2, "SuspendedState": state}]}

    def _alarms(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "MetricAlarms": [
                {"AlarmName": name, "StateValue": self.alarms[name]} for name in arguments["AlarmNames"]
            ]
        }

    def _points(self, _: Mapping[str, Any]) -> dict[str, Any]:
        points = [{"Status": "COMPLETED", "CompletionDate": time} for time in self.backups]
        return {"RecoveryPoints": [*points, {"Status": "PARTIAL", "CompletionDate": NOW}]}


def test_a_store_in_good_health() -> None:
    found = Account().signs()
    assert {sign.state for sign in found.values()} == {"good"}
    assert found["targets of Nginx/Targets"].text == "2 of 2 healthy"
    assert found["tasks of Nginx/Service"].figures == {"Running": 2, "Desired": 2, "Suspended": False}
    assert found["alarms"].text == "0 of 2 in ALARM"
    assert found["last backup in Nginx/Vault"].text == f"{NOW - timedelta(hours=3):%Y-%m-%d %H:%M:%S UTC}"
    assert found["last moment that Nginx/Cluster can go back to"].figures == {"Time": NOW.isoformat()}


@pytest.mark.parametrize(
    ("change", "subject", "text"),
    [
        ({"targets": ["healthy", "unhealthy"]}, "targets of Nginx/Targets", "1 of 2 healthy"),
        ({"targets": []}, "targets of Nginx/Targets", "0 of 0 healthy"),
        ({"running": 1}, "tasks of Nginx/Service", "1 of 2 running"),
        ({"running": 0, "desired": 0}, "tasks of Nginx/Service", "0 of 0 running"),
        ({"suspended": True}, "tasks of Nginx/Service", "2 of 2 running, auto scaling is suspended"),
        ({"alarms": {"too-hot": "ALARM", "too-cold": "OK"}}, "alarms", "1 of 2 in ALARM: too-hot"),
        ({"backups": []}, "last backup in Nginx/Vault", "none in 35 days"),
        ({"backups": [], "age": timedelta(days=2)}, "last backup in Nginx/Vault", "none in 35 days"),
        ({"backups": [NOW - timedelta(days=3)]}, "last backup in Nginx/Vault", ""),
    ],
)
def test_what_is_wrong_is_bad(change: dict[str, Any], subject: str, text: str) -> None:
    account = Account()
    vars(account).update(change)
    found = account.signs()
    assert [sign.subject for sign in found.values() if sign.state == "bad"] == [subject]
    assert text in found[subject].text


def test_a_vault_of_today_need_not_have_a_backup() -> None:
    account = Account()
    account.backups, account.age = [], timedelta(days=1, hours=23)
    sign = account.signs()["last backup in Nginx/Vault"]
    assert (sign.state, sign.text) == ("unknown", "none yet")


@pytest.mark.parametrize(
    "service", ["elbv2", "ecs", "application-autoscaling", "cloudwatch", "backup", "rds"]
)
def test_a_service_that_refuses_leaves_its_sign_unknown_and_the_others_as_they_are(service: str) -> None:
    account = Account()
    account.refused = {service}
    found = account.signs()
    (unknown,) = [sign for sign in found.values() if sign.state == "unknown"]
    assert "You may not do that" in unknown.text
    assert len(found) == 5


def test_a_stack_that_has_nothing_yet_has_no_signs() -> None:
    session: Any = SimpleNamespace(client=Account().client)
    assert signs(session, Nested("root", (), "CREATE_IN_PROGRESS")) == []

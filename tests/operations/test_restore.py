"""Restoring a database: a new cluster from the snapshot, only with a yes, and the same again after a failure."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from generator import yaml_text
from scripts.aws import stacks
from scripts.aws.package import LOCATION_PARAMETERS
from scripts.aws.session import Session
from scripts.console import Console
from scripts.emulator import Emulator
from scripts.errors import OperationError
from scripts.operations.deploy import Options, apply
from scripts.operations.environment import Environment
from scripts.operations.restore import restorable, restore
from tests.operations.deployer import Refusing

UNASKED = Options(ask=False)
PARAMETERS = {
    "DatabaseSnapshot": {"Type": "String", "Default": "", "AllowedPattern": "^(arn:aws:rds:.*)?$"},
    "DatabaseGeneration": {"Type": "Number", "Default": 1},
    "DeletionProtection": {"Type": "String", "Default": "false"},
}


def template(resources: dict[str, Any], **parameters: dict[str, str]) -> str:
    lint = {"cfn-lint": {"config": {"ignore_checks": ["W2001", "W3002", "I3011"]}}}
    return yaml_text.dump({"Metadata": lint, "Parameters": PARAMETERS | parameters, "Resources": resources})


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return database_with_generations(tmp_path)


def database_with_generations(folder: Path) -> Environment:
    """A set with the cluster of the real one: named by its generation, made from a snapshot where one is given."""
    has_snapshot = {"Fn::Not": [{"Fn::Equals": [{"Ref": "DatabaseSnapshot"}, ""]}]}
    snapshot = {"Fn::If": ["HasSnapshot", {"Ref": "DatabaseSnapshot"}, {"Ref": "AWS::NoValue"}]}
    cluster = {
        "Type": "AWS::RDS::DBCluster",
        "DeletionPolicy": "Snapshot",
        "UpdateReplacePolicy": "Snapshot",
        "Properties": {
            "DBClusterIdentifier": {"Fn::Sub": f"{folder.name.replace('_', '-')}-${{DatabaseGeneration}}"},
            "Engine": "aurora-postgresql",
            "BackupRetentionPeriod": 35,
            "SnapshotIdentifier": snapshot,
            "MasterUsername": "master",
            "ManageMasterUserPassword": True,
            "DeletionProtection": {"Ref": "DeletionProtection"},
        },
    }
    after = {
        "Type": "AWS::SSM::Parameter",
        "DependsOn": "Cluster",
        "Properties": {"Type": "String", "Value": {"Ref": "DatabaseGeneration"}},
    }
    database = yaml_text.load(template({"Cluster": cluster, "After": after}))
    (folder / "database.yaml").write_text(
        yaml_text.dump(database | {"Conditions": {"HasSnapshot": has_snapshot}})
    )
    passed_on = {name: {"Ref": name} for name in PARAMETERS}
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "database.yaml", "Parameters": passed_on},
    }
    location = {name: {"Type": "String"} for name in LOCATION_PARAMETERS}
    (folder / "root.yaml").write_text(template({"Database": nested}, **location))
    (folder / "test.json").write_text('{\n  "DeletionProtection": "false"\n}\n')
    name = f"orthanc-{folder.name.replace('_', '-')}"
    return Environment("test", name, folder / "test.json", folder, "test")


@pytest.fixture
def snapshot(environment: Environment, session: Session) -> str:
    """The ARN of a snapshot of the deployed cluster."""
    apply(environment, UNASKED, session, Console())
    rds, name = session.client("rds"), cluster(environment, session)
    made = rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=f"{name}-s", DBClusterIdentifier=name)
    return str(made["DBClusterSnapshot"]["DBClusterSnapshotArn"])


def cluster(environment: Environment, session: Session) -> str:
    client = session.cloudformation
    stack = stacks.find(client, environment.stack_name)
    assert stack is not None
    return stacks.physical_id(client, stack.id, ("Database", "Cluster"))


def protect(environment: Environment, session: Session) -> None:
    """Turns deletion protection on for the clusters of the deployment."""
    assert environment.parameters is not None
    environment.parameters.write_text('{"DeletionProtection": "true"}')
    apply(environment, UNASKED, session, Console())


def parameters(environment: Environment) -> dict[str, Any]:
    assert environment.parameters is not None
    found: dict[str, Any] = json.loads(environment.parameters.read_text())
    return found


def test_a_snapshot_takes_the_place_of_the_database_under_the_next_generation(
    environment: Environment, session: Session, snapshot: str
) -> None:
    before = cluster(environment, session)
    restore(environment, snapshot, UNASKED, session, Console())
    assert cluster(environment, session) == before.removesuffix("-1") + "-2"
    assert parameters(environment) == {
        "DeletionProtection": "false",
        "DatabaseSnapshot": snapshot,
        "DatabaseGeneration": 2,
    }


def test_without_a_yes_neither_database_nor_parameter_set_changes(
    environment: Environment, session: Session, snapshot: str
) -> None:
    before = cluster(environment, session), parameters(environment)
    with pytest.raises(OperationError, match="Not restored"):
        restore(environment, snapshot, Options(), session, Refusing())
    assert (cluster(environment, session), parameters(environment)) == before


def test_after_a_failure_the_same_again_goes_on_with_the_same_generation(
    environment: Environment, session: Session, snapshot: str, emulator: Emulator
) -> None:
    emulator.inject("fail", "Cluster", reason="no capacity")
    with pytest.raises(OperationError, match="no capacity"):
        restore(environment, snapshot, UNASKED, session, Console())
    assert cluster(environment, session).endswith("-1")
    restore(environment, snapshot, UNASKED, session, Console())
    assert cluster(environment, session).endswith("-2")
    assert parameters(environment)["DatabaseGeneration"] == 2


def test_what_a_failure_left_under_a_generation_is_told_and_the_same_again_takes_the_next_free_one(
    environment: Environment,
    session: Session,
    snapshot: str,
    emulator: Emulator,
    capsys: pytest.CaptureFixture[str],
) -> None:
    protect(environment, session)
    before = cluster(environment, session)
    prefix = before.removesuffix("1")
    emulator.inject("fail", "After", reason="no capacity")
    with pytest.raises(OperationError, match="no capacity"):
        restore(environment, snapshot, UNASKED, session, Console())
    assert cluster(environment, session) == before
    group = f"/aws/rds/cluster/{prefix}3/postgresql"
    session.client("logs").create_log_group(logGroupName=group)
    restore(environment, snapshot, UNASKED, session, Console())
    assert cluster(environment, session) == f"{prefix}4"
    assert parameters(environment)["DatabaseGeneration"] == 4
    told = capsys.readouterr().err
    assert f"Generation 2 is taken, as an earlier run left the cluster {prefix}2, which costs" in told
    assert f"Generation 3 is taken, as an earlier run left the log group {group}" in told


def test_a_restore_that_aws_finished_unwatched_is_not_made_again(
    environment: Environment, session: Session, snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    restore(environment, snapshot, UNASKED, session, Console())
    restore(environment, snapshot, UNASKED, session, Console())
    assert cluster(environment, session).endswith("-2")
    assert "is made from" in capsys.readouterr().err


def test_a_moment_whose_snapshot_an_interrupted_run_made_is_found_after_rds_forgot_it(
    environment: Environment, session: Session, snapshot: str
) -> None:
    """It is looked for under the cluster's name, and, once the cluster is another, in the parameter set."""
    name = cluster(environment, session)
    session.client("rds").create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=f"{name}-at-20200101000000", DBClusterIdentifier=name
    )
    for _ in range(2):
        restore(environment, datetime(2020, 1, 1, tzinfo=UTC), UNASKED, session, Console())
        assert cluster(environment, session) == name.removesuffix("-1") + "-2"


def test_a_former_cluster_that_deletion_protection_keeps_is_told(
    environment: Environment, session: Session, snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = cluster(environment, session)
    rds = session.client("rds")
    rds.modify_db_cluster(DBClusterIdentifier=before, DeletionProtection=True, ApplyImmediately=True)
    restore(environment, snapshot, UNASKED, session, Console())
    assert f"The former cluster {before} is still there" in capsys.readouterr().err


def test_a_snapshot_that_is_not_there_is_refused_before_anything_is_asked(
    environment: Environment, session: Session, snapshot: str
) -> None:
    with pytest.raises(OperationError, match="There is none of that name"):
        restore(environment, f"{snapshot}-not", Options(), session, Console())


def test_a_snapshot_may_be_named_as_the_console_names_it(
    environment: Environment, session: Session, snapshot: str
) -> None:
    restore(environment, snapshot.rpartition(":")[2], UNASKED, session, Console())
    assert parameters(environment)["DatabaseSnapshot"] == snapshot


def test_what_is_no_snapshot_does_not_get_into_the_parameter_set(
    environment: Environment, session: Session, snapshot: str
) -> None:
    before = parameters(environment)
    with pytest.raises(OperationError, match="monday cannot be restored") as raised:
        restore(environment, "monday", UNASKED, session, Console())
    assert "DatabaseSnapshot" in raised.value.reason
    assert parameters(environment) == before


def test_a_new_deployment_that_begins_with_a_snapshot_says_so(
    environment: Environment, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert environment.parameters is not None
    arn = "arn:aws:rds:us-east-1:000000000000:cluster-snapshot:monday"
    environment.parameters.write_text(json.dumps({"DatabaseSnapshot": arn}))
    with pytest.raises(OperationError, match="Not deployed"):
        apply(environment, Options(), session, Refusing())
    assert f"The database begins as snapshot {arn} has it" in capsys.readouterr().err


def test_a_moment_outside_of_what_rds_keeps_is_refused_with_the_bounds(
    environment: Environment, session: Session, snapshot: str
) -> None:
    with pytest.raises(OperationError, match="cannot go back to 2020-01-01 00:00:00 UTC") as raised:
        restore(environment, datetime(2020, 1, 1, tzinfo=UTC), Options(), session, Console())
    assert "It can to any moment from" in raised.value.reason


def test_what_there_is_to_restore_is_listed(
    environment: Environment, session: Session, snapshot: str
) -> None:
    found, window = restorable(environment, session)
    assert snapshot in [each.arn for each in found]
    assert window is not None
    assert window[0] <= window[1]


def test_snapshots_are_listed_where_there_is_no_moment_to_go_back_to(
    environment: Environment, session: Session, snapshot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> None:
        raise OperationError("none yet")

    monkeypatch.setattr("scripts.aws.snapshots.window", none)
    found, window = restorable(environment, session)
    assert snapshot in [each.arn for each in found]
    assert window is None

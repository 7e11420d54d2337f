"""Taking a deployment down: only by its name, following every stack, and telling what is kept."""

from types import SimpleNamespace
from typing import Any

import pytest

from scripts.aws.clock import Clock
from scripts.aws.package import LOCATION_PARAMETERS
from scripts.errors import OperationError
from scripts.operations import destroy as module
from scripts.operations.destroy import Destroyed, destroy
from tests.aws import scripted
from tests.aws.scripted import Timeline, record, stack_id
from tests.operations.deployer import Deployer, Interrupting, Refusing


def destroyed(deployer: Deployer, typed: str | None = "", **kinds: Any) -> Destroyed:
    """Destroys the deployment; without another text its name is typed."""
    environment = deployer.environment(**kinds)
    typed = environment.stack_name if typed == "" else typed
    return destroy(environment, typed, deployer.session, deployer.console)


def paths(result: Destroyed) -> list[str]:
    return ["/".join(item.path) for item in result.kept]


def test_all_stacks_go_and_what_the_templates_keep_stays(deployer: Deployer) -> None:
    name = f"/{deployer.folder.name}/record"
    deployer.deploy(record=name)
    result = destroyed(deployer)
    assert deployer.stack() is None
    assert [(item.path, item.physical_id) for item in result.kept] == [(("Middle", "Inner", "Record"), name)]
    groups = deployer.session.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert [group["logGroupName"] for group in groups] == [name]


def test_what_is_kept_and_what_goes_is_told_before_the_name_is_asked_for(
    deployer: Deployer, capsys: pytest.CaptureFixture[str]
) -> None:
    deployer.deploy(record=f"/{deployer.folder.name}/record")
    capsys.readouterr()
    deployer.console = Refusing()
    with pytest.raises(OperationError, match="its name was not typed"):
        destroyed(deployer, typed=None)
    shown = capsys.readouterr().err
    assert f"kept  root/Middle/Inner/Record (AWS::Logs::LogGroup)  /{deployer.folder.name}/record" in shown
    assert "deleted  1 resource of root/Middle/Inner" in shown


def test_another_name_leaves_everything_as_it_is_protection_included(deployer: Deployer) -> None:
    deployer.deploy()
    before = deployer.stack()
    with pytest.raises(OperationError, match="'something' is not its name"):
        destroyed(deployer, typed="something")
    assert deployer.stack() == before
    assert before is not None
    assert before.protected


def test_a_protected_database_is_released_first_and_its_last_snapshot_told(
    deployer: Deployer, capsys: pytest.CaptureFixture[str]
) -> None:
    deployer.deploy(database=True)
    result = destroyed(deployer)
    assert "Turning off the deletion protection" in capsys.readouterr().err
    (snapshot,) = result.snapshots
    assert ":cluster-snapshot:" in snapshot
    assert deployer.stack() is None


def test_a_deletion_that_fails_tells_why_and_another_run_goes_on(deployer: Deployer) -> None:
    kinds = {"database": True, "protected": False, "record": f"/{deployer.folder.name}/record"}
    deployer.deploy(**kinds)
    rds = deployer.session.client("rds")
    mine = [
        cluster["DBClusterIdentifier"]
        for cluster in rds.describe_db_clusters()["DBClusters"]
        if cluster["DBClusterIdentifier"].startswith(deployer.environment().stack_name.lower())
    ]
    rds.modify_db_cluster(DBClusterIdentifier=mine[0], DeletionProtection=True, ApplyImmediately=True)
    with pytest.raises(OperationError, match="is DELETE_FAILED") as raised:
        destroyed(deployer)
    assert raised.value.reason.startswith(
        "root/Middle/Inner/Database (AWS::RDS::DBCluster): Cannot delete protected Cluster"
    )
    assert "`orthanc-aws destroy test` again" in raised.value.advice
    rds.modify_db_cluster(DBClusterIdentifier=mine[0], DeletionProtection=False, ApplyImmediately=True)
    result = destroyed(deployer)
    assert deployer.stack() is None
    assert paths(result) == ["Middle/Inner/Record"]
    assert len(result.snapshots) == 1


def test_what_a_failed_creation_left_is_destroyed_as_well(deployer: Deployer) -> None:
    with pytest.raises(OperationError):
        deployer.deploy(broken=True)
    assert paths(destroyed(deployer)) == []
    assert deployer.stack() is None


def test_ctrl_c_tells_that_the_deletion_goes_on_and_how_to_follow_it(deployer: Deployer) -> None:
    deployer.deploy()
    deployer.console = Interrupting()
    with pytest.raises(OperationError, match="stopped by ctrl-C") as raised:
        destroyed(deployer)
    assert "`orthanc-aws destroy test` follows it again" in raised.value.advice


def test_what_was_never_deployed_cannot_be_destroyed(deployer: Deployer) -> None:
    with pytest.raises(OperationError, match="There is no stack"):
        destroyed(deployer)


def scripted_session(status: str, timeline: Timeline) -> Any:
    own = [{"ParameterKey": name, "ParameterValue": ""} for name in LOCATION_PARAMETERS]
    known = {"StackName": "root", "StackId": stack_id("root"), "CreationTime": scripted.EPOCH}
    stack = {**known, "Parameters": own}
    client = scripted.client(
        "cloudformation",
        DescribeStacks=lambda _: {"Stacks": [{**stack, "StackStatus": status}]},
        DescribeStackEvents=timeline.describe_stack_events,
    )
    return SimpleNamespace(cloudformation=client, client=lambda service: None)


def test_a_deletion_under_way_is_followed_without_asking(deployer: Deployer) -> None:
    events = [
        record("root", "root", "DELETE_IN_PROGRESS", 1),
        record("root", "Images", "DELETE_SKIPPED", 2, ResourceType="AWS::S3::Bucket"),
        record("root", "root", "DELETE_COMPLETE", 3),
    ]
    session = scripted_session("DELETE_IN_PROGRESS", Timeline(events))
    result = destroy(deployer.environment(), None, session, deployer.console)
    assert paths(result) == ["Images"]
    assert not scripted.asked(session.cloudformation, "DeleteStack")


def test_what_an_attempt_that_failed_kept_is_told_by_the_next_one_as_well(deployer: Deployer) -> None:
    events = [
        record("root", "root", "DELETE_IN_PROGRESS", 1),
        record("root", "Images", "DELETE_SKIPPED", 2, ResourceType="AWS::S3::Bucket"),
        record("root", "Database", "DELETE_COMPLETE", 3, ResourceType="AWS::RDS::DBCluster"),
        record("root", "Balancer", "DELETE_FAILED", 4, "it is protected"),
        record("root", "root", "DELETE_FAILED", 5),
        record("root", "root", "DELETE_IN_PROGRESS", 6),
        record("root", "Images", "DELETE_SKIPPED", 7, ResourceType="AWS::S3::Bucket"),
        record("root", "root", "DELETE_COMPLETE", 8),
    ]

    def describe(arguments: Any) -> dict[str, Any]:
        found = {"DBClusterSnapshotArn": f"last-of-{arguments['DBClusterIdentifier']}"}
        return {"DBClusterSnapshots": [found | {"SnapshotCreateTime": scripted.EPOCH}]}

    session = scripted_session("DELETE_IN_PROGRESS", Timeline(events))
    session.client = lambda _: scripted.client("rds", DescribeDBClusterSnapshots=describe)
    result = destroy(deployer.environment(), None, session, deployer.console)
    assert paths(result) == ["Images"]
    assert result.snapshots == ("last-of-id-of-Database",)


def test_a_stack_that_is_being_updated_is_left_alone(deployer: Deployer) -> None:
    session = scripted_session("UPDATE_IN_PROGRESS", Timeline([]))
    with pytest.raises(OperationError, match="CloudFormation is at work on it"):
        destroy(deployer.environment(), "root", session, deployer.console)


def test_snapshots_that_may_not_be_looked_for_are_unknown_and_no_failure() -> None:
    refusal = scripted.RefusalError("AccessDenied", "not allowed to perform: rds:DescribeDBClusterSnapshots")

    def refuse(_: Any) -> dict[str, Any]:
        raise refusal

    rds = scripted.client("rds", DescribeDBClusterSnapshots=refuse)
    session: Any = SimpleNamespace(client=lambda _: rds)
    found, unknown = module._snapshots(session, ["cluster"])
    assert found == ()
    assert "rds:DescribeDBClusterSnapshots" in unknown


def test_events_of_a_nested_stack_that_come_late_are_waited_for() -> None:
    events = [
        record("root", "root", "DELETE_IN_PROGRESS", 1),
        scripted.nested("root", "Middle", "DELETE_IN_PROGRESS", 2),
        record("Middle", "Middle", "DELETE_IN_PROGRESS", 3),
        record("Middle", "Record", "DELETE_SKIPPED", 4),
        record("Middle", "Middle", "DELETE_COMPLETE", 5),
        scripted.nested("root", "Middle", "DELETE_COMPLETE", 6),
        record("root", "root", "DELETE_COMPLETE", 7),
    ]
    timeline = Timeline(events)
    timeline.hidden[stack_id("Middle")] = 2
    client = scripted.client("cloudformation", DescribeStackEvents=timeline.describe_stack_events)
    clock = Clock(now=lambda: 0.0, sleep=lambda _: timeline.hidden.clear())
    seen = module._all_events(client, stack_id("root"), clock)
    assert "DELETE_SKIPPED" in [event.status for event in seen]

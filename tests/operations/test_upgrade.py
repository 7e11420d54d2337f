"""Another version of Orthanc: never two at work on one database, and never left stopped where that can be helped."""

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest

from generator import yaml_text
from scripts.aws import changeset, stacks
from scripts.aws.package import LOCATION_PARAMETERS
from scripts.aws.services import Service
from scripts.aws.session import Session
from scripts.console import Console
from scripts.emulator import Emulator
from scripts.errors import OperationError
from scripts.operations.deploy import Options, apply
from scripts.operations.environment import Environment
from scripts.operations.upgrade import upgrade
from tests.operations.deployer import Interrupting, Refusing

UNASKED = Options(ask=False)
CLUSTER = {
    "Type": "AWS::RDS::DBCluster",
    "DeletionPolicy": "Snapshot",
    "UpdateReplacePolicy": "Snapshot",
    "Properties": {
        "Engine": "aurora-postgresql",
        "BackupRetentionPeriod": 35,
        "MasterUsername": "master",
        "ManageMasterUserPassword": True,
    },
}
ORTHANC = {
    "Cluster": {"Type": "AWS::ECS::Cluster"},
    "TaskDefinition": {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "ContainerDefinitions": [{"Name": "orthanc", "Image": {"Ref": "OrthancImage"}, "Memory": 512}]
        },
    },
    "Service": {
        "Type": "AWS::ECS::Service",
        "Properties": {"Cluster": {"Ref": "Cluster"}, "TaskDefinition": {"Ref": "TaskDefinition"}},
    },
    "ScalableTarget": {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": {
                "Fn::Join": ["/", ["service", {"Ref": "Cluster"}, {"Fn::GetAtt": ["Service", "Name"]}]]
            },
            "MinCapacity": 2,
            "MaxCapacity": 4,
        },
    },
}


def nested(template: str, **parameters: Any) -> dict[str, Any]:
    properties = (
        {"TemplateURL": template, "Parameters": parameters} if parameters else {"TemplateURL": template}
    )
    return {"Type": "AWS::CloudFormation::Stack", "Properties": properties}


class Store:
    """A deployment with Orthanc and its database, in an emulated account."""

    def __init__(self, folder: Path, session: Session) -> None:
        self.session = session
        image = {"OrthancImage": {"Type": "String"}}
        generation = {"DatabaseGeneration": {"Type": "String", "Default": "1"}}
        location = {name: {"Type": "String"} for name in LOCATION_PARAMETERS}
        root = {
            "Orthanc": nested("orthanc.yaml", OrthancImage={"Ref": "OrthancImage"}),
            "Database": nested("database.yaml"),
        }
        for name, resources, parameters in (
            ("root", root, image | generation | location),
            ("orthanc", ORTHANC, image),
            ("database", {"Cluster": CLUSTER}, {}),
        ):
            lint = {"cfn-lint": {"config": {"ignore_checks": ["W2001", "W3002", "I3011"]}}}
            template = {"Metadata": lint, "Parameters": parameters, "Resources": resources}
            (folder / f"{name}.yaml").write_text(yaml_text.dump({k: v for k, v in template.items() if v}))
        stack_name = f"orthanc-{folder.name.replace('_', '-')}"
        self.environment = Environment("test", stack_name, folder / "test.json", folder, "test")
        self.choose("one")
        self.deploy()

    def choose(self, image: str, **more: str) -> None:
        assert self.environment.parameters is not None
        self.environment.parameters.write_text(json.dumps({"OrthancImage": image, **more}))

    def pushed(self, plugin: str, revision: int = 1) -> str:
        """An image in a repository of the account, with that version of the PostgreSQL plugin."""
        ecr, name = self.session.client("ecr"), self.environment.stack_name
        with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
            ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
        manifest = json.dumps({"schemaVersion": 2, "plugin": plugin, "revision": revision})
        content = f"{plugin}.{revision}-arm64"
        for tag in (f"{content}-postgresql-{plugin}", content):
            found = ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=manifest)["image"]
        (repository,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
        return f"{repository['repositoryUri']}@{found['imageId']['imageDigest']}"

    def running(self, plugin: str) -> None:
        """An image with that version of the plugin is deployed."""
        self.choose(self.pushed(plugin))
        self.deploy()

    def deploy(self) -> None:
        apply(self.environment, UNASKED, self.session, Console())

    def physical_id(self, *path: str) -> str:
        client = self.session.cloudformation
        stack = stacks.find(client, self.environment.stack_name)
        assert stack is not None
        return stacks.physical_id(client, stack.id, path)

    def service(self) -> dict[str, Any]:
        arn = self.physical_id("Orthanc", "Service")
        ecs = self.session.client("ecs")
        found: dict[str, Any] = ecs.describe_services(cluster=arn.split("/")[-2], services=[arn])["services"][
            0
        ]
        return found

    def image(self) -> str:
        definition = self.session.client("ecs").describe_task_definition(
            taskDefinition=self.service()["taskDefinition"]
        )
        return str(definition["taskDefinition"]["containerDefinitions"][0]["image"])

    def suspended(self) -> set[bool]:
        scaling = self.session.client("application-autoscaling")
        name = "/".join(("service", *self.physical_id("Orthanc", "Service").split("/")[-2:]))
        (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[name])[
            "ScalableTargets"
        ]
        return set(target["SuspendedState"].values())

    def snapshots(self) -> list[str]:
        rds = self.session.client("rds")
        found = rds.describe_db_cluster_snapshots(DBClusterIdentifier=self.physical_id("Database", "Cluster"))
        return [snapshot["DBClusterSnapshotIdentifier"] for snapshot in found["DBClusterSnapshots"]]

    def upgrade(self, console: Console | None = None, options: Options = UNASKED) -> None:
        upgrade(self.environment, options, self.session, console or Console())

    def is_running(self, image: str) -> bool:
        return (self.image(), self.service()["desiredCount"], self.suspended()) == (image, 2, {False})


@pytest.fixture
def store(tmp_path: Path, session: Session) -> Store:
    return Store(tmp_path, session)


class Watching(Console):
    """Notes how many tasks are wanted and what is saved when changes are shown, and when they are carried out."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.seen: list[tuple[int, int]] = []

    def _look(self) -> None:
        self.seen.append((self._store.service()["desiredCount"], len(self._store.snapshots())))

    def changes(self, *arguments: Any) -> None:
        self._look()
        super().changes(*arguments)

    @contextmanager
    def progress(self, *arguments: Any) -> Iterator[Any]:
        self._look()
        with super().progress(*arguments) as listener:
            yield listener


class Asked(Console):
    """A person who says yes, and counts how often."""

    questions = 0

    def confirm(self, question: str) -> bool:
        self.questions += 1
        return True


@contextmanager
def start_that_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tasks do not become healthy meanwhile."""

    def fail(service: Service, _: int, *, may_convert: bool) -> None:
        raise OperationError("The tasks do not become healthy, and are stopped", "exit code 1")

    with monkeypatch.context() as patch:
        patch.setattr(Service, "start", fail)
        yield


def test_orthanc_stops_when_the_changes_are_known_and_is_saved_before_they_are_carried_out(
    store: Store,
) -> None:
    before = store.service()["desiredCount"]
    store.choose("two")
    watching = Watching(store)
    store.upgrade(watching)
    assert watching.seen == [(before, 0), (0, 1)]
    assert store.is_running("two")


def test_a_person_is_asked_once(store: Store) -> None:
    store.choose("two")
    asked = Asked()
    store.upgrade(asked, Options())
    assert asked.questions == 1


def test_without_a_yes_nothing_stops(store: Store) -> None:
    before = store.service()["desiredCount"]
    store.choose("two")
    with pytest.raises(OperationError, match="Not deployed"):
        store.upgrade(Refusing(), Options())
    assert (store.service()["desiredCount"], store.snapshots()) == (before, [])


def test_where_nothing_would_change_nothing_stops(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Service, "stop")
    monkeypatch.delattr(Service, "start")
    store.upgrade()
    assert store.snapshots() == []


def test_a_deployment_that_is_rolled_back_leaves_the_former_version_running(
    store: Store, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    store.choose("two")
    emulator.inject("fail", "Service", reason="no such image")
    with pytest.raises(OperationError, match="no such image") as raised:
        store.upgrade()
    assert "run `orthanc-aws upgrade test` again" in raised.value.advice
    assert "Going back to Orthanc as it is deployed" in capsys.readouterr().err
    assert store.is_running("one")


def test_a_plain_deployment_of_another_image_tells_of_the_upgrade_and_an_upgrade_does_not(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.choose("two")
    store.deploy()
    assert "only `orthanc-aws upgrade test` does" in capsys.readouterr().err
    store.choose("three")
    store.upgrade()
    assert "tasks are replaced one by one" not in capsys.readouterr().err


def test_after_ctrl_c_in_the_middle_another_run_carries_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.choose("two")
    with monkeypatch.context() as patch:
        patch.setattr("scripts.operations.upgrade.UPDATABLE", frozenset())  # the deployment goes on
        with pytest.raises(OperationError, match="stopped by ctrl-C") as raised:
            store.upgrade(Interrupting())
    assert raised.value.what == "Orthanc is left stopped, and clients get 503"
    assert "`orthanc-aws upgrade test` follows it again" in raised.value.advice
    assert store.service()["desiredCount"] == 0
    store.upgrade()
    assert store.is_running("two")
    assert len(store.snapshots()) == 1


def test_a_deployment_of_a_store_that_is_held_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store.choose("two")
    with start_that_fails(monkeypatch), pytest.raises(OperationError):
        store.upgrade()
    store.deploy()
    assert "`orthanc-aws upgrade test` carries on and starts it" in capsys.readouterr().err
    store.upgrade()
    store.deploy()
    assert "carries on" not in capsys.readouterr().err


def test_after_a_start_that_failed_another_run_keeps_the_snapshot_of_before(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.choose("two")
    with start_that_fails(monkeypatch), pytest.raises(OperationError, match="exit code 1") as raised:
        store.upgrade()
    (first,) = store.snapshots()
    assert "former image, one, into" in raised.value.advice
    assert first in raised.value.advice
    store.choose("three")
    with start_that_fails(monkeypatch), pytest.raises(OperationError) as raised:
        store.upgrade()
    assert store.snapshots() == [first]
    assert "former image, one, into" in raised.value.advice
    store.upgrade()
    assert store.is_running("three")


def test_the_next_upgrade_takes_a_snapshot_of_its_own(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.choose("two")
    store.upgrade()
    monkeypatch.setattr("scripts.operations.upgrade.datetime", Tomorrow)
    store.choose("three")
    store.upgrade()
    assert len(store.snapshots()) == 2


class Tomorrow(datetime):
    """A day later."""

    @classmethod
    def now(cls, zone: tzinfo | None = None) -> Self:
        return super().now(zone) + timedelta(days=1)


@pytest.mark.parametrize(
    ("plugin", "reason", "advice"),
    [
        ("10.3", "6 with PostgreSQL plugin 9.0, 10 with 10.3", "`orthanc-aws upgrade test` stops all tasks"),
        ("8.0", "6 with PostgreSQL plugin 9.0, 5 with 8.0", "`orthanc-aws restore test` goes back"),
    ],
)
def test_a_plain_deployment_of_another_schema_is_refused_before_it_asks(
    store: Store, plugin: str, reason: str, advice: str
) -> None:
    store.running("9.0")
    before = store.image()
    store.choose(store.pushed(plugin))
    asked = Asked()
    with pytest.raises(OperationError, match="schema of the database would change") as raised:
        apply(store.environment, Options(), store.session, asked)
    assert reason in raised.value.reason
    assert raised.value.advice.startswith(advice)
    assert (asked.questions, store.image()) == (0, before)
    assert changeset.leftovers(store.session.cloudformation, store.environment.stack_name) == []


def test_a_plain_deployment_of_the_same_schema_does_not_tell_of_an_upgrade(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.running("10.0")
    capsys.readouterr()
    store.choose(store.pushed("10.3"))
    store.deploy()
    shown = capsys.readouterr().err
    assert "the schema of the database is not: 10 with PostgreSQL plugin 10.0, 10 with 10.3" in shown
    assert "say no" not in shown


def test_the_former_image_with_a_restored_database_is_not_refused(store: Store) -> None:
    store.running("10.3")
    former = store.pushed("9.0")
    store.choose(former, DatabaseGeneration="2")
    store.deploy()
    assert store.image() == former


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("10.3", "6 with PostgreSQL plugin 9.0, 10 with 10.3. The first task converts it"),
        ("9.0", "6 with 9.0. `orthanc-aws deploy test` would do, without a standstill"),
        ("8.0", "6 with PostgreSQL plugin 9.0, 5 with 8.0. Orthanc does not start on a database that was"),
    ],
)
def test_an_upgrade_says_what_becomes_of_the_schema(
    store: Store, capsys: pytest.CaptureFixture[str], plugin: str, said: str
) -> None:
    store.running("9.0")
    later = store.pushed(plugin, revision=2)
    store.choose(later)
    store.upgrade()
    assert said in capsys.readouterr().err
    assert store.is_running(later)

"""Every verb that talks to AWS, and everything that can be wrong on the way: a clear message, and nothing half-done."""

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scripts.aws import snapshots, stacks
from scripts.aws.package import LOCATION_PARAMETERS
from scripts.aws.session import Session
from scripts.cli import main
from scripts.console import Console
from scripts.emulator import Emulator
from scripts.operations import deploy, images
from scripts.operations.deploy import apply
from tests.aws import troubles
from tests.aws.troubles import Line, Trouble
from tests.operations.deployer import Deployer
from tests.operations.test_restore import cluster as cluster_of
from tests.operations.test_restore import database_with_generations
from tests.operations.test_upgrade import Store
from tests.operations.three_levels import write

TEMPLATES = Path(__file__).parents[2] / "templates"
SNAPSHOT = "arn:aws:rds:us-east-1:000000000000:cluster-snapshot:any"


@pytest.fixture
def line(session: Session, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The line to the emulator; templates are taken as they are, without a linter."""
    for module in ("deploy", "publish"):
        monkeypatch.setattr(f"scripts.operations.{module}.lint_unless_clean", lambda _: [])
    monkeypatch.setattr(images, "STACK_NAME", f"images-{uuid.uuid4().hex[:8]}")
    monkeypatch.setattr("scripts.aws.patience._PATIENCE", 0)
    return Line().lay(monkeypatch)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def told(result: Result) -> str:
    """What a person is told of a failure, on stderr alone: at the end why and what to do next, and no traceback."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (1, "")
    _, mark, message = result.stderr.rpartition("✗ ")
    assert mark
    assert "\n→ " in message
    return result.stderr


VERBS = {
    "deploy": ("deploy", "ENV", "--templates", "FOLDER", "--yes"),
    "diff": ("diff", "ENV", "--templates", "FOLDER"),
    "upgrade": ("upgrade", "ENV", "--templates", "FOLDER", "--yes"),
    "restore": ("restore", "ENV", "--templates", "FOLDER", "--yes", "--snapshot", SNAPSHOT),
    "destroy": ("destroy", "ENV", "--templates", "FOLDER", "--yes-destroy", "any"),
    "images push": ("images", "push", "ENV", "--yes"),
    "images list": ("images", "list", "ENV"),
    "publish templates": ("publish", "templates", "1.0", "--templates", "FOLDER"),
    "publish catalog": (
        "publish",
        "catalog",
        "1.0",
        "--launchers",
        "Imaging*",
        "--yes",
        "--templates",
        "FOLDER",
    ),
    "catalog list": ("catalog", "list"),
    "catalog deprecate": ("catalog", "deprecate", "1.0"),
    "users": ("users", "ENV", "add", "alice", "--role", "reader", "--generate"),
    "status": ("status", "ENV"),
    "outputs": ("outputs", "ENV"),
    "drift": ("drift", "ENV"),
    "logs": ("logs", "ENV"),
    "audit": ("audit", "ENV", "--user", "alice"),
}


@pytest.mark.parametrize("trouble", troubles.ALL, ids=str)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_whose_first_request_meets_trouble_says_so_and_changes_nothing(
    line: Line, tmp_path: Path, verb: str, trouble: Trouble
) -> None:
    environment = write(tmp_path)
    names = {"ENV": environment.parameters, "FOLDER": tmp_path}
    line.strike(trouble)
    shown = told(run(*(names.get(word, word) for word in VERBS[verb])))
    for words in trouble.told:
        assert words in shown
    assert line.operations == []


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (
            f"User: {troubles.JANE} is not authorized to perform: ssm:PutParameter on resource: x "
            "(HandlerErrorCode: AccessDenied)",
            "Ask the account's administrator to allow ssm:PutParameter.",
        ),
        (
            "The maximum number of VPCs has been reached. (HandlerErrorCode: ServiceLimitExceeded)",
            "at a quota",
        ),
        ("Rate exceeded (HandlerErrorCode: Throttling)", "AWS limited the account's requests."),
    ],
    ids=["denied", "at quota", "throttled"],
)
def test_what_stops_a_grandchild_is_told_with_what_to_do_and_the_same_again_completes_it(
    emulator: Emulator, line: Line, tmp_path: Path, reason: str, advice: str
) -> None:
    environment = write(tmp_path)
    verb = ("deploy", tmp_path / "test.json", "--stack-name", environment.stack_name, "--templates", tmp_path)
    emulator.inject("fail", "Value", reason=reason)
    shown = told(run(*verb, "--yes"))
    assert f"root/Middle/Inner/Value (AWS::SSM::Parameter): {reason}" in shown
    assert f"→ {advice}" in shown or f" {advice}" in shown
    assert "Only the empty stack with its events is left" in shown
    assert run(*verb, "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("code", "status", "headers", "message"),
    [
        ("PermanentRedirect", 301, {"x-amz-bucket-region": "eu-west-1"}, "Bucket theirs lies in eu-west-1"),
        ("AccessDenied", 403, {}, "Bucket theirs belongs to another account"),
        ("NoSuchBucket", 404, {}, "There is no bucket theirs"),
    ],
    ids=["elsewhere", "somebody else's", "missing"],
)
@pytest.mark.parametrize("verb", ["deploy", "diff", "images push", "publish templates", "publish catalog"])
def test_a_bucket_that_cannot_be_used_is_told_before_anything_is_made(
    line: Line,
    session: Session,
    tmp_path: Path,
    verb: str,
    code: str,
    status: int,
    headers: dict[str, str],
    message: str,
) -> None:
    environment = write(tmp_path)
    names = {"ENV": environment.parameters, "FOLDER": tmp_path}
    line.strike(troubles.bucket(code, status, headers), "HeadBucket")
    named = ("--stack-name", environment.stack_name) if verb in ("deploy", "diff") else ()
    shown = told(run(*(names.get(word, word) for word in VERBS[verb]), "--bucket", "theirs", *named))
    assert f"✗ {message}" in shown
    assert set(line.operations) <= {"GetCallerIdentity", "DescribeStacks", "HeadBucket"}


@dataclass
class Work:
    """What one verb has to do in an account that is ready for it, and how it is told that all of it is done."""

    arguments: tuple[str | Path, ...]
    check: Callable[[Result], None]

    def run(self) -> Result:
        return run(*self.arguments)


Prepare = Callable[[Path, Session], Work]


def destroying(folder: Path, session: Session) -> Work:
    deployer = Deployer(folder, session)
    name = f"/{folder.name}/record"
    deployer.deploy(record=name, database=True)
    environment = deployer.environment(record=name, database=True)

    def check(result: Result) -> None:
        assert deployer.stack() is None
        left = json.loads(result.stdout)
        assert [item["PhysicalResourceId"] for item in left["Kept"]] == [name]
        assert len(left["Snapshots"]) == 1

    stack = environment.stack_name
    named = (folder / "test.json", "--stack-name", stack, "--templates", folder)
    return Work(("destroy", *named, "--yes-destroy", stack, "--output", "json"), check)


def upgrading(folder: Path, session: Session) -> Work:
    store = Store(folder, session)
    store.choose("two")

    def check(_: Result) -> None:
        assert store.is_running("two")
        rds = session.client("rds")
        assert snapshots.of_cluster(rds, store.physical_id("Database", "Cluster"))

    stack = store.environment.stack_name
    return Work(
        ("upgrade", folder / "test.json", "--stack-name", stack, "--templates", folder, "--yes"), check
    )


def adding_a_user(folder: Path, session: Session) -> Work:
    environment = write(folder)
    template = {
        "Parameters": {name: {"Type": "String", "Default": ""} for name in LOCATION_PARAMETERS},
        "Resources": {
            "Users": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": '{"users": {}}'}}
        },
        "Outputs": {"UsersSecret": {"Value": {"Ref": "Users"}}},
    }
    client = session.cloudformation
    client.create_stack(StackName=environment.stack_name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(
        StackName=environment.stack_name, WaiterConfig={"Delay": 1}
    )
    named = ("--stack-name", environment.stack_name)

    def check(_: Result) -> None:
        shown = json.loads(run("users", folder / "test.json", "list", *named, "--output", "json").stdout)
        assert shown == {"alice": {"Role": "reader", "HasPassword": False}}

    return Work(
        ("users", folder / "test.json", "add", "alice", "--role", "reader", "--no-password", *named), check
    )


def restoring(folder: Path, session: Session) -> Work:
    """To a moment, for which a temporary cluster is made."""
    environment = database_with_generations(folder)
    apply(environment, deploy.Options(ask=False), session, Console())
    before = cluster_of(environment, session)
    latest = session.client("rds").describe_db_clusters(DBClusterIdentifier=before)["DBClusters"][0]
    moment = latest["LatestRestorableTime"].isoformat()

    def check(_: Result) -> None:
        assert cluster_of(environment, session) == before.removesuffix("-1") + "-2"
        rds = session.client("rds")
        names = [found["DBClusterIdentifier"] for found in rds.describe_db_clusters()["DBClusters"]]
        assert not [name for name in names if name.startswith(f"{before}-at-")]

    named = (folder / "test.json", "--stack-name", environment.stack_name, "--templates", folder)
    return Work(("restore", *named, "--yes", "--to-time", moment), check)


def publishing(folder: Path, session: Session) -> Work:
    write(folder)
    shutil.copy(TEMPLATES / "images.yaml", folder)
    bucket = f"reliability-{uuid.uuid4().hex[:12]}"
    session.s3.create_bucket(Bucket=bucket)

    def check(_: Result) -> None:
        keys = [found["Key"] for found in session.s3.list_objects_v2(Bucket=bucket)["Contents"]]
        assert len(keys) == 3 + 1 + 1 + 1  # a root with two below, images, sources, manifest

    return Work(("publish", "templates", "1.0", "--templates", folder, "--bucket", bucket), check)


def pushing(folder: Path, session: Session) -> Work:
    (folder / "hospital.json").write_text("{}")
    stack_name = images.STACK_NAME

    def check(result: Result) -> None:
        assert len(result.stdout.splitlines()) == 2
        project = stacks.physical_id(session.cloudformation, stack_name, ("Project",))
        assert len(session.client("codebuild").list_builds_for_project(projectName=project)["ids"]) == 1

    return Work(("images", "push", folder / "hospital.json", "--yes", "--bills", folder / "bills"), check)


# At which request each verb is cut, by what, and which of its words say what is left then.
Cut = tuple[Trouble | None, bool]
BEFORE, AFTER, EXPIRED, LOST = (None, False), (None, True), (troubles.EXPIRED, False), (troubles.LOST, True)
STEPS: dict[str, tuple[Prepare, tuple[tuple[str, tuple[Cut, ...], str], ...]]] = {
    "destroy": (
        destroying,
        (
            ("GetTemplate", (AFTER,), ""),
            ("UpdateStack", (AFTER, LOST), "its protection may be off"),
            ("UpdateTerminationProtection", (AFTER, EXPIRED), "its protection may be off"),
            ("DeleteStack", (BEFORE, AFTER, EXPIRED, LOST), "may not have begun"),
            ("DescribeDBClusterSnapshots", (BEFORE,), ""),
        ),
    ),
    "upgrade": (
        upgrading,
        (
            ("RegisterScalableTarget", (BEFORE, EXPIRED), ""),
            ("UpdateService", (AFTER,), "Orthanc runs again"),
            ("UpdateService", (EXPIRED, LOST), "Orthanc is left stopped, and clients get 503"),
            ("DescribeTasks", (EXPIRED,), "Orthanc is left stopped, and clients get 503"),
            ("CreateDBClusterSnapshot", (AFTER,), "Orthanc runs again"),
            ("CreateDBClusterSnapshot", (EXPIRED, LOST), "Orthanc is left stopped, and clients get 503"),
            ("ExecuteChangeSet", (EXPIRED, LOST), "Orthanc is left stopped, and clients get 503"),
            ("RemoveTagsFromResource", (AFTER, EXPIRED), "Orthanc runs again"),
        ),
    ),
    "restore": (
        restoring,
        (
            ("RestoreDBClusterToPointInTime", (AFTER, EXPIRED, LOST), "A temporary cluster"),
            ("CreateDBClusterSnapshot", (AFTER, EXPIRED), "A temporary cluster"),
            ("DeleteDBCluster", (BEFORE, LOST), "A temporary cluster"),
            ("CreateChangeSet", (BEFORE, EXPIRED), "carries on"),
            ("ExecuteChangeSet", (AFTER, EXPIRED, LOST), "carries on"),
        ),
    ),
    "users": (
        adding_a_user,
        (
            ("PutSecretValue", (AFTER, EXPIRED, LOST), ""),
            ("UpdateSecretVersionStage", (BEFORE, EXPIRED), ""),
        ),
    ),
    "publish templates": (
        publishing,
        (
            ("PutObject", (BEFORE, AFTER, EXPIRED, LOST), ""),
            ("GetObject", (AFTER, EXPIRED), ""),
            ("ValidateTemplate", (AFTER, EXPIRED), ""),
        ),
    ),
    "images push": (
        pushing,
        (
            ("StartBuild", (AFTER, LOST), ""),
            ("BatchGetBuilds", (AFTER, EXPIRED, LOST), "It goes on in AWS"),
        ),
    ),
}
NAMES = {BEFORE: "ctrl-C before", AFTER: "ctrl-C after", EXPIRED: "expired", LOST: "lost"}
CASES = [
    pytest.param(prepare, operation, cut, left, id=f"{verb}-{operation}-{NAMES[cut]}")
    for verb, (prepare, steps) in STEPS.items()
    for operation, cuts, left in steps
    for cut in cuts
]


@pytest.mark.slow
@pytest.mark.parametrize(("prepare", "operation", "cut", "left"), CASES)
def test_a_verb_that_is_cut_short_says_what_is_left_and_the_same_again_completes_it(
    line: Line,
    session: Session,
    tmp_path: Path,
    prepare: Prepare,
    operation: str,
    cut: Cut,
    left: str,
) -> None:
    work = prepare(tmp_path, session)
    trouble, is_late = cut
    line.strike(trouble, operation, is_late)
    shown = told(work.run())
    for words in trouble.told if trouble else ("topped by ctrl-C",):
        assert words in shown
    assert left in shown
    line.clear()
    again = work.run()
    assert again.exit_code == 0, again.stderr
    work.check(again)

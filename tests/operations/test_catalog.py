"""Two versions are published to the catalog, one is launched and updated, and the first deprecated."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scripts.aws import stacks
from scripts.aws.events import OperationEvents, start_of
from scripts.aws.follow import read
from scripts.aws.session import Connection, Session
from scripts.cli import main
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations import catalog, deploy, images
from scripts.operations import publish as publishing
from scripts.operations.catalog import Options, default_environment
from scripts.operations.environment import Environment
from tests.functions.organization import Organization, account_number

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "templates"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("catalog")]


class Catalog:
    """A catalog of the test's own, and the stores that are launched from it."""

    def __init__(self, folder: Path, session: Session) -> None:
        self.folder, self.session = folder, session
        self.client = session.client("servicecatalog")

    def publish(self, version: str, environment: Environment | None = None, **asked: str) -> dict[str, str]:
        options = Options(asked, deploy.Options(ask=False))
        given = environment or default_environment(self.folder)
        return catalog.publish(version, given, options, self.session, Console())

    def share(self, *grantees: str) -> None:
        """Publishes a version once more by the command line, for others to have it."""
        options = ["--launchers", LAUNCHERS["LauncherRoles"], "--templates", str(self.folder), "--yes"]
        whom = [word for grantee in grantees or ("",) for word in ("--share", grantee)]
        result = CliRunner().invoke(main, ["publish", "catalog", "1.0", *options, *whom])
        assert result.exit_code == 0, result.stderr

    def shares(self) -> set[str]:
        organization = Organization(self.session.client("organizations"), self.client)
        return set(organization.shares(self.stack().outputs["Portfolio"]))

    def readers(self) -> list[dict[str, Any]]:
        """The statements of the bucket's policy that let anybody read."""
        bucket = self.stack().parameters["PublishedBucket"]
        policy = json.loads(self.session.s3.get_bucket_policy(Bucket=bucket)["Policy"])
        return [item for item in policy["Statement"] if item["Effect"] == "Allow"]

    def versions(self) -> dict[str, str]:
        """The names of all versions with their ids."""
        product = self.stack().outputs["Product"]
        found = self.client.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
        return {item["Name"]: item["Id"] for item in found}

    def stack(self) -> stacks.Stack:
        stack = stacks.find(self.session.cloudformation, catalog.STACK_NAME)
        assert stack is not None
        return stack

    def launch(self, version: str, **given: str) -> str:
        """Launches a version as a user of Service Catalog does; returns the id of the launched product."""
        record = self.client.provision_product(
            ProductId=self.stack().outputs["Product"],
            ProvisioningArtifactId=self.versions()[version],
            ProvisionedProductName="store",
            ProvisioningParameters=[{"Key": key, "Value": value} for key, value in given.items()],
            ProvisionToken=uuid.uuid4().hex,
        )["RecordDetail"]
        self.wait(record["ProvisionedProductId"])
        return str(record["ProvisionedProductId"])

    def update(self, launched: str, version: str, **given: str) -> None:
        self.client.update_provisioned_product(
            ProvisionedProductId=launched,
            ProvisioningArtifactId=self.versions()[version],
            ProvisioningParameters=[{"Key": key, "Value": value} for key, value in given.items()],
            UpdateToken=uuid.uuid4().hex,
        )
        self.wait(launched)

    def wait(self, launched: str) -> None:
        while self.shown(launched)["Status"] == "UNDER_CHANGE":
            time.sleep(0.1)
        assert self.shown(launched)["Status"] == "AVAILABLE", self.why(launched)

    def why(self, launched: str) -> str:
        """What CloudFormation says of the stack of a store that could not be launched."""
        client, name = self.session.cloudformation, f"SC-{self.session.account}-{launched}"
        stack_id = stacks.find(client, name)
        assert stack_id is not None
        return str(read(OperationEvents(client, stack_id.id, start_of(client, stack_id.id))).failure)

    def shown(self, launched: str) -> dict[str, Any]:
        return dict(self.client.describe_provisioned_product(Id=launched)["ProvisionedProductDetail"])

    def outputs(self, launched: str) -> dict[str, str]:
        stack = stacks.find(self.session.cloudformation, f"SC-{self.session.account}-{launched}")
        assert stack is not None
        return stack.outputs


@pytest.fixture
def of_its_own(made: Catalog, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The same in an account of its own, whose bucket and organization are nobody else's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account_number())
    return Catalog(made.folder, Session(Connection()))


@pytest.fixture
def made(tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The real set in a folder of its own, whose versions are nobody else's."""
    monkeypatch.setattr(publishing, "lint_unless_clean", lambda _: [])
    token = uuid.uuid4().hex[:8]
    monkeypatch.setattr(catalog, "STACK_NAME", f"catalog-{token}")
    monkeypatch.setattr(images, "STACK_NAME", f"images-{token}")
    monkeypatch.setattr("scripts.aws.published.PUBLISHED_PREFIX", f"orthanc-aws/{token}/")
    folder = tmp_path / "templates"
    folder.mkdir()
    for file in TEMPLATES.glob("*.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    return Catalog(folder, session)


LAUNCHERS = {"LauncherRoles": "Imaging*"}
SNAPSHOT = "arn:aws:rds:us-east-1:000000000000:cluster-snapshot:monday"
ACCOUNTS = ["111122223333", "444455556666"]
# No other store of the account may have its name.
DOMAIN = f"{uuid.uuid4().hex[:8]}.example.org"
STORE = {
    "DomainName": DOMAIN,
    "HostedZoneId": "Z0123456789EXAMPLE00",
    "ClientRanges": "192.0.2.0/24",
}


def change(made: Catalog) -> None:
    """Another version of the templates: the budget's stack is described otherwise."""
    budget = made.folder / "budget.yaml"
    budget.write_text(budget.read_text().replace("The account's monthly budget", "The monthly budget"))


def test_two_versions_are_published_and_a_launched_store_is_updated_to_the_second(made: Catalog) -> None:
    made.publish("1.0", **LAUNCHERS)
    launched = made.launch("1.0", **STORE)
    assert made.outputs(launched)["DicomWebUrl"] == f"https://{DOMAIN}/dicom-web/"
    assert "/1.0/" in made.outputs(launched)["TemplateSource"]

    change(made)
    made.publish("1.1")
    assert made.versions().keys() == {"1.0", "1.1"}
    made.update(launched, "1.1", **STORE)
    assert "/1.1/" in made.outputs(launched)["TemplateSource"]

    catalog.deprecate("1.0", made.session)
    listed = catalog.listed(made.session)
    assert [(item.name, item.is_deprecated) for item in listed] == [("1.1", False), ("1.0", True)]


def test_the_same_version_again_changes_nothing_and_another_content_is_refused(made: Catalog) -> None:
    first = made.publish("1.0", **LAUNCHERS)
    assert made.publish("1.0") == first
    assert made.versions().keys() == {"1.0"}
    change(made)
    with pytest.raises(OperationError, match="with other content"):
        made.publish("1.0")
    assert made.versions().keys() == {"1.0"}


def test_a_version_of_the_catalog_with_another_template_is_refused(made: Catalog) -> None:
    made.publish("1.0", **LAUNCHERS)
    product = made.stack().outputs["Product"]
    made.client.update_provisioning_artifact(
        ProductId=product,
        ProvisioningArtifactId=made.versions()["1.0"],
        Description="orthanc-aws/1.0/root-of-somebody-else.yaml",
    )
    with pytest.raises(OperationError, match="in the catalog with other content"):
        made.publish("1.0")


def test_what_was_said_of_the_catalog_stays(made: Catalog) -> None:
    made.publish("1.0", **LAUNCHERS, CostCenter="radiology", Provider="Imaging")
    made.publish("1.1")
    parameters = made.stack().parameters
    assert parameters["CostCenter"] == "radiology"
    assert parameters["FirstVersion"] == "1.0"
    made.publish("1.1", CostCenter="")
    assert made.stack().parameters["CostCenter"] == ""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"TemplateBucket": "a-bucket-of-mine"}, "leave it as it is"),
        ({"DatabaseSnapshot": SNAPSHOT}, "an administrator restores snapshots"),
        ({"HostedZoneId": "ZTHEIRS"}, "the zone that stores are given names in"),
    ],
)
def test_a_user_cannot_have_the_launch_role_do_what_is_not_theirs(
    made: Catalog, given: dict[str, str], told: str
) -> None:
    made.publish("1.0", **LAUNCHERS, HostedZone=STORE["HostedZoneId"])
    with pytest.raises(made.client.exceptions.InvalidParametersException, match=told):
        made.launch("1.0", **{**STORE, **given})


def test_a_version_that_begins_with_a_snapshot_could_never_be_launched_and_is_refused(
    made: Catalog, tmp_path: Path
) -> None:
    small = json.loads((PROJECT / "parameters" / "small.json").read_text())
    file = tmp_path / "small.json"
    file.write_text(json.dumps({**small, "DatabaseSnapshot": SNAPSHOT}))
    with pytest.raises(OperationError, match="begins with a snapshot"):
        made.publish("1.0", Environment("small", "x", file, made.folder, "small"), **LAUNCHERS)
    assert stacks.find(made.session.cloudformation, images.STACK_NAME) is None


def test_who_may_launch_must_be_said_before_anything_is_made(made: Catalog) -> None:
    with pytest.raises(OperationError, match="LauncherRoles has no value"):
        made.publish("1.0")
    assert stacks.find(made.session.cloudformation, images.STACK_NAME) is None


@pytest.mark.parametrize("pattern", ["***", "*/*", "*/**/-*"])
def test_not_everybody_may_launch(made: Catalog, pattern: str) -> None:
    with pytest.raises(OperationError, match=r"LauncherRoles: .* must be the path and name of a role"):
        made.publish("1.0", LauncherRoles=pattern)
    assert stacks.find(made.session.cloudformation, images.STACK_NAME) is None


def test_versions_stay_in_one_bucket(made: Catalog) -> None:
    made.publish("1.0", **LAUNCHERS)
    bucket = f"other-{uuid.uuid4().hex[:8]}"
    made.session.s3.create_bucket(Bucket=bucket)
    options = Options({}, deploy.Options(bucket=bucket, ask=False))
    with pytest.raises(OperationError, match="versions lie in bucket orthanc-aws-artifacts-"):
        catalog.publish("1.1", default_environment(made.folder), options, made.session, Console())


def test_a_parameter_set_becomes_what_the_form_begins_with(made: Catalog, tmp_path: Path) -> None:
    domain = f"{uuid.uuid4().hex[:8]}.example.org"
    small = json.loads((PROJECT / "parameters" / "small.json").read_text())
    file = tmp_path / "small.json"
    file.write_text(json.dumps({**small, "DomainName": domain}))
    made.publish("1.0", Environment("small", "x", file, made.folder, "small"), **LAUNCHERS)
    assert made.outputs(made.launch("1.0"))["DicomWebUrl"] == f"https://{domain}/dicom-web/"


def test_an_unknown_version_and_a_missing_catalog_are_told(made: Catalog) -> None:
    with pytest.raises(OperationError, match="There is no catalog"):
        catalog.listed(made.session)
    made.publish("1.0", **LAUNCHERS)
    with pytest.raises(OperationError, match=r"no version 2\.0 .* there are: 1\.0"):
        catalog.deprecate("2.0", made.session)


def test_the_catalog_and_its_templates_are_for_whom_it_is_shared_with_and_nobody_else(
    of_its_own: Catalog,
) -> None:
    organization = Organization(of_its_own.session.client("organizations"), of_its_own.client)
    organization.enable_access()
    unit = organization.unit()

    of_its_own.share(*ACCOUNTS, unit)
    assert of_its_own.shares() == {*ACCOUNTS, unit}
    assert [item["Sid"] for item in of_its_own.readers()] == ["ReadPublishedAccounts", "ReadPublishedUnits"]
    assert of_its_own.stack().outputs["ShareLogGroup"].endswith("/portfolio-shares")
    of_its_own.publish("1.1")
    assert of_its_own.shares() == {*ACCOUNTS, unit}
    of_its_own.share(ACCOUNTS[1], organization.id)
    assert of_its_own.shares() == {ACCOUNTS[1], organization.id}
    assert of_its_own.readers()[0]["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNTS[1]}:root"]}
    of_its_own.share()
    assert (of_its_own.shares(), of_its_own.readers()) == (set(), [])
    assert "ShareLogGroup" not in of_its_own.stack().outputs


def test_the_policy_of_a_named_bucket_is_left_alone_and_what_it_must_say_is_told(
    of_its_own: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = f"other-{uuid.uuid4().hex[:8]}"
    of_its_own.session.s3.create_bucket(Bucket=bucket)
    options = Options(
        {**LAUNCHERS, **catalog.shared_with(ACCOUNTS)}, deploy.Options(bucket=bucket, ask=False)
    )
    catalog.publish("1.0", default_environment(of_its_own.folder), options, of_its_own.session, Console())
    assert f"arn:aws:iam::{ACCOUNTS[0]}:root" in capsys.readouterr().err
    with pytest.raises(of_its_own.session.s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        of_its_own.session.s3.get_bucket_policy(Bucket=bucket)


def test_what_service_catalog_refuses_is_told_and_the_catalog_stays_as_it_was(of_its_own: Catalog) -> None:
    of_its_own.share(ACCOUNTS[0])
    with pytest.raises(OperationError, match="aws servicecatalog enable-aws-organizations-access"):
        of_its_own.publish("1.0", **catalog.shared_with([ACCOUNTS[1], "ou-ab12-11111111"]))
    assert of_its_own.shares() == {ACCOUNTS[0]}


@pytest.mark.parametrize("unit", ["ou-ab12", "ou-AB12-11111111", "o-short"])
def test_a_unit_that_none_can_be_called_is_refused(made: Catalog, unit: str) -> None:
    with pytest.raises(OperationError, match="must be an organizational unit"):
        made.publish("1.0", **LAUNCHERS, **catalog.shared_with([unit]))


@pytest.mark.parametrize("name", ["r-ab12", "11112222333x", "", "123456789012,210987654321"])
def test_nothing_but_accounts_units_and_organizations_is_shared_with(name: str) -> None:
    with pytest.raises(ValueError, match="is neither an account"):
        catalog.shared_with([ACCOUNTS[0], name])

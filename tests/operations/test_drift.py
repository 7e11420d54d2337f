"""What was changed past CloudFormation, in an emulated account."""

import click
import pytest

from scripts import reports
from scripts.operations.drift import drift
from tests.operations.deployer import Deployer


@pytest.fixture
def group(deployer: Deployer) -> str:
    """The name of a log group that is deployed."""
    name = f"/{deployer.folder.name}/record"
    deployer.deploy(record=name)
    return name


@pytest.mark.usefixtures("group")
def test_nothing_has_drifted_right_after_a_deployment(deployer: Deployer) -> None:
    found = drift(deployer.environment(), deployer.session, deployer.console)
    assert found.drifted == ()
    assert found.checked == found.total == 2


def test_a_value_that_somebody_changed_is_shown_beside_that_of_the_template(deployer: Deployer) -> None:
    deployer.deploy(word="one")
    parameters = deployer.session.client("ssm")
    names = [item["Name"] for item in parameters.describe_parameters()["Parameters"]]
    (mine,) = [name for name in names if deployer.environment().stack_name in name]
    parameters.put_parameter(Name=mine, Value="changed", Type="String", Overwrite=True)
    found = drift(deployer.environment(), deployer.session, deployer.console)
    assert [click.unstyle(line) for line in reports.drift(found)] == [
        "root/Middle/Inner/Value (AWS::SSM::Parameter)  /Value  one → changed"
    ]


def test_a_resource_that_somebody_deleted_is_told(deployer: Deployer, group: str) -> None:
    deployer.session.client("logs").delete_log_group(logGroupName=group)
    found = drift(deployer.environment(), deployer.session, deployer.console)
    assert list(reports.drift(found)) == ["root/Middle/Inner/Record (AWS::Logs::LogGroup)    is DELETED"]
    assert found.as_json()["Drifted"][0]["PhysicalResourceId"] == group

"""What a deployment would change, seen without changing it."""

import json

import click
import pytest

from scripts import reports
from scripts.aws.changeset import Change
from scripts.errors import OperationError
from scripts.operations.diff import Difference, diff
from tests.operations.deployer import Deployer


def difference(deployer: Deployer, **kinds: str) -> Difference:
    return diff(deployer.environment(**kinds), None, {}, deployer.session, deployer.console)


def innermost(change: Change) -> Change:
    return innermost(change.children[0]) if change.children else change


def test_what_was_never_deployed_is_all_new_and_leaves_no_stack(deployer: Deployer) -> None:
    found = difference(deployer)
    assert found.has_changes
    assert [(change.action, change.logical_id) for change in found.changes] == [("Add", "Middle")]
    assert innermost(found.changes[0]).logical_id == "Value"
    assert deployer.stack() is None


def test_a_deployed_environment_has_no_differences(deployer: Deployer) -> None:
    deployer.deploy()
    assert difference(deployer) == Difference(deployer.environment().stack_name, False, ())


def test_a_difference_is_shown_and_nothing_changed(deployer: Deployer) -> None:
    deployer.deploy()
    before = deployer.stack()
    change = innermost(difference(deployer, word="two").changes[0])
    assert (change.action, change.logical_id, change.causes) == ("Modify", "Value", ("Value",))
    assert deployer.stack() == before
    assert deployer.change_sets() == []


def test_the_replacement_of_what_bears_data_is_marked_as_such(deployer: Deployer) -> None:
    deployer.deploy(record=f"/{deployer.folder.name}/a")
    found = difference(deployer, record=f"/{deployer.folder.name}/b")
    shown = click.unstyle("\n".join(reports.difference(found)))
    assert "± Record (AWS::Logs::LogGroup) is REPLACED, the old one is kept [LogGroupName]" in shown
    assert "! DATA AT RISK in root/Middle/Inner/Record (AWS::Logs::LogGroup)" in shown


def test_a_difference_for_scripts_tells_what_is_in_danger(deployer: Deployer) -> None:
    deployer.deploy(record=f"/{deployer.folder.name}/a")
    told = json.loads(json.dumps(difference(deployer).as_json()))
    (record,) = told["Changes"][0]["Changes"][0]["Changes"]
    assert (record["Action"], record["LogicalResourceId"]) == ("Remove", "Record")
    assert record["EndangersData"]


def test_a_stack_that_is_not_at_rest_is_not_asked_for_a_change_set(deployer: Deployer) -> None:
    with pytest.raises(OperationError):
        deployer.deploy(broken=True)
    with pytest.raises(OperationError, match="is ROLLBACK_COMPLETE") as raised:
        difference(deployer)
    assert "`orthanc-aws deploy test` brings it to order first." in raised.value.advice

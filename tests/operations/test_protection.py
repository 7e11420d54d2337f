"""Data is neither replaced nor removed unless that was said: by this tool, or by anybody else."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scripts.aws import stacks
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deploy import Options, apply
from scripts.operations.diff import diff
from scripts.operations.protection import path_of
from tests.operations.deployer import UNASKED, Deployer, Interrupting

RECORD = ("Middle", "Inner", "Record")
ALLOWING = Options(ask=False, allow_replacing=(RECORD,))


def tree(deployer: Deployer) -> stacks.Nested:
    stack = deployer.stack()
    assert stack is not None
    return stacks.tree(deployer.session.cloudformation, stack.id, stack.status)


def guarded(deployer: Deployer) -> dict[str, list[str]]:
    """What the policy of each stack that has one denies the replacement and removal of."""
    client = deployer.session.cloudformation
    bodies = {
        "/".join(stack.path): client.get_stack_policy(StackName=stack.id).get("StackPolicyBody")
        for stack in tree(deployer).all()
    }
    return {
        path: [name for statement in json.loads(body)["Statement"][1:] for name in statement["Resource"]]
        for path, body in bodies.items()
        if body
    }


ALL_GUARDED = {
    "": ["LogicalResourceId/Middle"],
    "Middle": ["LogicalResourceId/Inner"],
    "Middle/Inner": ["LogicalResourceId/Record"],
}


class Looking(Console):
    """Notes at the start of an operation how the stacks are guarded then."""

    def __init__(self, deployer: Deployer) -> None:
        super().__init__()
        self._deployer = deployer
        self.found: dict[str, list[str]] = {}

    @contextmanager
    def progress(self, *arguments: Any) -> Iterator[Any]:
        self.found = guarded(self._deployer)
        with super().progress(*arguments) as listener:
            yield listener


@pytest.fixture
def named(deployer: Deployer) -> str:
    """A deployment with a record that bears data, and the name of another one."""
    deployer.deploy(record=f"/{deployer.folder.name}/a")
    return f"/{deployer.folder.name}/b"


def record(deployer: Deployer) -> str:
    middle, *_ = tree(deployer).children
    return middle.children[0].resources["Record"].physical_id


@pytest.mark.usefixtures("named")
def test_after_a_deployment_every_stack_guards_its_data(deployer: Deployer) -> None:
    assert guarded(deployer) == ALL_GUARDED


def test_a_stack_without_data_has_no_policy(deployer: Deployer) -> None:
    deployer.deploy()
    assert guarded(deployer) == {}


def test_a_replacement_is_refused_before_anything_is_asked_and_leaves_no_change_set(
    deployer: Deployer, named: str
) -> None:
    before = deployer.stack()
    with pytest.raises(OperationError, match="would lose what bears data") as raised:
        deployer.deploy(Options(), record=named)
    assert raised.value.reason == "root/Middle/Inner/Record (AWS::Logs::LogGroup) would be replaced"
    assert "`orthanc-aws deploy test --allow-replacing Middle/Inner/Record`" in raised.value.advice
    assert deployer.stack() == before
    assert deployer.change_sets() == []


@pytest.mark.usefixtures("named")
def test_a_removal_is_refused(deployer: Deployer) -> None:
    with pytest.raises(OperationError, match=r"Record \(AWS::Logs::LogGroup\) would be removed"):
        deployer.deploy()


def test_the_flag_lifts_the_guard_of_that_resource_for_that_update_alone(
    deployer: Deployer, named: str
) -> None:
    deployer.console = looking = Looking(deployer)
    deployer.deploy(ALLOWING, record=named)
    assert looking.found == {**ALL_GUARDED, "Middle/Inner": []}
    assert record(deployer) == named
    assert guarded(deployer) == ALL_GUARDED


def test_the_flag_may_name_a_nested_stack_for_all_that_is_in_it(deployer: Deployer, named: str) -> None:
    deployer.deploy(Options(ask=False, allow_replacing=(path_of("root/Middle"),)), record=named)
    assert record(deployer) == named


def test_the_flag_does_not_cover_another_path(deployer: Deployer, named: str) -> None:
    with pytest.raises(OperationError, match="would be replaced"):
        deployer.deploy(Options(ask=False, allow_replacing=(path_of("Middle/Inn"),)), record=named)


def test_whoever_updates_the_stack_without_this_tool_is_refused_as_well(
    deployer: Deployer, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.operations.protection.losses", lambda *_: iter(()))
    with pytest.raises(OperationError, match="Action denied by stack policy"):
        deployer.deploy(record=named)
    assert record(deployer) != named


def test_after_a_rollback_all_is_guarded_again(deployer: Deployer, named: str) -> None:
    with pytest.raises(OperationError, match="UPDATE_ROLLBACK_COMPLETE"):
        deployer.deploy(ALLOWING, record=named, broken=True)
    assert guarded(deployer) == ALL_GUARDED


def test_ctrl_c_in_mid_update_leaves_the_policy_lifted_until_the_next_deployment(
    deployer: Deployer, named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:

        class InMidUpdate(Interrupting):
            @contextmanager
            def progress(self, *arguments: Any) -> Iterator[Any]:
                patch.setattr(stacks.Stack, "in_progress", True)
                with super().progress(*arguments) as listener:
                    yield listener

        deployer.console = InMidUpdate()
        with pytest.raises(OperationError, match="stopped by ctrl-C"):
            deployer.deploy(ALLOWING, record=named)
    assert "may be replaced or removed until `orthanc-aws deploy test` guards" in capsys.readouterr().err
    assert guarded(deployer) == {**ALL_GUARDED, "Middle/Inner": []}
    deployer.console = Console()
    with pytest.raises(OperationError, match="would lose what bears data"):
        deployer.deploy(record=f"/{deployer.folder.name}/c")
    assert guarded(deployer) == ALL_GUARDED


def test_after_ctrl_c_all_is_guarded_again_where_the_update_has_ended(
    deployer: Deployer, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class AtItsEnd(Interrupting):
        @contextmanager
        def progress(self, *arguments: Any) -> Iterator[Any]:
            with super().progress(*arguments) as listener:
                while (stack := deployer.stack()) and stack.in_progress:
                    time.sleep(0.05)
                yield listener

    deployer.console = AtItsEnd()
    with pytest.raises(OperationError, match="stopped by ctrl-C"):
        deployer.deploy(ALLOWING, record=named)
    assert "All that bears data is guarded again" in capsys.readouterr().err
    assert guarded(deployer) == ALL_GUARDED


def test_a_deployment_without_changes_guards_what_somebody_laid_open(deployer: Deployer) -> None:
    kinds = {"record": f"/{deployer.folder.name}/a"}
    deployer.deploy(**kinds)
    client = deployer.session.cloudformation
    open_policy = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    for stack in tree(deployer).all():
        client.set_stack_policy(StackName=stack.id, StackPolicyBody=json.dumps({"Statement": [open_policy]}))
    deployer.deploy(**kinds)
    assert guarded(deployer) == ALL_GUARDED


def test_images_stay_where_they_are_found(deployer: Deployer) -> None:
    deployer.deploy()
    before = deployer.stack()
    moved = deployer.environment(storage="s3")
    with pytest.raises(OperationError, match=r"ImageStorage of \S+ cannot become s3"):
        apply(moved, UNASKED, deployer.session, deployer.console)
    with pytest.raises(OperationError, match=r"ImageStorage of \S+ cannot become s3"):
        diff(moved, None, {}, deployer.session, deployer.console)
    assert deployer.stack() == before
    assert deployer.change_sets() == []
    assert deployer.deploy(storage="database", word="two") == {"Word": "two"}

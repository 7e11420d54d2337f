"""A deployment that is cut short at any of its requests: said clearly, and carried on by the next run."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scripts.aws.session import Connection, Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deploy import Options
from tests.operations.deployer import Deployer
from tests.operations.test_protection import ALL_GUARDED, RECORD, guarded, record, tree

ALLOWING = Options(ask=False, allow_replacing=(RECORD,))
# Every kind of request that a creation and an update make, in about the order in which they come first.
CREATION = (
    *("GetCallerIdentity", "CreateBucket", "PutObject", "DescribeStacks", "CreateChangeSet"),
    *("DescribeChangeSet", "DescribeStackEvents", "ExecuteChangeSet", "UpdateTerminationProtection"),
    *("ListStackResources", "GetStackPolicy", "SetStackPolicy"),
)
UPDATE = ("DescribeStacks", "CreateChangeSet", "DescribeChangeSet", "SetStackPolicy", "ExecuteChangeSet")


def ctrl_c() -> None:
    raise KeyboardInterrupt


def expire() -> None:
    error = {"Error": {"Code": "ExpiredToken", "Message": "The security token is expired"}}
    raise ClientError(error, "Any")


class Cut(Session):
    """A session in which something happens at the first request for an operation: before it is sent, or after."""

    def __init__(self, operation: str, moment: str, happen: Callable[[], None], lasting: bool) -> None:
        super().__init__(Connection())
        self._operation, self._happen, self._lasting = operation, happen, lasting
        self.is_cut = False
        event = {"before": "before-send", "after": "after-call"}[moment]
        self._boto.events.register(f"{event}.*", self._look)

    def _look(self, event_name: str, **_: Any) -> None:
        operation = event_name.rsplit(".", 1)[-1]
        if self._lasting if self.is_cut else operation == self._operation:
            self.is_cut = True
            self._happen()


def cut_short(
    deployer: Deployer, cut: Cut, options: Options = ALLOWING, **kinds: Any
) -> BaseException | None:
    """Deploys with a session that is cut; returns what came of it."""
    usual, deployer.session = deployer.session, cut
    try:
        deployer.deploy(options, **kinds)
    except (KeyboardInterrupt, ClientError, OperationError) as error:
        return error
    finally:
        deployer.session = usual
    return None


def finish(deployer: Deployer, name: str) -> None:
    """What every run after an interruption comes to."""
    assert deployer.deploy(ALLOWING, record=name) == {"Word": "one"}
    assert deployer.change_sets() == []
    assert {stack.status.split("_")[-1] for stack in tree(deployer).all()} == {"COMPLETE"}
    stack = deployer.stack()
    assert stack is not None
    assert stack.protected
    assert record(deployer) == name
    assert guarded(deployer) == ALL_GUARDED


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", CREATION)
def test_a_creation_cut_short_by_ctrl_c_at_any_request_is_carried_on(
    deployer: Deployer, operation: str, moment: str
) -> None:
    name = f"/{deployer.folder.name}/record"
    cut = Cut(operation, moment, ctrl_c, lasting=False)
    cut_short(deployer, cut, record=name)
    assert cut.is_cut or operation == "CreateBucket"  # the account has it already, after the first test
    finish(deployer, name)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", UPDATE)
def test_an_update_whose_credentials_expire_at_any_request_is_carried_on(
    deployer: Deployer, operation: str, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deployer.deploy(record=f"/{deployer.folder.name}/a")
    name = f"/{deployer.folder.name}/b"
    cut = Cut(operation, moment, expire, lasting=True)
    error = cut_short(deployer, cut, record=name)
    assert cut.is_cut
    assert "ExpiredToken" in str(error)
    if operation in ("SetStackPolicy", "ExecuteChangeSet"):
        assert "The stack policies could not be set again" in capsys.readouterr().err
    finish(deployer, name)


def test_a_deployment_that_another_one_overtook_changes_what_that_left(deployer: Deployer) -> None:
    deployer.deploy()
    other = Deployer(deployer.folder, deployer.session, Console())

    class Overtaken(Console):
        def step(self, text: str) -> None:
            super().step(text)
            if text.startswith("Asking"):
                deployer.console = Console()
                other.deploy(word="three")

    deployer.console = Overtaken()
    assert deployer.deploy(word="two") == {"Word": "two"}


def test_of_two_that_wait_for_a_yes_the_second_to_say_it_is_told_to_look_again(deployer: Deployer) -> None:
    deployer.deploy()
    other = Deployer(deployer.folder, deployer.session, Console())

    class Slow(Console):
        def confirm(self, question: str) -> bool:
            other.deploy(word="three")
            return True

    deployer.console = Slow()
    with pytest.raises(OperationError, match="The change set can no longer be executed") as raised:
        deployer.deploy(Options(), word="two")
    assert "Run the same command again" in raised.value.advice
    stack = deployer.stack()
    assert stack is not None
    assert stack.outputs == {"Word": "three"}

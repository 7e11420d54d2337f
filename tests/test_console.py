"""What is shown: the tree of changes with what it puts at risk, and the steps of a deployment."""

import io
import re
from typing import Any

import click
import pytest
from rich.console import Console as RichConsole

from scripts.aws.changeset import Change
from scripts.aws.events import Event, OperationEvents
from scripts.aws.package import Template
from scripts.change_tree import change_tree
from scripts.console import Console
from scripts.errors import OperationError
from scripts.live_progress import LiveProgress
from scripts.progress import LineProgress, Steps, look
from tests.aws import scripted
from tests.aws.scripted import EPOCH, NESTED, Timeline, nested, record, stack_id


def change(action: str, logical_id: str, resource_type: str, *children: Change, **more: Any) -> Change:
    return Change(
        action,
        logical_id,
        resource_type,
        **{"replacement": "", "policy": "", "causes": ()} | more,
        children=children,
    )


def shown(*changes: Change) -> list[str]:
    return [click.unstyle(line) for line in change_tree("orthanc-test", changes)]


def test_every_kind_of_change_has_its_mark() -> None:
    changes = (
        change("Add", "New", "AWS::SNS::Topic"),
        change("Modify", "Changed", "AWS::SNS::Topic", replacement="False", causes=("DisplayName",)),
        change("Remove", "Old", "AWS::SNS::Topic", policy="Delete"),
        change("Modify", "Anew", "AWS::SNS::Topic", replacement="True", causes=("TopicName",)),
        change("Dynamic", "Unknown", "AWS::SNS::Topic"),
    )
    assert shown(*changes) == [
        "Changes to orthanc-test:",
        "  + New (AWS::SNS::Topic)",
        "  ~ Changed (AWS::SNS::Topic) [DisplayName]",
        "  - Old (AWS::SNS::Topic) it is DELETED",
        "  ± Anew (AWS::SNS::Topic) is REPLACED [TopicName]",
        "  ? Unknown (AWS::SNS::Topic)",
    ]


def test_a_replaced_database_deep_in_the_tree_is_pointed_out_below_it() -> None:
    cluster = change(
        "Modify",
        "Cluster",
        "AWS::RDS::DBCluster",
        replacement="Conditional",
        policy="ReplaceAndSnapshot",
        causes=("SnapshotIdentifier",),
    )
    assert shown(change("Modify", "Database", NESTED, cluster))[2:] == [
        "    ± Cluster (AWS::RDS::DBCluster) MAY BE REPLACED, a snapshot of the old one is kept [SnapshotIdentifier]",
        "! DATA AT RISK in root/Database/Cluster (AWS::RDS::DBCluster)",
    ]


def test_a_change_set_that_touches_no_resource_says_so() -> None:
    assert shown()[1] == "  none to any resource, only to outputs or descriptions"


TEMPLATE = Template(
    key="root.yaml",
    body="",
    resources={"Middle": {"Metadata": {"orthanc-aws": {"Description": "The middle"}}}, "Plain": {}},
    children={
        "Middle": Template(
            key="middle.yaml",
            body="",
            resources={"Slow": {"Metadata": {"orthanc-aws": {"Description": "The slow one"}}}},
            children={},
            parameters=frozenset(),
        )
    },
    parameters=frozenset(),
)
RECORDS = [
    record("root", "root", "CREATE_IN_PROGRESS", 0),
    record("root", "Plain", "CREATE_IN_PROGRESS", 1),
    nested("root", "Middle", "CREATE_IN_PROGRESS", 2),
    record("Middle", "Middle", "CREATE_IN_PROGRESS", 3),
    record("Middle", "Slow", "CREATE_IN_PROGRESS", 4),
    record("Middle", "Slow", "CREATE_IN_PROGRESS", 5, "Resource creation Initiated"),
    record("root", "Plain", "CREATE_COMPLETE", 6),
    record("Middle", "Slow", "CREATE_FAILED", 7, "no capacity"),
    nested("root", "Middle", "CREATE_FAILED", 8, "Embedded stack arn was not successfully created"),
]


def events() -> list[Event]:
    timeline = Timeline(RECORDS)
    client = scripted.client("cloudformation", DescribeStackEvents=timeline.describe_stack_events)
    return OperationEvents(client, stack_id("root"), EPOCH.min.replace(tzinfo=EPOCH.tzinfo)).poll()


def test_only_stacks_described_resources_and_failures_have_a_line_and_each_status_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LineProgress(Steps("orthanc-test", TEMPLATE)).events(events())
    lines = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "CREATE_IN_PROGRESS   root",
        "CREATE_IN_PROGRESS   root/Middle (The middle)",
        "CREATE_IN_PROGRESS   root/Middle/Slow (The slow one)",
        "CREATE_FAILED        root/Middle/Slow (The slow one) - no capacity",
        "CREATE_FAILED        root/Middle (The middle) (1 resource)",
    ]


def drawn(events: list[Event], notice: str = "", height: int = 24) -> str:
    """The last picture that a terminal of 80 columns shows."""
    out = io.StringIO()
    terminal = RichConsole(file=out, force_terminal=True, width=80, height=height, color_system=None)
    with LiveProgress(Steps("orthanc-test", TEMPLATE), terminal) as live:
        live.events(events)
        if notice:
            live.notice(notice)
    return out.getvalue()


def test_the_live_tree_unfolds_what_is_at_work() -> None:
    picture = drawn(events()[:5])
    assert "… orthanc-test" in picture
    assert re.search(r"… Middle  \d+ done  \d+:\d\d  The middle", picture)
    assert re.search(r"… Slow  \d+:\d\d  The slow one", picture)
    assert "Plain" not in picture


def test_the_live_tree_shows_a_failure_with_its_reason_and_a_notice() -> None:
    picture = drawn(events(), notice="Trying again in 2 s.")
    assert "✗ Slow  The slow one  no capacity" in picture
    assert "! Trying again in 2 s." in picture
    assert max(map(len, picture.splitlines())) <= 90


@pytest.mark.parametrize(
    ("status", "symbol"),
    [
        ("CREATE_COMPLETE", "✓"),
        ("UPDATE_IN_PROGRESS", "…"),
        ("UPDATE_ROLLBACK_COMPLETE", "↩"),
        ("UPDATE_ROLLBACK_FAILED", "✗"),
        ("DELETE_COMPLETE", "-"),
    ],
)
def test_every_status_has_a_symbol(status: str, symbol: str) -> None:
    assert look(status)[0] == symbol


def test_an_error_shows_what_failed_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    Console().failure(OperationError("It failed", "first\nthen", "Try again."))
    assert capsys.readouterr().err == "✗ It failed\n  first\n  then\n→ Try again.\n"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_the_live_tree_and_everything_else_a_line_per_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Console().progress("orthanc-test", TEMPLATE) as listener:
        assert isinstance(listener, LineProgress)
    monkeypatch.setattr("sys.stderr", Terminal())
    with Console().progress("orthanc-test", TEMPLATE) as listener:
        assert isinstance(listener, LiveProgress)

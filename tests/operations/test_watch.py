"""The error that a failed operation ends in."""

from pathlib import Path

from scripts.aws.events import OperationEvents
from scripts.aws.follow import Report, read
from scripts.operations.environment import Environment
from scripts.operations.watch import failed
from tests.aws import scripted
from tests.aws.scripted import EPOCH, Timeline, record, stack_id

ENVIRONMENT = Environment("test", "orthanc-test", Path("test.json"), Path(), "test --region eu-west-3")


def report(*reasons: str) -> Report:
    """The report of an update in which a resource failed for each reason, one after the other."""
    failures = [
        record("root", f"Resource{number}", "UPDATE_FAILED", number, reason)
        for number, reason in enumerate(reasons, 1)
    ]
    last = record("root", "root", "UPDATE_ROLLBACK_FAILED", 100)
    timeline = Timeline([record("root", "root", "UPDATE_IN_PROGRESS", 0), *failures, last])
    client = scripted.client("cloudformation", DescribeStackEvents=timeline.describe_stack_events)
    return read(OperationEvents(client, stack_id("root"), EPOCH.min.replace(tzinfo=EPOCH.tzinfo)))


def reasons_of(*reasons: str) -> list[str]:
    lines = failed(ENVIRONMENT, report(*reasons)).reason.splitlines()
    return [line.split(": ", 1)[-1] for line in lines]


def test_the_reasons_are_in_the_order_of_time() -> None:
    assert reasons_of("first", "second", "third") == ["first", "second", "third"]


def test_of_many_reasons_the_first_ones_and_the_last_are_told() -> None:
    reasons = [f"reason {number}" for number in range(1, 9)]
    assert reasons_of(*reasons) == ["reason 1", "reason 2", "reason 3", "then 4 more", "reason 8"]


def test_a_failure_of_which_no_event_is_left_is_told_all_the_same() -> None:
    error = failed(ENVIRONMENT, Report("UPDATE_ROLLBACK_COMPLETE", None))
    assert error.reason == "its events give no reason"


def test_the_advice_repeats_how_the_environment_was_named() -> None:
    assert "`orthanc-aws deploy test --region eu-west-3`" in failed(ENVIRONMENT, report("first")).advice


def test_the_advice_names_the_command_that_failed() -> None:
    error = failed(ENVIRONMENT, report("first"), verb="upgrade")
    assert "run `orthanc-aws upgrade test --region eu-west-3` again" in error.advice


def test_the_advice_begins_with_what_lifts_the_cause() -> None:
    reason = "User: arn:aws:iam::1:user/jane is not authorized to perform: rds:CreateDBCluster on resource: x"
    advice = failed(ENVIRONMENT, report(reason, "second")).advice
    assert advice.startswith(
        "Ask the account's administrator to allow rds:CreateDBCluster. The rollback got stuck."
    )


def test_a_status_that_no_advice_is_known_for_leads_to_the_console() -> None:
    assert "CloudFormation console" in failed(ENVIRONMENT, Report("IMPORT_ROLLBACK_FAILED", None)).advice

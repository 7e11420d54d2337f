"""A build is followed to its end, line by line, and an interrupted run's build is found again."""

from typing import Any

import pytest

from scripts.aws.builds import Builds, Machine
from scripts.aws.clock import Clock
from scripts.aws.patience import UnreachableError
from scripts.errors import OperationError
from tests.aws import scripted
from tests.aws.scripted import RefusalError, asked

VARIABLES = {"SOURCE_BUCKET": "artifacts", "SOURCE_KEY": "images/1.tar.gz"}
ARM = Machine("ARM_CONTAINER", "arm-image")
LOGS = {"groupName": "builds", "streamName": "1"}


def build(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "project:1", "buildStatus": status, "logs": LOGS, **more}


def environment(kind: str = "ARM_CONTAINER", **variables: str) -> dict[str, Any]:
    given = {**VARIABLES, **variables}
    return {
        "type": kind,
        "environmentVariables": [{"name": name, "value": value} for name, value in given.items()],
    }


class Service:
    """CodeBuild and CloudWatch Logs: `builds` are what the requests for the build show one after the other."""

    def __init__(self, *builds: dict[str, Any], pages: list[list[str]] | None = None) -> None:
        self.builds = list(builds)
        self.pages = pages or []
        self.read = 0
        self.waits: list[float] = []
        self.clients = {
            "codebuild": scripted.client(
                "codebuild",
                ListBuildsForProject=lambda _: {"ids": ["project:1"]},
                BatchGetBuilds=self._next,
                StartBuild=lambda _: {"build": {"id": "project:2"}},
            ),
            "logs": scripted.client("logs", GetLogEvents=self._page),
        }

    def client(self, name: str) -> Any:
        return self.clients[name]

    def opened(self) -> Builds:
        clock = Clock(now=lambda: sum(self.waits), sleep=self.waits.append)
        return Builds(self, "project", clock)  # type: ignore[arg-type]

    def followed(self) -> list[str]:
        lines: list[str] = []
        self.opened().follow("project:1", lines.append)
        return lines

    def _next(self, _: Any) -> dict[str, Any]:
        return {"builds": [self.builds.pop(0) if len(self.builds) > 1 else self.builds[0]]}

    def _page(self, request: Any) -> dict[str, Any]:
        position = int(request.get("nextToken", "0"))
        if not self.pages:
            raise RefusalError("ResourceNotFoundException")
        if position >= len(self.pages):
            return {"events": [], "nextForwardToken": str(position)}
        events = [{"message": f"{line}\n"} for line in self.pages[position]]
        return {"events": events, "nextForwardToken": str(position + 1)}


def test_every_line_is_said_once_and_in_order() -> None:
    service = Service(build("IN_PROGRESS"), build("SUCCEEDED"), pages=[["one", "two"], ["three"]])
    assert service.followed() == ["one", "two", "three"]


def test_a_log_that_does_not_exist_yet_is_waited_for() -> None:
    service = Service(build("IN_PROGRESS", logs={}), build("IN_PROGRESS"), build("SUCCEEDED"))
    assert service.followed() == []
    assert len(service.waits) == 2


def test_a_failure_tells_the_phase_its_reason_and_the_last_lines() -> None:
    contexts = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "exit status 1"}]
    phases = [{"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": contexts}]
    lines = [f"line {number}" for number in range(40)]
    service = Service(build("FAILED", phases=phases), pages=[lines])
    with pytest.raises(OperationError) as raised:
        service.followed()
    assert raised.value.what == "Build project:1 ended with FAILED"
    assert raised.value.reason.splitlines() == ["BUILD: exit status 1", *lines[-15:]]
    assert "log group builds, stream 1" in raised.value.advice


def test_a_build_that_does_not_end_is_given_up() -> None:
    service = Service(build("IN_PROGRESS"))
    with pytest.raises(OperationError, match="does not end"):
        service.followed()
    assert sum(service.waits) >= 3 * 3600


def test_a_new_build_gets_the_variables_and_the_machine() -> None:
    service = Service(build("SUCCEEDED", environment=environment()))
    assert service.opened().start(VARIABLES, ARM) == "project:2"
    (request,) = asked(service.client("codebuild"), "StartBuild")
    assert request["environmentTypeOverride"] == "ARM_CONTAINER"
    assert request["imageOverride"] == "arm-image"
    given = {item["name"]: item["value"] for item in request["environmentVariablesOverride"]}
    assert given == VARIABLES


def test_a_build_of_the_same_that_is_under_way_is_found() -> None:
    service = Service(build("IN_PROGRESS", environment=environment(OTHER="x")))
    assert service.opened().under_way(VARIABLES, ARM) == "project:1"


def test_a_build_that_has_ended_is_not_under_way() -> None:
    service = Service(build("SUCCEEDED", environment=environment()))
    assert service.opened().under_way(VARIABLES, ARM) is None


@pytest.mark.parametrize(
    "other", [environment(SOURCE_KEY="images/2.tar.gz"), environment(kind="LINUX_CONTAINER"), {}]
)
def test_a_build_of_something_else_is_not_taken(other: dict[str, Any]) -> None:
    service = Service(build("IN_PROGRESS", environment=other))
    assert service.opened().under_way(VARIABLES, ARM) is None


@pytest.mark.parametrize("fault", [scripted.THROTTLED, scripted.LOST])
def test_a_passing_fault_is_waited_out_and_told(fault: Exception) -> None:
    service = Service(build("IN_PROGRESS"), build("SUCCEEDED"), pages=[["one"]])
    faults = [fault, fault]
    usual = service._next

    def fail_twice(request: Any) -> dict[str, Any]:
        if faults:
            raise faults.pop()
        return usual(request)

    service.clients["codebuild"] = scripted.client("codebuild", BatchGetBuilds=fail_twice)
    said = service.followed()
    assert [line.rpartition(". ")[2] for line in said] == [
        "Trying again in 1 s.",
        "Trying again in 2 s.",
        "one",
    ]


def test_a_connection_lost_for_good_ends_after_ten_minutes() -> None:
    service = Service(build("IN_PROGRESS"))

    def lose(_: Any) -> dict[str, Any]:
        raise scripted.LOST

    service.clients["codebuild"] = scripted.client("codebuild", BatchGetBuilds=lose)
    with pytest.raises(UnreachableError, match="for 10 minutes"):
        service.followed()
    assert 600 <= sum(service.waits) <= 630

"""Stopping and starting all tasks of a service, with its auto scaling kept still meanwhile."""

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.aws.clock import Clock
from scripts.aws.services import Service, Standing
from scripts.errors import OperationError
from tests.aws import scripted

ARN = "arn:aws:ecs:eu-west-1:111122223333:service/cluster/orthanc"
GRACE = 300
FAILED = {"rolloutState": "FAILED", "rolloutStateReason": "tasks failed to start"}


class Tasks:
    """A service of three tasks, and its auto scaling from two on.

    A task that is to stop counts as running no more, and is STOPPING until it has been looked at three times. Each
    deployment of tasks has `rollout`, which takes effect with the second look.
    """

    def __init__(self) -> None:
        self.looks = {f"task-{number}": 0 for number in range(3)}
        self.stopping: set[str] = set()
        self.desired = 3
        self.graces = [GRACE]
        self.suspended: list[bool] = []
        self.rollout: dict[str, Any] = {"rolloutState": "COMPLETED"}
        self.is_rolled_back = False
        self.minima = [2]
        self.deployments = [{"id": "former", "status": "PRIMARY", "rolloutState": "COMPLETED"}]
        ecs = scripted.client(
            "ecs",
            UpdateService=self._update,
            DescribeServices=self._describe,
            ListTasks=self._list,
            DescribeTasks=self._statuses,
        )
        scaling = scripted.client(
            "application-autoscaling",
            RegisterScalableTarget=self._register,
            DescribeScalableTargets=self._scaling,
        )
        self.service = Service(ecs, scaling, ARN)

    def have_ended(self) -> bool:
        return all(self.looks[task] >= 3 for task in self.stopping) and self.stopping == self.looks.keys()

    def _update(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert (arguments["cluster"], arguments["service"]) == ("cluster", ARN)
        self.desired = arguments.get("desiredCount", self.desired)
        self.graces.append(arguments.get("healthCheckGracePeriodSeconds", self.graces[-1]))
        if self.desired == 0:
            self.stopping = set(self.looks)
        if arguments.get("forceNewDeployment"):
            former = [{**each, "status": "ACTIVE"} for each in self.deployments]
            self.deployments = [*former, {"id": "new", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"}]
        return {"service": self._service()}

    def _describe(self, _: Mapping[str, Any]) -> dict[str, Any]:
        answer = {"services": [self._service()]}
        if self.is_rolled_back:
            self.deployments = [{"id": "back", "status": "PRIMARY", "rolloutState": "COMPLETED"}]
        else:
            self.deployments[-1].update(self.rollout)
        return answer

    def _service(self) -> dict[str, Any]:
        deployments = [dict(each) for each in self.deployments]
        return {"runningCount": self.desired, "desiredCount": self.desired, "deployments": deployments}

    def _list(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert (arguments["cluster"], arguments["serviceName"]) == ("cluster", "orthanc")
        is_stopped = arguments["desiredStatus"] == "STOPPED"
        return {"taskArns": [task for task in self.looks if (task in self.stopping) == is_stopped]}

    def _statuses(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        for task in self.stopping.intersection(arguments["tasks"]):
            self.looks[task] += 1
        return {
            "tasks": [
                {"lastStatus": "STOPPED" if self.looks[task] >= 3 else "STOPPING"}
                for task in arguments["tasks"]
            ]
        }

    def _register(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert arguments["ResourceId"] == "service/cluster/orthanc"
        states = set(arguments["SuspendedState"].values())
        self.suspended.append(states == {True})
        return {}

    def _scaling(self, _: Mapping[str, Any]) -> dict[str, Any]:
        state = dict.fromkeys(("DynamicScalingInSuspended",), bool(self.suspended and self.suspended[-1]))
        return {"ScalableTargets": [{"MinCapacity": each, "SuspendedState": state} for each in self.minima]}


def clock() -> Clock:
    waited: list[float] = []
    return Clock(now=lambda: sum(waited), sleep=waited.append)


def test_stopping_waits_until_each_task_has_ended_and_keeps_auto_scaling_still() -> None:
    tasks = Tasks()
    tasks.service.stop(clock())
    assert tasks.have_ended()
    assert tasks.service.standing() == Standing(running=0, desired=0, is_suspended=True)


def test_tasks_that_an_earlier_run_stopped_are_waited_for_too() -> None:
    tasks = Tasks()
    tasks.desired, tasks.stopping = 0, set(tasks.looks)
    tasks.service.stop(clock())
    assert tasks.have_ended()


def test_tasks_that_do_not_end_are_not_waited_for_without_end() -> None:
    tasks = Tasks()
    tasks.looks = {"task": -10_000}
    with pytest.raises(OperationError, match="Tasks still run"):
        tasks.service.stop(clock())


@pytest.mark.parametrize("may_convert", [False, True])
@pytest.mark.parametrize(("minima", "wanted"), [([2], 2), ([], 1)])
def test_starting_waits_for_the_new_deployment_and_lets_auto_scaling_go(
    minima: list[int], wanted: int, may_convert: bool
) -> None:
    tasks = Tasks()
    tasks.minima = minima
    tasks.service.stop(clock())
    tasks.service.start(GRACE, clock(), may_convert=may_convert)
    assert (tasks.desired, tasks.suspended) == (wanted, [True, False])
    assert tasks.graces[-1] == GRACE
    assert (max(tasks.graces) > 3600) == may_convert
    assert tasks.deployments[-1] == {"id": "new", "status": "PRIMARY", "rolloutState": "COMPLETED"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rollout": FAILED}, "tasks failed to start"),
        ({"is_rolled_back": True}, "another deployment took its place"),
        ({"rollout": {"rolloutState": "IN_PROGRESS"}}, "2 of 2 run"),
    ],
)
def test_tasks_that_do_not_become_healthy_are_stopped_again(change: dict[str, Any], reason: str) -> None:
    tasks = Tasks()
    tasks.service.stop(clock())
    vars(tasks).update(change)
    with pytest.raises(OperationError, match=reason):
        tasks.service.start(GRACE, clock())
    assert tasks.service.standing() == Standing(running=0, desired=0, is_suspended=True)
    assert tasks.graces[-1] == GRACE


def test_a_service_that_is_gone_is_told() -> None:
    tasks = Tasks()
    ecs = scripted.client("ecs", DescribeServices=lambda _: {"services": []})
    with pytest.raises(OperationError, match="There is no service"):
        Service(ecs, tasks.service.scaling, ARN).standing()


def test_a_connection_that_is_lost_while_tasks_stop_and_start_is_waited_out_and_told() -> None:
    tasks, told = Tasks(), []
    lost = [scripted.LOST] * 2
    usual = tasks._describe

    def lose_once(arguments: Mapping[str, Any]) -> dict[str, Any]:
        if lost:
            raise lost.pop()
        return usual(arguments)

    tasks._describe = lose_once  # type: ignore[method-assign]
    ecs = scripted.client(
        "ecs",
        UpdateService=tasks._update,
        DescribeServices=lambda arguments: tasks._describe(arguments),
        ListTasks=tasks._list,
        DescribeTasks=tasks._statuses,
    )
    service = Service(ecs, tasks.service.scaling, ARN, told.append)
    waits: list[float] = []
    service.start(GRACE, Clock(now=lambda: sum(waits), sleep=waits.append))
    assert [text.rpartition(". ")[2] for text in told] == ["Trying again in 1 s.", "Trying again in 2 s."]
    assert tasks.desired == 2

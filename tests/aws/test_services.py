"""Stopping and starting all tasks of a service, with its auto scaling kept still meanwhile."""

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.aws.clock import Clock
from scripts.aws.services import Service
from scripts.errors import OperationError
from tests.aws import scripted

ARN = "arn:aws:ecs:eu-west-1:111122223333:service/cluster/orthanc"


class Tasks:
    """A service of three tasks, of which one starts or stops with each look, and its auto scaling from two on."""

    def __init__(self) -> None:
        self.running = self.desired = 3
        self.suspended: list[bool] = []
        self.rollout: dict[str, Any] = {"rolloutState": "COMPLETED"}
        ecs = scripted.client("ecs", UpdateService=self._update, DescribeServices=self._describe)
        scaling = scripted.client(
            "application-autoscaling",
            RegisterScalableTarget=self._register,
            DescribeScalableTargets=lambda _: {"ScalableTargets": [{"MinCapacity": 2}]},
        )
        self.service = Service(ecs, scaling, ARN)

    def _update(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert (arguments["cluster"], arguments["service"]) == ("cluster", ARN)
        self.desired = arguments["desiredCount"]
        return {}

    def _describe(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self.running += (self.desired > self.running) - (self.desired < self.running)
        return {"services": [{"runningCount": self.running, "deployments": [self.rollout]}]}

    def _register(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert arguments["ResourceId"] == "service/cluster/orthanc"
        states = set(arguments["SuspendedState"].values())
        self.suspended.append(states == {True})
        return {}


def clock() -> Clock:
    waited: list[float] = []
    return Clock(now=lambda: sum(waited), sleep=waited.append)


def test_stopping_waits_for_the_last_task_and_keeps_auto_scaling_still() -> None:
    tasks = Tasks()
    tasks.service.stop(clock())
    assert (tasks.running, tasks.desired, tasks.suspended) == (0, 0, [True])


def test_starting_waits_for_as_many_as_auto_scaling_keeps_at_least_and_lets_it_go() -> None:
    tasks = Tasks()
    tasks.service.stop(clock())
    tasks.service.start(clock())
    assert (tasks.running, tasks.suspended) == (2, [True, False])


def test_tasks_that_fail_are_told_with_the_reason_that_ecs_gives() -> None:
    tasks = Tasks()
    tasks.rollout = {"rolloutState": "FAILED", "rolloutStateReason": "tasks failed to start"}
    with pytest.raises(OperationError, match="tasks failed to start"):
        tasks.service.start(clock())


def test_neither_is_waited_for_without_end() -> None:
    tasks = Tasks()
    tasks.rollout = {"rolloutState": "IN_PROGRESS"}
    with pytest.raises(OperationError, match="2 of 2 run"):
        tasks.service.start(clock())

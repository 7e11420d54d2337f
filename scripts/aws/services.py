"""A service of ECS whose tasks are all stopped and started again, with its auto scaling kept still meanwhile."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.patience import Patience, Say
from scripts.aws.session import Session
from scripts.errors import OperationError

ORTHANC = ("Orthanc", "Service")

_LONGEST_STOP = 900.0  # seconds
_LONGEST_START = 3600.0  # seconds
_LONGEST_CONVERSION = 4 * 3600.0  # seconds, of the database's schema by the first task
_DIMENSION = "ecs:service:DesiredCount"
_TASKS_A_REQUEST = 100  # Source: ECS API reference, DescribeTasks


@dataclass(frozen=True)
class Standing:
    """How many tasks run and are wanted, and whether auto scaling is suspended."""

    running: int
    desired: int
    is_suspended: bool

    @property
    def is_held(self) -> bool:
        """Whether it was stopped and not started to the end since."""
        return self.is_suspended or self.desired == 0


@dataclass(frozen=True)
class Service:
    """A service by its ARN, which ends in service/CLUSTER/NAME.

    `tell` hears of it where AWS cannot be asked for a while.
    """

    ecs: Any
    scaling: Any
    arn: str
    tell: Say = lambda _: None

    @property
    def _cluster(self) -> str:
        return self.arn.split("/")[-2]

    @property
    def _resource_id(self) -> str:
        return "/".join(("service", *self.arn.split("/")[-2:]))

    def standing(self) -> Standing:
        """How it stands now."""
        found = self._described()
        is_suspended = any(any(target.get("SuspendedState", {}).values()) for target in self._targets())
        return Standing(found["runningCount"], found["desiredCount"], is_suspended)

    def stop(self, clock: Clock = SYSTEM_CLOCK) -> None:
        """Stops all tasks, and waits until each has ended; auto scaling starts none until `start`.

        ECS counts a task as running no more once it is to stop. It serves on, while its target is deregistered and
        within its stop timeout. Source: ECS developer guide, "Task lifecycle".
        """
        self._suspend(True)
        tasks = self._tasks("RUNNING")
        self._update(desiredCount=0)
        patience = Patience(self.tell, clock)
        for delay in growing(_LONGEST_STOP, clock):
            running = patience.keep_trying(lambda: self._tasks("RUNNING"))
            tasks |= running | patience.keep_trying(lambda: self._tasks("STOPPED"))
            if not running and patience.keep_trying(partial(self._have_ended, sorted(tasks))):
                return
            clock.sleep(delay)
        raise OperationError("Tasks still run a quarter of an hour after they were stopped", self.arn)

    def start(self, grace_seconds: int, clock: Clock = SYSTEM_CLOCK, *, may_convert: bool = False) -> None:
        """Starts as many tasks as auto scaling keeps at least, waits until they are healthy, and hands over to it.

        ECS heeds no health check of a task for `grace_seconds`, and, while this waits for tasks that may convert a
        schema, for as long as it waits: such a task answers none. Where they do not become healthy, stops them again
        and raises OperationError with ECS's own reason. Source: ECS API reference, UpdateService, on
        healthCheckGracePeriodSeconds.
        """
        longest = _LONGEST_CONVERSION if may_convert else _LONGEST_START
        grace_meanwhile = int(longest) if may_convert else grace_seconds
        wanted = max((target["MinCapacity"] for target in self._targets()), default=1)
        answer = self._update(
            desiredCount=wanted, forceNewDeployment=True, healthCheckGracePeriodSeconds=grace_meanwhile
        )
        started = next(each["id"] for each in answer["deployments"] if each["status"] == "PRIMARY")
        patience = Patience(self.tell, clock)
        for delay in growing(longest, clock):
            found = patience.keep_trying(self._described)
            rollout = next((each for each in found["deployments"] if each["id"] == started), None)
            # A rollback makes a deployment of its own the primary one, and the failed one goes in the end.
            if rollout is None or rollout["rolloutState"] == "FAILED" or rollout["status"] != "PRIMARY":
                reason = (rollout or {}).get("rolloutStateReason") or "another deployment took its place"
                break
            if rollout["rolloutState"] == "COMPLETED":
                self._update(healthCheckGracePeriodSeconds=grace_seconds)
                self._suspend(False)
                return
            reason = f"{found['runningCount']} of {wanted} run"
            clock.sleep(delay)
        self._update(desiredCount=0, healthCheckGracePeriodSeconds=grace_seconds)
        raise OperationError("The tasks do not become healthy, and are stopped", reason)

    def _update(self, **changes: Any) -> dict[str, Any]:
        answer = self.ecs.update_service(cluster=self._cluster, service=self.arn, **changes)
        service: dict[str, Any] = answer["service"]
        return service

    def _described(self) -> dict[str, Any]:
        answer = self.ecs.describe_services(cluster=self._cluster, services=[self.arn])
        if not answer["services"]:
            raise OperationError(f"There is no service {self.arn}", "somebody deleted it past CloudFormation")
        found: dict[str, Any] = answer["services"][0]
        return found

    def _tasks(self, desired_status: str) -> set[str]:
        pages = self.ecs.get_paginator("list_tasks").paginate(
            cluster=self._cluster, serviceName=self.arn.split("/")[-1], desiredStatus=desired_status
        )
        return {arn for page in pages for arn in page["taskArns"]}

    def _have_ended(self, tasks: list[str]) -> bool:
        """Whether each is stopped, or so long that ECS has forgotten it."""
        return all(
            task["lastStatus"] == "STOPPED"
            for first in range(0, len(tasks), _TASKS_A_REQUEST)
            for task in self.ecs.describe_tasks(
                cluster=self._cluster, tasks=tasks[first : first + _TASKS_A_REQUEST]
            )["tasks"]
        )

    def _targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.scaling.describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[self._resource_id], ScalableDimension=_DIMENSION
        )["ScalableTargets"]
        return found

    def _suspend(self, suspended: bool) -> None:
        kinds = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
        self.scaling.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=self._resource_id,
            ScalableDimension=_DIMENSION,
            SuspendedState=dict.fromkeys(kinds, suspended),
        )


def service(session: Session, arn: str, tell: Say = lambda _: None) -> Service:
    """The service of that ARN."""
    return Service(session.client("ecs"), session.client("application-autoscaling"), arn, tell)

"""A service of ECS whose tasks are all stopped and started again, with its auto scaling kept still meanwhile."""

from dataclasses import dataclass
from typing import Any

from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.session import Session
from scripts.errors import OperationError

_LONGEST_STOP = 900.0  # seconds
_LONGEST_START = 3600.0  # seconds; the first task may have a schema to convert
_DIMENSION = "ecs:service:DesiredCount"


@dataclass(frozen=True)
class Service:
    """A service by its ARN, which ends in service/CLUSTER/NAME."""

    ecs: Any
    scaling: Any
    arn: str

    @property
    def _cluster(self) -> str:
        return self.arn.split("/")[-2]

    @property
    def _resource_id(self) -> str:
        return "/".join(("service", *self.arn.split("/")[-2:]))

    def stop(self, clock: Clock = SYSTEM_CLOCK) -> None:
        """Stops all tasks, and waits until none runs; auto scaling starts none until `start`."""
        self._suspend(True)
        self.ecs.update_service(cluster=self._cluster, service=self.arn, desiredCount=0)
        for delay in growing(_LONGEST_STOP, clock):
            if self._described()["runningCount"] == 0:
                return
            clock.sleep(delay)
        raise OperationError("Tasks still run a quarter of an hour after they were stopped", self.arn)

    def start(self, clock: Clock = SYSTEM_CLOCK) -> None:
        """Starts as many tasks as auto scaling keeps at least, hands over to it, and waits until they are healthy.

        Raises OperationError with ECS's own reason where they do not become so.
        """
        targets = self.scaling.describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[self._resource_id], ScalableDimension=_DIMENSION
        )["ScalableTargets"]
        wanted = max(1, *(target["MinCapacity"] for target in targets))
        self.ecs.update_service(cluster=self._cluster, service=self.arn, desiredCount=wanted)
        self._suspend(False)
        for delay in growing(_LONGEST_START, clock):
            found = self._described()
            rollout = found["deployments"][0]
            if rollout.get("rolloutState") == "FAILED":
                break
            if found["runningCount"] >= wanted and rollout.get("rolloutState") in (None, "COMPLETED"):
                return
            clock.sleep(delay)
        reason = rollout.get("rolloutStateReason") or f"{found['runningCount']} of {wanted} run"
        raise OperationError("The tasks do not become healthy", reason)

    def _described(self) -> dict[str, Any]:
        answer = self.ecs.describe_services(cluster=self._cluster, services=[self.arn])
        found: dict[str, Any] = answer["services"][0]
        return found

    def _suspend(self, suspended: bool) -> None:
        kinds = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
        self.scaling.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=self._resource_id,
            ScalableDimension=_DIMENSION,
            SuspendedState=dict.fromkeys(kinds, suspended),
        )


def service(session: Session, arn: str) -> Service:
    """The service of that ARN."""
    return Service(session.client("ecs"), session.client("application-autoscaling"), arn)

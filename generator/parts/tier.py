"""The tasks behind a load balancer, and the alarms on them."""

from dataclasses import dataclass
from typing import Any

from troposphere import Template

from generator.kinds import LoadBalancerName, TargetGroupName, TopicArn
from generator.parts.alarms import GREATER_OR_EQUAL, LESS, alarm


@dataclass(frozen=True)
class Tier:
    """A tier's tasks, as CloudWatch names them, and the topic that the alarms on them go to."""

    name: str
    balancer: LoadBalancerName
    targets: TargetGroupName
    topic: TopicArn

    @property
    def metrics(self) -> dict[str, Any]:
        """Where CloudWatch keeps what the load balancer measures of the tasks."""
        dimensions = {"LoadBalancer": self.balancer, "TargetGroup": self.targets}
        return {"namespace": "AWS/ApplicationELB", "dimensions": dimensions}


def add_tier_alarms(template: Template, tier: Tier, slow_seconds: int) -> None:
    """Adds the alarms on a tier's tasks as its load balancer sees them."""
    alarm(
        template,
        f"{tier.name}TaskUnhealthy",
        f"A task of the {tier.name} tier has failed its health checks for five minutes.",
        tier.topic,
        metric="UnHealthyHostCount",
        threshold=0,
        **tier.metrics,
    )
    alarm(
        template,
        f"{tier.name}HasNoHealthyTask",
        f"No task of the {tier.name} tier is healthy: the image store is down.",
        tier.topic,
        metric="HealthyHostCount",
        threshold=1,
        comparison=LESS,
        statistic="Minimum",
        periods=2,
        missing="breaching",
        **tier.metrics,
    )
    alarm(
        template,
        f"{tier.name}TooSlow",
        f"One in ten requests to the {tier.name} tier waited more than {slow_seconds} seconds for its answer's"
        " beginning.",
        tier.topic,
        metric="TargetResponseTime",
        threshold=slow_seconds,
        statistic="p90",
        periods=10,
        **tier.metrics,
    )


def add_failure_alarm(template: Template, tier: Tier) -> str:
    """Adds the alarm on a tier's 5xx answers and returns its logical id: it also rolls a bad deployment back."""
    made = alarm(
        template,
        f"{tier.name}5XXTooHigh",
        f"The {tier.name} tier answered more than ten requests a minute with an error of its own, three minutes in"
        " five.",
        tier.topic,
        metric="HTTPCode_Target_5XX_Count",
        threshold=10,
        comparison=GREATER_OR_EQUAL,
        statistic="Sum",
        of_which=3,
        **tier.metrics,
    )
    return str(made.title)

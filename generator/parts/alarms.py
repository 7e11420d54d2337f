"""Alarms, each named for what has happened, that all go to the deployment's topic."""

from typing import Any

from troposphere import Template, cloudwatch

from generator.kinds import LogGroupName, TopicArn

GREATER = "GreaterThanThreshold"
GREATER_OR_EQUAL = "GreaterThanOrEqualToThreshold"
LESS = "LessThanThreshold"


def alarm(
    template: Template,
    title: str,
    description: str,
    topic: TopicArn,
    *,
    metric: str,
    namespace: str,
    dimensions: dict[str, Any],
    threshold: float | Any,
    comparison: str = GREATER,
    statistic: str = "Maximum",
    minutes: int = 1,
    periods: int = 5,
    of_which: int | None = None,
    missing: str = "notBreaching",
    **properties: Any,
) -> cloudwatch.Alarm:
    """Adds an alarm on one metric.

    It goes off when `of_which` of the last `periods` (all of them unless told) of `minutes` minutes each stand in
    `comparison` to `threshold`. A statistic that begins with p is a percentile.
    """
    kind = {"ExtendedStatistic": statistic} if statistic.startswith("p") else {"Statistic": statistic}
    return template.add_resource(
        cloudwatch.Alarm(
            f"{title}Alarm",
            AlarmDescription=description,
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[
                cloudwatch.MetricDimension(Name=name, Value=value) for name, value in dimensions.items()
            ],
            **kind,
            Period=60 * minutes,
            EvaluationPeriods=periods,
            DatapointsToAlarm=of_which or periods,
            ComparisonOperator=comparison,
            Threshold=threshold,
            TreatMissingData=missing,
            AlarmActions=[topic],
            OKActions=[topic],
            **properties,
        )
    )


def add_silence_alarm(template: Template, name: str, group: LogGroupName, topic: TopicArn) -> None:
    """Adds the alarm on a log group that always has something to receive, and receives nothing."""
    alarm(
        template,
        f"{name}Silent",
        "A log group has received nothing for half an hour: what happens now is not recorded.",
        topic,
        namespace="AWS/Logs",
        metric="IncomingLogEvents",
        dimensions={"LogGroupName": group},
        threshold=1,
        comparison=LESS,
        statistic="Sum",
        minutes=10,
        periods=3,
        missing="breaching",
    )

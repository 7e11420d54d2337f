"""What shows at a glance how the store is, what its logs are asked, and the alarms that belong to no single part."""

import json
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, Sub, Template, cloudwatch

from generator.core import Stack, output, parameter
from generator.kinds import (
    ClusterName,
    DatabaseClusterName,
    DeploymentName,
    LoadBalancerName,
    LogGroupName,
    ServiceName,
    TargetGroupName,
    Text,
    TopicArn,
)
from generator.parts.alarms import add_silence_alarm
from generator.parts.audit import DENIED_REQUESTS, FAILED_LOGINS, NAMESPACE, REQUESTS, add_counts, add_queries

HALF, THIRD, HEIGHT = 12, 8, 6


@dataclass(frozen=True)
class MonitoringInputs:
    deployment: DeploymentName = parameter("The name of the dashboard, of the queries and of the metrics.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")
    public_balancer: LoadBalancerName = parameter("The public load balancer as CloudWatch names it.")
    nginx_targets: TargetGroupName = parameter("The NGINX tasks' target group as CloudWatch names it.")
    internal_balancer: LoadBalancerName = parameter("The internal load balancer as CloudWatch names it.")
    orthanc_targets: TargetGroupName = parameter("The Orthanc tasks' target group as CloudWatch names it.")
    cluster: ClusterName = parameter("The ECS cluster.")
    nginx_service: ServiceName = parameter("The ECS service of the NGINX tasks.")
    orthanc_service: ServiceName = parameter("The ECS service of the Orthanc tasks.")
    database: DatabaseClusterName = parameter("The identifier of the database cluster.")
    nginx_log_group: LogGroupName = parameter("The audit log.")
    flow_log_group: LogGroupName = parameter("The VPC's flow logs.")


@dataclass(frozen=True)
class MonitoringOutputs:
    dashboard: Text = output("The name of the dashboard.")


def build(template: Template, inputs: MonitoringInputs) -> MonitoringOutputs:
    """The dashboard, the audit log's queries and counts, and the alarms on logs that have fallen silent."""
    # NGINX writes a line for each of the load balancer's health checks, and the VPC always has traffic.
    add_silence_alarm(template, "AuditLog", inputs.nginx_log_group, inputs.topic)
    add_silence_alarm(template, "FlowLog", inputs.flow_log_group, inputs.topic)
    add_queries(template, inputs.nginx_log_group)
    add_counts(template, inputs.nginx_log_group, inputs.topic)
    dashboard = template.add_resource(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=inputs.deployment,
            DashboardBody=Sub(json.dumps({"widgets": _widgets()}, indent=1)),
        )
    )
    return MonitoringOutputs(dashboard=Text(Ref(dashboard)))


def _widgets() -> list[dict[str, Any]]:
    """Two rows for the tiers as their load balancers see them, then their tasks, the database, and the audit log."""
    return [
        *_tier_row("NGINX", "${PublicBalancer}", "${NginxTargets}", row=0),
        *_tier_row("Orthanc", "${InternalBalancer}", "${OrthancTargets}", row=1),
        _service_widget("NGINX tasks", "${NginxService}", column=0),
        _service_widget("Orthanc tasks", "${OrthancService}", column=HALF),
        _database_widget("Capacity", 0, "ServerlessDatabaseCapacity", "ACUUtilization"),
        _database_widget("Connections", THIRD, "DatabaseConnections"),
        _database_widget("Storage", 2 * THIRD, "VolumeBytesUsed"),
        *_audit_row(),
    ]


def _tier_row(tier: str, balancer: str, targets: str, row: int) -> list[dict[str, Any]]:
    place = ["TargetGroup", targets, "LoadBalancer", balancer]

    def metric(name: str, statistic: str) -> list[Any]:
        return ["AWS/ApplicationELB", name, *place, {"stat": statistic}]

    return [
        _widget(f"{tier}: requests", 0, row, THIRD, [metric("RequestCount", "Sum")]),
        _widget(
            f"{tier}: seconds to the answer",
            THIRD,
            row,
            THIRD,
            [metric("TargetResponseTime", "p50"), metric("TargetResponseTime", "p99")],
        ),
        _widget(
            f"{tier}: errors and healthy tasks",
            2 * THIRD,
            row,
            THIRD,
            [
                metric("HTTPCode_Target_4XX_Count", "Sum"),
                metric("HTTPCode_Target_5XX_Count", "Sum"),
                metric("HealthyHostCount", "Minimum"),
            ],
        ),
    ]


def _service_widget(title: str, service: str, column: int) -> dict[str, Any]:
    place = ["ClusterName", "${Cluster}", "ServiceName", service]
    return _widget(
        title,
        column,
        2,
        HALF,
        [
            ["AWS/ECS", "CPUUtilization", *place],
            ["AWS/ECS", "MemoryUtilization", *place],
            ["ECS/ContainerInsights", "RunningTaskCount", *place],
        ],
    )


def _database_widget(title: str, column: int, *metrics: str) -> dict[str, Any]:
    place = ["DBClusterIdentifier", "${Database}"]
    return _widget(
        f"Database: {title.lower()}", column, 3, THIRD, [["AWS/RDS", name, *place] for name in metrics]
    )


def _audit_row() -> list[dict[str, Any]]:
    by_action = f"SEARCH('{{\"{NAMESPACE}\",Action}} MetricName=\"{REQUESTS}\"', 'Sum', 60)"
    refused = [[NAMESPACE, name, {"stat": "Sum"}] for name in (FAILED_LOGINS, DENIED_REQUESTS)]
    return [
        _widget("Requests by action", 0, 4, HALF, [[{"expression": by_action, "id": "requests"}]]),
        _widget("Failed logins and denied requests", HALF, 4, HALF, refused),
    ]


def _widget(title: str, column: int, row: int, width: int, metrics: list[list[Any]]) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": column,
        "y": row * HEIGHT,
        "width": width,
        "height": HEIGHT,
        "properties": {"title": title, "region": "${AWS::Region}", "period": 60, "metrics": metrics},
    }


MONITORING = Stack("monitoring", MonitoringInputs, MonitoringOutputs, build)

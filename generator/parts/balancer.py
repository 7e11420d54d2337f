"""What both load balancers have in common: TLS, logs, health checks and alarms."""

from typing import Any

from troposphere import GetAtt, If, Ref, Template
from troposphere import elasticloadbalancingv2 as elb

from generator.core import Value
from generator.kinds import (
    BucketName,
    CertificateArn,
    Flag,
    LoadBalancerName,
    SecurityGroupId,
    SubnetIds,
    TargetGroupName,
    Text,
    TopicArn,
    VpcId,
)
from generator.limits import IDLE_SECONDS, STOP_SECONDS
from generator.parts.alarms import GREATER_OR_EQUAL, LESS, alarm
from generator.parts.notes import described
from generator.ports import HTTPS

LOGGED = ("access", "connection", "health_check")
HEALTH_PATH = "/healthz"
DAYS_BEFORE_EXPIRY = 30
ONE_YEAR = 365 * 24 * 3600


def load_balancer(
    template: Template,
    title: str,
    *,
    name: str,
    scheme: Text | str,
    subnets: SubnetIds | If,
    group: SecurityGroupId,
    access_logs_bucket: BucketName,
    deletion_protection: Flag,
) -> elb.LoadBalancer:
    """Adds an Application Load Balancer that logs everything, under its `name`, and drops what is malformed."""
    attributes = _attributes(name, access_logs_bucket, deletion_protection)
    balancer = elb.LoadBalancer(
        title,
        Scheme=scheme,
        Type="application",
        IpAddressType="ipv4",
        Subnets=subnets,
        SecurityGroups=[group],
        LoadBalancerAttributes=[
            elb.LoadBalancerAttributes(Key=key, Value=value) for key, value in attributes.items()
        ],
    )
    return template.add_resource(described(balancer, f"The {name} load balancer"))


def _attributes(name: str, access_logs_bucket: BucketName, deletion_protection: Flag) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "deletion_protection.enabled": deletion_protection,
        "idle_timeout.timeout_seconds": str(IDLE_SECONDS),
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "routing.http.preserve_host_header.enabled": "true",
        "waf.fail_open.enabled": "false",
    }
    for kind in LOGGED:
        attributes |= {
            f"{kind}_logs.s3.enabled": "true",
            f"{kind}_logs.s3.bucket": access_logs_bucket,
            f"{kind}_logs.s3.prefix": f"{name}-{kind.replace('_', '-')}",
        }
    return attributes


def target_group(template: Template, title: str, vpc: VpcId, port: int) -> elb.TargetGroup:
    """Adds a target group of tasks that speak TLS, and answer health checks over it."""
    return template.add_resource(
        elb.TargetGroup(
            title,
            VpcId=vpc,
            TargetType="ip",
            Protocol="HTTPS",
            ProtocolVersion="HTTP1",
            Port=port,
            HealthCheckEnabled=True,
            HealthCheckProtocol="HTTPS",
            HealthCheckPath=HEALTH_PATH,
            HealthCheckIntervalSeconds=15,
            HealthCheckTimeoutSeconds=10,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=4,
            Matcher=elb.Matcher(HttpCode="200"),
            TargetGroupAttributes=[
                elb.TargetGroupAttribute(Key="deregistration_delay.timeout_seconds", Value=str(STOP_SECONDS)),
                elb.TargetGroupAttribute(
                    Key="load_balancing.algorithm.type", Value="least_outstanding_requests"
                ),
            ],
        )
    )


def https_listener(
    template: Template,
    title: str,
    balancer: elb.LoadBalancer,
    certificate: CertificateArn,
    ssl_policy: Value,
    topic: TopicArn,
    actions: list[Any],
    **properties: Any,
) -> elb.Listener:
    """Adds a TLS listener with an explicit security policy, and the alarm on its certificate's last days."""
    _warn_before_expiry(template, certificate, topic)
    return template.add_resource(
        elb.Listener(
            title,
            LoadBalancerArn=Ref(balancer),
            Port=HTTPS,
            Protocol="HTTPS",
            SslPolicy=ssl_policy,
            Certificates=[elb.Certificate(CertificateArn=certificate)],
            DefaultActions=actions,
            ListenerAttributes=[
                elb.ListenerAttribute(Key="routing.http.response.server.enabled", Value="false"),
                elb.ListenerAttribute(
                    Key="routing.http.response.strict_transport_security.header_value",
                    Value=f"max-age={ONE_YEAR}",
                ),
            ],
            **properties,
        )
    )


def _warn_before_expiry(template: Template, certificate: CertificateArn, topic: TopicArn) -> None:
    """ACM renews what it issued 60 days ahead, so that fewer days than these mean that something is in its way."""
    alarm(
        template,
        "CertificateExpiresSoon",
        f"The load balancer's certificate expires in less than {DAYS_BEFORE_EXPIRY} days.",
        topic,
        namespace="AWS/CertificateManager",
        metric="DaysToExpiry",
        dimensions={"CertificateArn": certificate},
        threshold=DAYS_BEFORE_EXPIRY,
        comparison=LESS,
        statistic="Minimum",
        minutes=24 * 60,
        periods=1,
    )


def balancer_name(balancer: elb.LoadBalancer) -> LoadBalancerName:
    """The load balancer as CloudWatch names it."""
    return LoadBalancerName(GetAtt(balancer, "LoadBalancerFullName"))


def group_name(group: elb.TargetGroup) -> TargetGroupName:
    """The target group as CloudWatch names it."""
    return TargetGroupName(GetAtt(group, "TargetGroupFullName"))


def add_refusal_alarm(template: Template, balancer: elb.LoadBalancer, topic: TopicArn) -> None:
    """Adds the alarm on the 5xx answers of the load balancer itself: it found no task, or lost the one it had."""
    alarm(
        template,
        "LoadBalancer5XXTooHigh",
        "The load balancer itself answered more than ten requests a minute with a 5xx, three minutes in five.",
        topic,
        namespace="AWS/ApplicationELB",
        metric="HTTPCode_ELB_5XX_Count",
        dimensions={"LoadBalancer": balancer_name(balancer)},
        threshold=10,
        comparison=GREATER_OR_EQUAL,
        statistic="Sum",
        of_which=3,
    )

"""Load balancers speak modern TLS only; AWS takes their settings unread until the deployment."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from scripts.operations.properties import branches, values
from tests.checks.house_rules.rule import Finding, must, possible_values, resources, rule
from tests.checks.rendered import Template

# Those with TLS 1.2 or later and forward secrecy of "Security policies for your Application Load Balancer".
SSL_POLICIES = (
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
)

# Source: LoadBalancerAttribute, ListenerAttribute and TargetGroupAttribute of the Elastic Load Balancing API.
_LOAD_BALANCER = {
    "access_logs.s3.bucket",
    "access_logs.s3.enabled",
    "access_logs.s3.prefix",
    "client_keep_alive.seconds",
    "connection_logs.s3.bucket",
    "connection_logs.s3.enabled",
    "connection_logs.s3.prefix",
    "deletion_protection.enabled",
    "health_check_logs.s3.bucket",
    "health_check_logs.s3.enabled",
    "health_check_logs.s3.prefix",
    "idle_timeout.timeout_seconds",
    "routing.http.desync_mitigation_mode",
    "routing.http.drop_invalid_header_fields.enabled",
    "routing.http.preserve_host_header.enabled",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "routing.http.xff_client_port.enabled",
    "routing.http.xff_header_processing.mode",
    "routing.http2.enabled",
    "waf.fail_open.enabled",
    "zonal_shift.config.enabled",
}
_LISTENER = {
    "routing.http.response.content_security_policy.header_value",
    "routing.http.response.server.enabled",
    "routing.http.response.strict_transport_security.header_value",
    "routing.http.response.x_content_type_options.header_value",
    "routing.http.response.x_frame_options.header_value",
}
_TARGET_GROUP = {
    "deregistration_delay.timeout_seconds",
    "load_balancing.algorithm.anomaly_mitigation",
    "load_balancing.algorithm.type",
    "load_balancing.cross_zone.enabled",
    "slow_start.duration_seconds",
    "stickiness.enabled",
    "target_group_health.dns_failover.minimum_healthy_targets.count",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
}
_REQUIRED = {
    "access_logs.s3.enabled": "true",
    "connection_logs.s3.enabled": "true",
    "routing.http.drop_invalid_header_fields.enabled": "true",
    "waf.fail_open.enabled": "false",
}
_ELB = "AWS::ElasticLoadBalancingV2"


def _attributes(resource: Mapping[str, Any], path: str) -> Iterator[Mapping[str, Any]]:
    for attribute in values(resource, f"Properties/{path}/*"):
        if attribute is not None:
            yield attribute


def _unknown(template: Template, resource_type: str, path: str, known: Collection[str]) -> Iterator[Finding]:
    for logical_id, resource in template.resources(f"{_ELB}::{resource_type}"):
        for attribute in _attributes(resource, path):
            if attribute["Key"] not in known:
                yield Finding(logical_id, path, f"{attribute['Key']} is not known; is it spelt right?")
            if not isinstance(attribute["Value"], str | dict):
                yield Finding(logical_id, path, f"the value of {attribute['Key']} is no text")


def attribute_keys(template: Template) -> Iterator[Finding]:
    yield from _unknown(template, "LoadBalancer", "LoadBalancerAttributes", _LOAD_BALANCER)
    yield from _unknown(template, "Listener", "ListenerAttributes", _LISTENER)
    yield from _unknown(template, "TargetGroup", "TargetGroupAttributes", _TARGET_GROUP)


def required_attributes(template: Template) -> Iterator[Finding]:
    for logical_id, resource in template.resources(f"{_ELB}::LoadBalancer"):
        found = {item["Key"]: item["Value"] for item in _attributes(resource, "LoadBalancerAttributes")}
        for key, value in _REQUIRED.items():
            if found.get(key) != value:
                yield Finding(logical_id, "LoadBalancerAttributes", f"{key} is not {value}")
        if "deletion_protection.enabled" not in found:
            yield Finding(logical_id, "LoadBalancerAttributes", "deletion_protection.enabled is not said")


def _redirects(properties: Mapping[str, Any]) -> bool:
    actions = [action for item in properties.get("DefaultActions", []) for action in branches(item)]
    return bool(actions) and all(
        action["Type"] == "redirect" and action["RedirectConfig"].get("Protocol") == "HTTPS"
        for action in actions
    )


def listeners(template: Template) -> Iterator[Finding]:
    for logical_id, resource in template.resources(f"{_ELB}::Listener"):
        properties = resource["Properties"]
        if properties.get("Protocol") != "HTTPS" and not _redirects(properties):
            yield Finding(logical_id, "Protocol", "is neither HTTPS nor redirected to it")
        if properties.get("Protocol") == "HTTPS":
            for policy in values(resource, "Properties/SslPolicy"):
                wrong = [item for item in possible_values(template, policy) if item not in SSL_POLICIES]
                if wrong:
                    yield Finding(logical_id, "SslPolicy", f"can be {wrong[0]}")


def firewalls(template: Template) -> Iterator[Finding]:
    guarded = [
        association["Properties"].get("ResourceArn")
        for _, association in template.resources("AWS::WAFv2::WebACLAssociation")
    ]
    for logical_id, balancer in template.resources(f"{_ELB}::LoadBalancer"):
        public = balancer["Properties"].get("Scheme") != "internal"
        if public and {"Ref": logical_id} not in guarded:
            yield Finding(logical_id, "WebACLAssociation", "has none")


RULES = (
    rule(
        "ElasticLoadBalancingV2/attributes",
        "A misspelt attribute fails the deployment after a quarter of an hour.",
        attribute_keys,
        resources(f"""
            Balancer:
              Type: {_ELB}::LoadBalancer
              Properties:
                LoadBalancerAttributes: [{{Key: access_log.s3.enabled, Value: 'true'}}]
        """),
        resources(f"""
            Listener:
              Type: {_ELB}::Listener
              Properties:
                ListenerAttributes: [{{Key: routing.http.response.server.enabled, Value: false}}]
        """),
        resources(f"""
            Targets:
              Type: {_ELB}::TargetGroup
              Properties:
                TargetGroupAttributes: [{{Key: deregistration_delay, Value: '30'}}]
        """),
    ),
    rule(
        "LoadBalancer/required-attributes",
        "The defaults of AWS log nothing and pass malformed headers on.",
        required_attributes,
        resources(f"Balancer: {{Type: '{_ELB}::LoadBalancer', Properties: {{}}}}"),
    ),
    rule(
        "Listener/tls",
        "Images and credentials cross no wire in plain text; the default policy still speaks TLS 1.0.",
        listeners,
        resources(f"Listener: {{Type: '{_ELB}::Listener', Properties: {{Protocol: HTTP}}}}"),
        resources(f"Listener: {{Type: '{_ELB}::Listener', Properties: {{Protocol: HTTPS}}}}"),
        resources(
            f"Listener: {{Type: '{_ELB}::Listener', "
            "Properties: {Protocol: HTTPS, SslPolicy: ELBSecurityPolicy-TLS13-1-4}}"
        ),
    ),
    must(f"{_ELB}::TargetGroup", "Protocol", "TLS goes on to the tasks.", "HTTPS"),
    must(f"{_ELB}::TargetGroup", "HealthCheckProtocol", "The tasks speak nothing else.", "HTTPS"),
    must(f"{_ELB}::TargetGroup", "HealthCheckPath", "The default / is not meant for health checks."),
    must(f"{_ELB}::LoadBalancer", "Scheme", "The default is public.", "internal", "internet-facing"),
)

DEPLOYMENT_RULES = (
    rule(
        "LoadBalancer/firewall",
        "What the whole Internet may try passes a firewall first.",
        firewalls,
        resources(f"Balancer: {{Type: '{_ELB}::LoadBalancer', Properties: {{Scheme: internet-facing}}}}"),
        resources(f"""
            Balancer: {{Type: '{_ELB}::LoadBalancer', Properties: {{}}}}
            Other: {{Type: '{_ELB}::LoadBalancer', Properties: {{Scheme: internal}}}}
            Association: {{Type: 'AWS::WAFv2::WebACLAssociation', Properties: {{ResourceArn: !Ref Other}}}}
        """),
    ),
)

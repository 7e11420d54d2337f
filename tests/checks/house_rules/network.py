"""Only the public load balancer is reached from outside, and only by the client ranges."""

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.operations.properties import branches
from tests.checks.house_rules.rule import Finding, must, must_not, resources, rule
from tests.checks.rendered import Template

# A rule that matches no packet, in the place of the rule that lets everything out. Source: the CDK's
# aws-ec2 SecurityGroup with allowAllOutbound false.
_NOTHING = {"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}


def _rules(template: Template, direction: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Logical id and properties of every ingress or egress rule, inline ones included."""
    for logical_id, resource in template.resources(f"AWS::EC2::SecurityGroup{direction}"):
        yield logical_id, resource["Properties"]
    for logical_id, group in template.resources("AWS::EC2::SecurityGroup"):
        for item in group["Properties"].get(f"SecurityGroup{direction}", []):
            for properties in branches(item):
                if properties is not None:
                    yield logical_id, properties


def open_ingress(template: Template) -> Iterator[Finding]:
    for logical_id, properties in _rules(template, "Ingress"):
        if "CidrIp" in properties or "CidrIpv6" in properties:
            yield Finding(
                logical_id, "CidrIp", "lets addresses in; let a group or the clients' prefix list in"
            )


def open_egress(template: Template) -> Iterator[Finding]:
    """To addresses only HTTPS, for tasks that reach AWS through a NAT gateway."""
    for logical_id, properties in _rules(template, "Egress"):
        to_addresses = "CidrIp" in properties or "CidrIpv6" in properties
        https = (properties.get("IpProtocol"), properties.get("FromPort"), properties.get("ToPort"))
        if to_addresses and not (https == ("tcp", 443, 443) or _NOTHING.items() <= properties.items()):
            yield Finding(logical_id, "CidrIp", "lets more than HTTPS out to addresses")


def default_egress(template: Template) -> Iterator[Finding]:
    for logical_id, group in template.resources("AWS::EC2::SecurityGroup"):
        if not group["Properties"].get("SecurityGroupEgress"):
            yield Finding(logical_id, "SecurityGroupEgress", "is missing, so everything is let out")


def literal_client_range(template: Template) -> Iterator[Finding]:
    for logical_id, prefix_list in template.resources("AWS::EC2::PrefixList"):
        for item in prefix_list["Properties"].get("Entries", []):
            for entry in branches(item):
                if entry is not None and isinstance(entry["Cidr"], str):
                    yield Finding(logical_id, "Entries", f"{entry['Cidr']} is not from a parameter")


def flow_logs(template: Template) -> Iterator[Finding]:
    logged = [item["Properties"].get("ResourceId") for _, item in template.resources("AWS::EC2::FlowLog")]
    for logical_id, _ in template.resources("AWS::EC2::VPC"):
        if {"Ref": logical_id} not in logged:
            yield Finding(logical_id, "FlowLog", "has none")


def data_routes(template: Template) -> Iterator[Finding]:
    """The route tables of data subnets have no routes but the VPC's own."""
    tables = {
        str(item["Properties"]["RouteTableId"])
        for _, item in template.resources("AWS::EC2::SubnetRouteTableAssociation")
        if "DataSubnet" in str(item["Properties"]["SubnetId"])
    }
    for logical_id, route in template.resources("AWS::EC2::Route"):
        if str(route["Properties"]["RouteTableId"]) in tables:
            yield Finding(logical_id, "RouteTableId", "leads out of the data subnets")


RULES = (
    rule(
        "SecurityGroup/open-ingress",
        "Inside, groups let groups in; from outside, only the ranges that the deployer gave.",
        open_ingress,
        resources("Rule: {Type: AWS::EC2::SecurityGroupIngress, Properties: {CidrIp: 10.0.0.0/8}}"),
        resources("""
            Group:
              Type: AWS::EC2::SecurityGroup
              Properties:
                SecurityGroupIngress:
                - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}
        """),
    ),
    rule(
        "SecurityGroup/open-egress",
        "A task that was broken into must not reach more than AWS does need it to.",
        open_egress,
        resources(
            "Rule: {Type: AWS::EC2::SecurityGroupEgress, Properties: {IpProtocol: -1, CidrIp: 0.0.0.0/0}}"
        ),
        resources("""
            Group:
              Type: AWS::EC2::SecurityGroup
              Properties:
                SecurityGroupEgress:
                - {IpProtocol: tcp, FromPort: 0, ToPort: 65535, CidrIp: 0.0.0.0/0}
        """),
    ),
    rule(
        "SecurityGroup/default-egress",
        "A group without egress rules lets everything out.",
        default_egress,
        resources("Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x}}"),
    ),
    rule(
        "PrefixList/literal",
        "Who may connect is for the deployer to say.",
        literal_client_range,
        resources("List: {Type: AWS::EC2::PrefixList, Properties: {Entries: [{Cidr: 0.0.0.0/0}]}}"),
    ),
    rule(
        "VPC/flow-logs",
        "Without flow logs nobody can say afterwards what went where.",
        flow_logs,
        resources("Vpc: {Type: AWS::EC2::VPC}"),
    ),
    must("AWS::EC2::FlowLog", "TrafficType", "Accepted traffic matters as much as refused.", "ALL"),
    rule(
        "Subnet/data-routes",
        "The database has nothing to look for outside the VPC.",
        data_routes,
        resources("""
            Association:
              Type: AWS::EC2::SubnetRouteTableAssociation
              Properties: {SubnetId: !Ref DataSubnet1, RouteTableId: !Ref DataRoutes}
            Route:
              Type: AWS::EC2::Route
              Properties: {RouteTableId: !Ref DataRoutes, DestinationCidrBlock: 0.0.0.0/0}
        """),
    ),
    must_not("AWS::EC2::Subnet", "MapPublicIpOnLaunch", "Nothing gets a public address by accident.", True),
    must("AWS::RDS::DBInstance", "PubliclyAccessible", "The database is for Orthanc alone.", False),
    must(
        "AWS::ECS::Service",
        "NetworkConfiguration/AwsvpcConfiguration/AssignPublicIp",
        "Tasks are reached through load balancers only.",
        "DISABLED",
    ),
)

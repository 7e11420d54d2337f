"""Each added resource type is created, updated and deleted through CloudFormation, and its service knows of it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account

Template = dict[str, Any]
Properties = dict[str, Any]


def resource(kind: str, **properties: Any) -> Template:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def attribute(name: str, path: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, path]}


VPC = {"Vpc": resource("EC2::VPC", CidrBlock="10.0.0.0/16")}
SUBNET = VPC | {"Subnet": resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/24")}
GROUP = VPC | {"Group": resource("EC2::SecurityGroup", VpcId=ref("Vpc"), GroupDescription="g")}
ADDRESS = {"Address": resource("EC2::EIP", Domain="vpc")}
CLUSTER = {"Cluster": resource("ECS::Cluster")}
TARGET = CLUSTER | {
    "Target": resource(
        "ApplicationAutoScaling::ScalableTarget",
        ServiceNamespace="ecs",
        ResourceId={"Fn::Sub": "service/${Cluster}/web"},
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
}
ANY_ROLE = "arn:aws:iam::000000000000:role/any"


@dataclass(frozen=True)
class Case:
    """A type: what it stands on, its properties, an update in place if it has one, and whether the service has it."""

    kind: str
    around: Template
    properties: Properties
    update: Properties
    exists: Callable[[Account, str], bool]


def _has(service: str, operation: str, items: str, key: str) -> Callable[[Account, str], bool]:
    def exists(account: Account, physical_id: str) -> bool:
        answer = getattr(account.client(service), operation)()
        return any(item.get(key) == physical_id for item in answer[items])

    return exists


def _gateway_is_up(account: Account, physical_id: str) -> bool:
    gateways = account.client("ec2").describe_nat_gateways(NatGatewayIds=[physical_id])["NatGateways"]
    return any(gateway["State"] == "available" for gateway in gateways)


def _has_entry(account: Account, physical_id: str) -> bool:
    acl_id, number, _ = physical_id.split("|")
    acls = account.client("ec2").describe_network_acls()["NetworkAcls"]
    entries = (entry for acl in acls if acl["NetworkAclId"] == acl_id for entry in acl["Entries"])
    return any(entry["RuleNumber"] == int(number) for entry in entries)


def _is_associated(account: Account, physical_id: str) -> bool:
    acls = account.client("ec2").describe_network_acls()["NetworkAcls"]
    associations = (
        association for acl in acls if not acl["IsDefault"] for association in acl["Associations"]
    )
    return any(association["NetworkAclAssociationId"] == physical_id for association in associations)


def _has_providers(account: Account, physical_id: str) -> bool:
    clusters = account.client("ecs").describe_clusters(clusters=[physical_id])["clusters"]
    return any(cluster["capacityProviders"] for cluster in clusters)


def _has_provider(account: Account, physical_id: str) -> bool:
    providers = account.client("ecs").describe_capacity_providers()["capacityProviders"]
    return any(item["name"] == physical_id and item["status"] == "ACTIVE" for item in providers)


def _rotates(account: Account, physical_id: str) -> bool:
    try:
        secret = account.client("secretsmanager").describe_secret(SecretId=physical_id)
    except ClientError:
        return False
    return bool(secret.get("RotationEnabled"))


def _protects(account: Account, physical_id: str) -> bool:
    try:
        account.client("wafv2").get_web_acl_for_resource(ResourceArn=physical_id.partition("|")[0])
    except ClientError:
        return False
    return True


def _selects(account: Account, physical_id: str) -> bool:
    selection_id, _, plan_id = physical_id.partition("_")
    try:
        account.client("backup").get_backup_selection(BackupPlanId=plan_id, SelectionId=selection_id)
    except ClientError:
        return False
    return True


def _scales(account: Account, physical_id: str) -> bool:
    client = account.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    return physical_id.split("|")[0] in {target["ResourceId"] for target in targets}


def _has_policy(account: Account, physical_id: str) -> bool:
    client = account.client("application-autoscaling")
    policies = client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    return physical_id in {policy["PolicyARN"] for policy in policies}


def _has_budget(account: Account, physical_id: str) -> bool:
    budgets = account.client("budgets").describe_budgets(AccountId="000000000000").get("Budgets", [])
    return physical_id in {budget["BudgetName"] for budget in budgets}


_in_group = _has("ec2", "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId")
TAGS = [{"Key": "tier", "Value": "data"}]
RULE = {"GroupId": attribute("Group", "GroupId"), "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
ACL = VPC | {"Acl": resource("EC2::NetworkAcl", VpcId=ref("Vpc"))}
ENTRY = {"NetworkAclId": ref("Acl"), "RuleNumber": 100, "Protocol": -1, "CidrBlock": "10.0.0.0/8"}
TRACKING = {
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    "TargetValue": "60",
}
SECRET = {"Secret": resource("SecretsManager::Secret", SecretString="{}")}
LIST = {
    "PrefixListName": "clients",
    "AddressFamily": "IPv4",
    "MaxEntries": 5,
    "Entries": [{"Cidr": "10.0.0.0/8"}],
}
PLAN_RULE = {"RuleName": "daily", "TargetBackupVault": "Default"}
PLAN = {
    "Plan": resource("Backup::BackupPlan", BackupPlan={"BackupPlanName": "p", "BackupPlanRule": [PLAN_RULE]}),
}
VISIBILITY = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
FIREWALL = SUBNET | {
    "Subnet2": resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.1.0/24"),
    "Acl": resource(
        "WAFv2::WebACL", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=VISIBILITY
    ),
    "Balancer": resource("ElasticLoadBalancingV2::LoadBalancer", Subnets=[ref("Subnet"), ref("Subnet2")]),
}
BUDGET = {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "200", "Unit": "USD"}}

CASES = [
    Case(
        "EC2::EIP",
        {},
        {"Domain": "vpc"},
        {"Tags": TAGS},
        _has("ec2", "describe_addresses", "Addresses", "PublicIp"),
    ),
    Case(
        "EC2::NatGateway",
        SUBNET | ADDRESS,
        {"SubnetId": ref("Subnet"), "AllocationId": attribute("Address", "AllocationId")},
        {"Tags": TAGS},
        _gateway_is_up,
    ),
    Case(
        "EC2::SecurityGroupIngress", GROUP, {**RULE, "CidrIp": "10.0.0.0/8"}, {"Description": "x"}, _in_group
    ),
    Case(
        "EC2::SecurityGroupEgress", GROUP, {**RULE, "CidrIp": "10.0.0.0/8"}, {"Description": "x"}, _in_group
    ),
    Case(
        "EC2::FlowLog",
        VPC,
        {
            "ResourceId": ref("Vpc"),
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogGroupName": "flow",
            "DeliverLogsPermissionArn": ANY_ROLE,
        },
        {"Tags": TAGS},
        _has("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ),
    Case(
        "EC2::PrefixList",
        {},
        LIST,
        {"Entries": [{"Cidr": "192.168.0.0/16"}]},
        _has("ec2", "describe_managed_prefix_lists", "PrefixLists", "PrefixListId"),
    ),
    Case(
        "EC2::NetworkAcl",
        VPC,
        {"VpcId": ref("Vpc")},
        {"Tags": TAGS},
        _has("ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    ),
    Case("EC2::NetworkAclEntry", ACL, {**ENTRY, "RuleAction": "allow"}, {"RuleAction": "deny"}, _has_entry),
    Case(
        "EC2::SubnetNetworkAclAssociation",
        SUBNET | ACL,
        {"SubnetId": ref("Subnet"), "NetworkAclId": ref("Acl")},
        {},
        _is_associated,
    ),
    Case(
        "CloudTrail::Trail",
        {},
        {"S3BucketName": "templates", "IsLogging": True, "EnableLogFileValidation": True},
        {"IsLogging": False},
        _has("cloudtrail", "describe_trails", "trailList", "Name"),
    ),
    Case(
        "SecretsManager::RotationSchedule",
        SECRET,
        {"SecretId": ref("Secret"), "RotationRules": {"AutomaticallyAfterDays": 30}},
        {"RotationRules": {"AutomaticallyAfterDays": 60}},
        _rotates,
    ),
    Case(
        "ECS::CapacityProvider",
        {},
        {
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": "arn:aws:autoscaling:us-east-1:000000000000:any"
            }
        },
        {},
        _has_provider,
    ),
    Case(
        "ECS::ClusterCapacityProviderAssociations",
        CLUSTER,
        {
            "Cluster": ref("Cluster"),
            "CapacityProviders": ["FARGATE"],
            "DefaultCapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
        },
        {"CapacityProviders": ["FARGATE", "FARGATE_SPOT"]},
        _has_providers,
    ),
    Case(
        "ApplicationAutoScaling::ScalableTarget",
        CLUSTER,
        TARGET["Target"]["Properties"],
        {"MaxCapacity": "6"},
        _scales,
    ),
    Case(
        "ApplicationAutoScaling::ScalingPolicy",
        TARGET,
        {
            "PolicyName": "cpu",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": ref("Target"),
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        },
        {"TargetTrackingScalingPolicyConfiguration": {**TRACKING, "TargetValue": "70"}},
        _has_policy,
    ),
    Case(
        "WAFv2::WebACLAssociation",
        FIREWALL,
        {"ResourceArn": ref("Balancer"), "WebACLArn": attribute("Acl", "Arn")},
        {},
        _protects,
    ),
    Case(
        "Backup::BackupSelection",
        PLAN,
        {
            "BackupPlanId": ref("Plan"),
            "BackupSelection": {"SelectionName": "all", "IamRoleArn": ANY_ROLE, "Resources": ["*"]},
        },
        {},
        _selects,
    ),
    Case(
        "Budgets::Budget", {}, {"Budget": BUDGET}, {"Budget": {**BUDGET, "TimeUnit": "ANNUALLY"}}, _has_budget
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_an_added_type_lives_as_long_as_its_stack(account: Account, case: Case) -> None:
    tested = resource(case.kind, **case.properties)
    stack_id = account.create({"Resources": {**case.around, "Tested": tested}})
    assert account.status(stack_id) == "CREATE_COMPLETE", account.reasons(stack_id)
    physical_id = account.resources(stack_id)["Tested"]
    assert case.exists(account, physical_id)

    if case.update:
        updated = resource(case.kind, **{**case.properties, **case.update})
        account.update(stack_id, {"Resources": {**case.around, "Tested": updated}})
        assert account.status(stack_id) == "UPDATE_COMPLETE", account.reasons(stack_id)
        physical_id = account.resources(stack_id)["Tested"]
        assert case.exists(account, physical_id)

    account.update(stack_id, {"Resources": {**case.around, "Kept": resource("SNS::Topic")}})
    assert account.status(stack_id) == "UPDATE_COMPLETE", account.reasons(stack_id)
    assert not case.exists(account, physical_id)
    account.delete(stack_id)
    assert account.status(stack_id) == "DELETE_COMPLETE", account.reasons(stack_id)


def test_an_update_of_a_prefix_list_changes_its_entries(account: Account) -> None:
    def template(*ranges: str) -> Template:
        properties = {**LIST, "Entries": [{"Cidr": cidr} for cidr in ranges]}
        return {"Resources": {"List": resource("EC2::PrefixList", **properties)}}

    stack_id = account.create(template("10.0.0.0/8", "172.16.0.0/12"))
    list_id = account.resources(stack_id)["List"]
    account.update(stack_id, template("172.16.0.0/12", "192.168.0.0/16"))

    entries = account.client("ec2").get_managed_prefix_list_entries(PrefixListId=list_id)["Entries"]
    assert {entry["Cidr"] for entry in entries} == {"172.16.0.0/12", "192.168.0.0/16"}


def tags_of_address(account: Account, address: str) -> list[dict[str, str]]:
    addresses = account.client("ec2").describe_addresses()["Addresses"]
    tags: list[dict[str, str]] = next(item["Tags"] for item in addresses if item["PublicIp"] == address)
    return tags


def test_a_change_of_tags_keeps_a_public_address(account: Account) -> None:
    stack_id = account.create({"Resources": ADDRESS})
    before = account.resources(stack_id)["Address"]

    account.update(stack_id, {"Resources": {"Address": resource("EC2::EIP", Domain="vpc", Tags=TAGS)}})

    assert account.resources(stack_id)["Address"] == before
    assert {"Key": "tier", "Value": "data"} in tags_of_address(account, before)


def test_the_tags_of_a_stack_reach_an_added_type(account: Account) -> None:
    stack_id = account.create({"Resources": ADDRESS}, Tags=[{"Key": "owner", "Value": "radiology"}])

    address = account.resources(stack_id)["Address"]
    assert {"Key": "owner", "Value": "radiology"} in tags_of_address(account, address)


SERVED_FROM_SCHEMAS = {
    "ElasticLoadBalancingV2::TrustStore": {"Name": "clients"},
    "Logs::QueryDefinition": {"Name": "audit", "QueryString": "fields @message"},
    "CloudWatch::CompositeAlarm": {"AlarmRule": "TRUE"},
    "WAFv2::IPSet": {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": []},
}


@pytest.mark.parametrize("kind", SERVED_FROM_SCHEMAS)
def test_a_type_without_an_emulation_is_served_from_its_schema(account: Account, kind: str) -> None:
    stack_id = account.create({"Resources": {"Tested": resource(kind, **SERVED_FROM_SCHEMAS[kind])}})

    assert account.status(stack_id) == "CREATE_COMPLETE", account.reasons(stack_id)
    assert account.resources(stack_id)["Tested"]
    account.delete(stack_id)
    assert account.status(stack_id) == "DELETE_COMPLETE"


def test_attributes_come_from_the_schema_and_the_properties(account: Account) -> None:
    outputs = {
        "Zone": {"Value": attribute("Set", "Arn")},
        "Range": {"Value": attribute("Vpc", "CidrBlock")},
        "Group": {"Value": attribute("Vpc", "DefaultSecurityGroup")},
    }
    ip_set = resource("WAFv2::IPSet", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=[])

    found = account.outputs(account.create({"Resources": {**VPC, "Set": ip_set}, "Outputs": outputs}))

    assert found["Zone"].startswith("arn:aws:wafv2:us-east-1:000000000000:ipset/")
    assert found["Range"] == "10.0.0.0/16"
    assert found["Group"].startswith("sg-")


def test_names_and_attributes_that_are_made_up_stay_the_same(account: Account) -> None:
    template = {
        "Resources": {
            "Store": resource("ElasticLoadBalancingV2::TrustStore", Name=f"s-{uuid.uuid4().hex[:8]}")
        },
        "Outputs": {"Arn": {"Value": ref("Store")}},
    }
    stack_id = account.create(template)
    before = account.outputs(stack_id)
    template["Resources"]["More"] = resource("SNS::Topic")

    account.update(stack_id, template)

    assert account.outputs(stack_id) == before

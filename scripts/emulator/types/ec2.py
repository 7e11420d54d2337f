"""Types of Amazon EC2, made by calls of its API."""

from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import ec2

from scripts.emulator.api import call

Properties = dict[str, Any]
Created = tuple[str, Properties]


def _retag(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Created:
    """Updates the tags, the one property of these types that changes in place and that the emulator keeps."""
    removed = [tag for tag in old.get("Tags", []) if tag not in new.get("Tags", [])]
    if removed:
        call("ec2", "DeleteTags", {}, Resources=[physical_id], Tags=removed)
    if new.get("Tags"):
        call("ec2", "CreateTags", {}, Resources=[physical_id], Tags=new["Tags"])
    return physical_id, {}


def _tagged(kind: str, properties: Properties) -> dict[str, Any]:
    tags = properties.get("Tags")
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _address(physical_id: str) -> Properties:
    addresses = call("ec2", "DescribeAddresses", {})["Addresses"]
    found: Properties = next(address for address in addresses if address["PublicIp"] == physical_id)
    return found


def _create_eip(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    address = call("ec2", "AllocateAddress", {"Domain": "vpc"}, **_tagged("elastic-ip", properties))
    return address["PublicIp"], {"PublicIp": address["PublicIp"], "AllocationId": address["AllocationId"]}


def _update_eip(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
    _retag(_address(physical_id)["AllocationId"], old, new, stack_name)
    return physical_id, {}


def _delete_eip(physical_id: str, _properties: Properties) -> None:
    call("ec2", "ReleaseAddress", {"AllocationId": _address(physical_id)["AllocationId"]})


def _create_nat_gateway(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    answer = call("ec2", "CreateNatGateway", properties, **_tagged("natgateway", properties))
    gateway_id = answer["NatGateway"]["NatGatewayId"]
    return gateway_id, {"NatGatewayId": gateway_id}


def _delete_nat_gateway(physical_id: str, _properties: Properties) -> None:
    call("ec2", "DeleteNatGateway", {"NatGatewayId": physical_id})


def _permission(properties: Properties, direction: str) -> dict[str, Any]:
    note = {"Description": properties["Description"]} if "Description" in properties else {}
    peers = {
        "IpRanges": ("CidrIp", properties.get("CidrIp")),
        "Ipv6Ranges": ("CidrIpv6", properties.get("CidrIpv6")),
        "UserIdGroupPairs": ("GroupId", properties.get(f"{direction}SecurityGroupId")),
        "PrefixListIds": ("PrefixListId", properties.get(f"{direction}PrefixListId")),
    }
    permission = {
        name: properties[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in properties
    }
    return permission | {name: [{key: peer, **note}] for name, (key, peer) in peers.items() if peer}


def _rule(action: str, direction: str) -> dict[str, Any]:
    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
        permissions = [_permission(properties, direction)]
        answer = call(
            "ec2", f"Authorize{action}", {"GroupId": properties["GroupId"]}, IpPermissions=permissions
        )
        rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return rule_id, {"Id": rule_id}

    def delete(_physical_id: str, properties: Properties) -> None:
        permissions = [_permission(properties, direction)]
        call("ec2", f"Revoke{action}", {"GroupId": properties["GroupId"]}, IpPermissions=permissions)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        delete(physical_id, old)
        return create("", new, stack_name)

    return {"create": create, "update": update, "delete": delete}


def _create_flow_log(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    target = {"ResourceIds": [properties["ResourceId"]]}
    answer = call("ec2", "CreateFlowLogs", properties, **target, **_tagged("vpc-flow-log", properties))
    if answer.get("Unsuccessful"):
        raise ValueError(answer["Unsuccessful"][0]["Error"]["Message"])
    return answer["FlowLogIds"][0], {"Id": answer["FlowLogIds"][0]}


def _delete_flow_log(physical_id: str, _properties: Properties) -> None:
    call("ec2", "DeleteFlowLogs", {"FlowLogIds": [physical_id]})


def _create_prefix_list(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    answer = call("ec2", "CreateManagedPrefixList", properties, **_tagged("prefix-list", properties))
    created = answer["PrefixList"]
    readable = {name: created[name] for name in ("PrefixListId", "OwnerId", "Version")}
    return created["PrefixListId"], {**readable, "Arn": created["PrefixListArn"]}


def _update_prefix_list(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
    before = {entry["Cidr"]: entry for entry in old.get("Entries", [])}
    after = {entry["Cidr"]: entry for entry in new.get("Entries", [])}
    changed = {
        "AddEntries": [entry for cidr, entry in after.items() if before.get(cidr) != entry],
        "RemoveEntries": [{"Cidr": cidr} for cidr in before.keys() - after.keys()],
    }
    kept = {name: new[name] for name in ("PrefixListName", "MaxEntries") if new.get(name) != old.get(name)}
    call("ec2", "ModifyManagedPrefixList", kept, PrefixListId=physical_id, **changed)
    _retag(physical_id, old, new, stack_name)
    return physical_id, {}


def _delete_prefix_list(physical_id: str, _properties: Properties) -> None:
    call("ec2", "DeleteManagedPrefixList", {"PrefixListId": physical_id})


def _create_network_acl(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    answer = call("ec2", "CreateNetworkAcl", properties, **_tagged("network-acl", properties))
    acl_id = answer["NetworkAcl"]["NetworkAclId"]
    return acl_id, {"Id": acl_id}


def _delete_network_acl(physical_id: str, _properties: Properties) -> None:
    call("ec2", "DeleteNetworkAcl", {"NetworkAclId": physical_id})


def _acl_entry(properties: Properties) -> Properties:
    icmp = {"IcmpTypeCode": properties["Icmp"]} if "Icmp" in properties else {}
    return {"Egress": False, **properties, **icmp}


def _create_acl_entry(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    call("ec2", "CreateNetworkAclEntry", _acl_entry(properties))
    entry = _acl_entry(properties)
    physical_id = f"{entry['NetworkAclId']}|{entry['RuleNumber']}|{str(entry['Egress']).lower()}"
    return physical_id, {"Id": physical_id}


def _update_acl_entry(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Created:
    call("ec2", "ReplaceNetworkAclEntry", _acl_entry(new))
    return physical_id, {}


def _delete_acl_entry(_physical_id: str, properties: Properties) -> None:
    call("ec2", "DeleteNetworkAclEntry", _acl_entry(properties))


def _create_acl_association(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    # Written into ministack's store: its API forgets the subnet of an association.
    _delete_acl_association("", properties)
    association_id = f"aclassoc-{new_uuid().replace('-', '')[:17]}"
    association = {"NetworkAclAssociationId": association_id, "SubnetId": properties["SubnetId"]}
    ec2._network_acls[properties["NetworkAclId"]]["Associations"].append(association)
    return association_id, {"AssociationId": association_id}


def _delete_acl_association(_physical_id: str, properties: Properties) -> None:
    for acl in ec2._network_acls.values():
        others = [item for item in acl["Associations"] if item["SubnetId"] != properties["SubnetId"]]
        acl["Associations"] = others


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::EC2::EIP": {"create": _create_eip, "update": _update_eip, "delete": _delete_eip},
    "AWS::EC2::NatGateway": {"create": _create_nat_gateway, "update": _retag, "delete": _delete_nat_gateway},
    "AWS::EC2::SecurityGroupIngress": _rule("SecurityGroupIngress", "Source"),
    "AWS::EC2::SecurityGroupEgress": _rule("SecurityGroupEgress", "Destination"),
    "AWS::EC2::FlowLog": {"create": _create_flow_log, "update": _retag, "delete": _delete_flow_log},
    "AWS::EC2::PrefixList": {
        "create": _create_prefix_list,
        "update": _update_prefix_list,
        "delete": _delete_prefix_list,
    },
    "AWS::EC2::NetworkAcl": {"create": _create_network_acl, "update": _retag, "delete": _delete_network_acl},
    "AWS::EC2::NetworkAclEntry": {
        "create": _create_acl_entry,
        "update": _update_acl_entry,
        "delete": _delete_acl_entry,
    },
    "AWS::EC2::SubnetNetworkAclAssociation": {
        "create": _create_acl_association,
        "delete": _delete_acl_association,
    },
}

TAGGED = (
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::EC2::NetworkAcl",
    "AWS::EC2::PrefixList",
)
"""The types to which the tags of a stack are propagated."""

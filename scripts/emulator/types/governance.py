"""Types of CloudTrail, Secrets Manager, WAF and AWS Backup, made by calls of their APIs."""

from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid

from scripts.emulator.api import call

Properties = dict[str, Any]
Created = tuple[str, Properties]


def _apply_trail(name: str, properties: Properties) -> None:
    logging = str(properties["IsLogging"]).lower() == "true"
    call("cloudtrail", "StartLogging" if logging else "StopLogging", {"Name": name})
    if {"EventSelectors", "AdvancedEventSelectors"} & properties.keys():
        call("cloudtrail", "PutEventSelectors", properties, TrailName=name)


def _create_trail(logical_id: str, properties: Properties, stack_name: str) -> Created:
    name = properties.get("TrailName") or f"{stack_name}-{logical_id}-{new_uuid()[:12]}"
    trail = call("cloudtrail", "CreateTrail", properties, Name=name, TagsList=properties.get("Tags", []))
    _apply_trail(name, properties)
    return name, {"Arn": trail["TrailARN"], "SnsTopicArn": trail.get("SnsTopicARN", "")}


def _update_trail(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Created:
    call("cloudtrail", "UpdateTrail", new, Name=physical_id)
    _apply_trail(physical_id, new)
    return physical_id, {}


def _delete_trail(physical_id: str, _properties: Properties) -> None:
    call("cloudtrail", "DeleteTrail", {"Name": physical_id})


def _create_rotation(logical_id: str, properties: Properties, _stack_name: str) -> Created:
    # A secret that its service manages rotates without a function; ministack's API insists on one.
    hosted = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:managed-rotation-{logical_id}"
    rotation = {"RotationLambdaARN": hosted, "RotateImmediately": False, **properties}
    call("secretsmanager", "RotateSecret", {**rotation, "RotateImmediately": False})
    return properties["SecretId"], {"Id": properties["SecretId"]}


def _update_rotation(_physical_id: str, _old: Properties, new: Properties, stack_name: str) -> Created:
    return _create_rotation("", new, stack_name)


def _delete_rotation(physical_id: str, _properties: Properties) -> None:
    call("secretsmanager", "CancelRotateSecret", {"SecretId": physical_id})


def _create_web_acl_association(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    call("wafv2", "AssociateWebACL", properties)
    return f"{properties['ResourceArn']}|{properties['WebACLArn']}", {}


def _delete_web_acl_association(_physical_id: str, properties: Properties) -> None:
    call("wafv2", "DisassociateWebACL", properties)


def _create_selection(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    selection_id = call("backup", "CreateBackupSelection", properties)["SelectionId"]
    physical_id = f"{selection_id}_{properties['BackupPlanId']}"
    return physical_id, {
        "Id": physical_id,
        "SelectionId": selection_id,
        "BackupPlanId": properties["BackupPlanId"],
    }


def _delete_selection(physical_id: str, properties: Properties) -> None:
    selection_id = physical_id.removesuffix(f"_{properties['BackupPlanId']}")
    call("backup", "DeleteBackupSelection", {**properties, "SelectionId": selection_id})


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::CloudTrail::Trail": {"create": _create_trail, "update": _update_trail, "delete": _delete_trail},
    "AWS::SecretsManager::RotationSchedule": {
        "create": _create_rotation,
        "update": _update_rotation,
        "delete": _delete_rotation,
    },
    "AWS::WAFv2::WebACLAssociation": {
        "create": _create_web_acl_association,
        "delete": _delete_web_acl_association,
    },
    "AWS::Backup::BackupSelection": {"create": _create_selection, "delete": _delete_selection},
}

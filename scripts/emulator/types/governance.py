"""Types of CloudTrail, Secrets Manager, WAF, AWS Backup and Budgets, made by calls of their APIs."""

from typing import Any

from ministack.core.responses import get_account_id, new_uuid
from ministack.services import secretsmanager

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


def _create_rotation(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    call("secretsmanager", "RotateSecret", properties)
    return properties["SecretId"], {"Id": properties["SecretId"]}


def _update_rotation(_physical_id: str, _old: Properties, new: Properties, stack_name: str) -> Created:
    return _create_rotation("", new, stack_name)


def _delete_rotation(physical_id: str, _properties: Properties) -> None:
    # Written into ministack's store: its API has no CancelRotateSecret.
    _, secret = secretsmanager._resolve(physical_id)
    secret["RotationEnabled"] = False


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


def _create_budget(logical_id: str, properties: Properties, stack_name: str) -> Created:
    name = properties["Budget"].get("BudgetName") or f"{stack_name}-{logical_id}"
    budget = {**properties["Budget"], "BudgetName": name}
    call("budgets", "CreateBudget", properties, AccountId=get_account_id(), Budget=budget)
    return name, {}


def _update_budget(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Created:
    budget = {**new["Budget"], "BudgetName": physical_id}
    call("budgets", "UpdateBudget", {"AccountId": get_account_id()}, NewBudget=budget)
    return physical_id, {}


def _delete_budget(physical_id: str, _properties: Properties) -> None:
    call("budgets", "DeleteBudget", {"AccountId": get_account_id()}, BudgetName=physical_id)


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::Budgets::Budget": {"create": _create_budget, "update": _update_budget, "delete": _delete_budget},
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

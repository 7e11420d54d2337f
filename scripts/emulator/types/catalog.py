"""Types of AWS Service Catalog that its API makes; principals and tag options are recorded only."""

import json
from typing import Any

from scripts.emulator.api import call

Properties = dict[str, Any]
Created = tuple[str, Properties]
_SERVICE = "servicecatalog"


def _create_portfolio(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    made = call(_SERVICE, "CreatePortfolio", properties, IdempotencyToken="token")["PortfolioDetail"]
    return made["Id"], {"PortfolioName": made["DisplayName"]}


def _update_portfolio(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Created:
    call(_SERVICE, "UpdatePortfolio", {"DisplayName": new["DisplayName"]}, Id=physical_id)
    return physical_id, {"PortfolioName": new["DisplayName"]}


def _delete_portfolio(physical_id: str, _properties: Properties) -> None:
    call(_SERVICE, "DeletePortfolio", {"Id": physical_id})


def _create_product(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    first, *others = properties["ProvisioningArtifactParameters"]
    known = _only(properties, "Name", "Owner", "Description")
    made = call(
        _SERVICE,
        "CreateProduct",
        known,
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=_artifact(first),
        IdempotencyToken="token",
    )
    product_id = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    for other in others:
        _add(product_id, other)
    ids = [made["ProvisioningArtifactDetail"]["Id"]]
    return product_id, {"ProductName": properties["Name"], "ProvisioningArtifactIds": ",".join(ids)}


def _update_product(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Created:
    """Versions are told apart by name and address: those that are new are added."""
    call(_SERVICE, "UpdateProduct", {"Name": new["Name"], "Owner": new["Owner"]}, Id=physical_id)
    for item in new["ProvisioningArtifactParameters"]:
        if item not in old["ProvisioningArtifactParameters"]:
            _add(physical_id, item)
    return physical_id, {"ProductName": new["Name"]}


def _add(product_id: str, item: Properties) -> None:
    call(
        _SERVICE,
        "CreateProvisioningArtifact",
        {"ProductId": product_id},
        Parameters=_artifact(item),
        IdempotencyToken="token",
    )


def _artifact(item: Properties) -> Properties:
    return {**_only(item, "Name", "Description", "Info"), "Type": "CLOUD_FORMATION_TEMPLATE"}


def _only(properties: Properties, *names: str) -> Properties:
    return {name: properties[name] for name in names if name in properties}


def _delete_product(physical_id: str, _properties: Properties) -> None:
    call(_SERVICE, "DeleteProduct", {"Id": physical_id})


def _create_association(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    call(_SERVICE, "AssociateProductWithPortfolio", properties)
    return f"{properties['PortfolioId']}|{properties['ProductId']}", {}


def _delete_association(_physical_id: str, properties: Properties) -> None:
    call(_SERVICE, "DisassociateProductFromPortfolio", properties)


def _create_launch_role(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    role = json.dumps(_only(properties, "LocalRoleName", "RoleArn"))
    return _constraint("LAUNCH", role, properties)


def _create_rules(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    return _constraint("TEMPLATE", properties["Rules"], properties)


def _constraint(kind: str, parameters: str, properties: Properties) -> Created:
    made = call(
        _SERVICE,
        "CreateConstraint",
        {"PortfolioId": properties["PortfolioId"], "ProductId": properties["ProductId"]},
        Type=kind,
        Parameters=parameters,
        IdempotencyToken="token",
    )
    return made["ConstraintDetail"]["ConstraintId"], {}


def _delete_constraint(physical_id: str, _properties: Properties) -> None:
    call(_SERVICE, "DeleteConstraint", {"Id": physical_id})


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::ServiceCatalog::Portfolio": {
        "create": _create_portfolio,
        "update": _update_portfolio,
        "delete": _delete_portfolio,
    },
    "AWS::ServiceCatalog::CloudFormationProduct": {
        "create": _create_product,
        "update": _update_product,
        "delete": _delete_product,
    },
    "AWS::ServiceCatalog::PortfolioProductAssociation": {
        "create": _create_association,
        "delete": _delete_association,
    },
    "AWS::ServiceCatalog::LaunchRoleConstraint": {
        "create": _create_launch_role,
        "delete": _delete_constraint,
    },
    "AWS::ServiceCatalog::LaunchTemplateConstraint": {"create": _create_rules, "delete": _delete_constraint},
}

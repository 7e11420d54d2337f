"""The AWS Service Catalog API, which ministack lacks: as much of it as publishes a product and launches it.

Launched products are stacks of CloudFormation, named as Service Catalog names them. The launch role must exist, but as
permissions are not enforced here, it is not tried whether it suffices.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import router
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid

from scripts.emulator.api import call
from scripts.operations.validate import problems

Request = dict[str, Any]
Answer = dict[str, Any]

_SERVICE = "servicecatalog"
_TARGET = "AWS242ServiceCatalogService"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
# Source: Service Catalog API reference, ProvisionedProductDetail.
_STATUSES = {
    "CREATE_COMPLETE": "AVAILABLE",
    "UPDATE_COMPLETE": "AVAILABLE",
    "UPDATE_ROLLBACK_COMPLETE": "TAINTED",
    "DELETE_COMPLETE": "TERMINATED",
}

_portfolios = AccountRegionScopedDict()
_products = AccountRegionScopedDict()
_artifacts = AccountRegionScopedDict()
_constraints = AccountRegionScopedDict()
_launched = AccountRegionScopedDict()


class RefusedError(Exception):
    """An error that the API answers with: its code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install() -> None:
    """Registers the service with the ministack of this process."""
    router.SERVICE_PATTERNS[_SERVICE] = {
        "target_prefixes": [_TARGET],
        "host_patterns": [rf"{_SERVICE}\."],
        "credential_scope": _SERVICE,
    }
    app.SERVICE_HANDLERS[_SERVICE] = handle_request


async def handle_request(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: Request
) -> tuple[int, dict[str, str], bytes]:
    """Answers one request of the JSON protocol as ministack's services do: status, headers and body."""
    from ministack.core.concurrency import run_reentrant

    operation = headers["x-amz-target"].rpartition(".")[2]
    try:
        if operation not in OPERATIONS:
            raise RefusedError("UnknownOperationException", f"{operation} is not emulated")
        # Off the event loop, as an operation may ask other services of the emulator.
        status, answer = 200, await run_reentrant(OPERATIONS[operation], json.loads(body or b"{}"))
    except RefusedError as error:
        status, answer = 400, {"__type": error.code, "Message": str(error)}
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer, default=str).encode()


def new_id(kind: str) -> str:
    """An id as Service Catalog gives them."""
    return f"{kind}-{new_uuid().replace('-', '')[:13]}"


def _arn(resource: str) -> str:
    return f"arn:aws:{_SERVICE}:{get_region()}:{get_account_id()}:{resource}"


def _found(store: AccountRegionScopedDict, key: str, what: str) -> Answer:
    if key not in store:
        raise RefusedError("ResourceNotFoundException", f"{what} {key} not found.")
    found: Answer = store[key]
    return found


def found_portfolio(portfolio_id: str) -> Answer:
    """The record of a portfolio: its products, and its shares by the grantee's id; refused where there is none."""
    return _found(_portfolios, portfolio_id, "Portfolio")


def _create_portfolio(request: Request) -> Answer:
    portfolio = {**request, "Id": new_id("port"), "CreatedTime": time.time()}
    portfolio |= {"Products": [], "Shares": {}}
    portfolio["ARN"] = _arn(f"portfolio/{portfolio['Id']}")
    _portfolios[portfolio["Id"]] = portfolio
    return {"PortfolioDetail": portfolio}


def _update_portfolio(request: Request) -> Answer:
    portfolio = found_portfolio(request["Id"])
    portfolio.update(request)
    return {"PortfolioDetail": portfolio}


def _delete_portfolio(request: Request) -> Answer:
    portfolio = found_portfolio(request["Id"])
    if portfolio["Products"] or portfolio["Shares"]:
        raise RefusedError(
            "ResourceInUseException", f"Portfolio {request['Id']} still has products or shares."
        )
    del _portfolios[request["Id"]]
    return {}


def _create_product(request: Request) -> Answer:
    product_id = new_id("prod")
    summary = {"ProductId": product_id, "Name": request["Name"], "Owner": request["Owner"]}
    _products[product_id] = {"ProductViewSummary": summary, "Status": "AVAILABLE"}
    made = _create_artifact(
        {"ProductId": product_id, "Parameters": request["ProvisioningArtifactParameters"]}
    )
    return {
        "ProductViewDetail": _products[product_id],
        "ProvisioningArtifactDetail": made["ProvisioningArtifactDetail"],
    }


def _update_product(request: Request) -> Answer:
    product = _found(_products, request["Id"], "Product")
    product["ProductViewSummary"] |= {key: request[key] for key in ("Name", "Owner") if key in request}
    return {"ProductViewDetail": product}


def _delete_product(request: Request) -> Answer:
    _found(_products, request["Id"], "Product")
    if any(request["Id"] in portfolio["Products"] for portfolio in _portfolios.values()):
        raise RefusedError("ResourceInUseException", f"Product {request['Id']} is in a portfolio.")
    del _products[request["Id"]]
    return {}


def _associate_product(request: Request) -> Answer:
    _found(_products, request["ProductId"], "Product")
    found_portfolio(request["PortfolioId"])["Products"].append(request["ProductId"])
    return {}


def _disassociate_product(request: Request) -> Answer:
    if any(_is_about(constraint, request) for constraint in _constraints.values()):
        raise RefusedError("ResourceInUseException", "The product has constraints in the portfolio.")
    found_portfolio(request["PortfolioId"])["Products"].remove(request["ProductId"])
    return {}


def _create_constraint(request: Request) -> Answer:
    if request["ProductId"] not in found_portfolio(request["PortfolioId"])["Products"]:
        raise RefusedError("ResourceNotFoundException", "The product is not in the portfolio.")
    constraint = {**request, "ConstraintId": new_id("cons")}
    _constraints[constraint["ConstraintId"]] = constraint
    return {
        "ConstraintDetail": constraint,
        "ConstraintParameters": request["Parameters"],
        "Status": "AVAILABLE",
    }


def _delete_constraint(request: Request) -> Answer:
    _found(_constraints, request["Id"], "Constraint")
    del _constraints[request["Id"]]
    return {}


def _is_about(constraint: Answer, request: Request) -> bool:
    return all(constraint[key] == request[key] for key in ("PortfolioId", "ProductId"))


def _create_artifact(request: Request) -> Answer:
    _found(_products, request["ProductId"], "Product")
    given = request["Parameters"]
    _summary(given["Info"]["LoadTemplateFromURL"])
    artifact = {
        "Id": new_id("pa"),
        "Name": given.get("Name", ""),
        "Description": given.get("Description", ""),
        "Type": given.get("Type", "CLOUD_FORMATION_TEMPLATE"),
        "CreatedTime": time.time(),
        "Active": True,
        "Guidance": "DEFAULT",
        "ProductId": request["ProductId"],
        "Url": given["Info"]["LoadTemplateFromURL"],
    }
    _artifacts[artifact["Id"]] = artifact
    return {
        "ProvisioningArtifactDetail": artifact,
        "Info": {"TemplateUrl": artifact["Url"]},
        "Status": "AVAILABLE",
    }


def _list_artifacts(request: Request) -> Answer:
    _found(_products, request["ProductId"], "Product")
    found = [item for item in _artifacts.values() if item["ProductId"] == request["ProductId"]]
    return {"ProvisioningArtifactDetails": sorted(found, key=lambda item: item["CreatedTime"])}


def _update_artifact(request: Request) -> Answer:
    artifact = _found(_artifacts, request["ProvisioningArtifactId"], "Provisioning artifact")
    artifact |= {key: request[key] for key in ("Name", "Description", "Active", "Guidance") if key in request}
    return {"ProvisioningArtifactDetail": artifact, "Status": "AVAILABLE"}


def _provision(request: Request) -> Answer:
    artifact = _artifact_of(request["ProductId"], request)
    given = {item["Key"]: item["Value"] for item in request.get("ProvisioningParameters", [])}
    _check_constraints(request["ProductId"], artifact, given)
    launched_id = new_id("pp")
    stack_name = f"SC-{get_account_id()}-{launched_id}"
    call(
        "cloudformation",
        "CreateStack",
        {"StackName": stack_name, "TemplateURL": artifact["Url"], "Capabilities": _CAPABILITIES},
        Parameters=_as_parameters(given),
        Tags=request.get("Tags", []),
    )
    _launched[launched_id] = {
        "Id": launched_id,
        "Name": request["ProvisionedProductName"],
        "ProductId": request["ProductId"],
        "ProvisioningArtifactId": artifact["Id"],
        "StackName": stack_name,
        "Parameters": given,
    }
    return _record(launched_id, "PROVISION_PRODUCT")


def _update_launched(request: Request) -> Answer:
    launched = _found(_launched, request["ProvisionedProductId"], "Provisioned product")
    artifact = _artifact_of(launched["ProductId"], request)
    if not artifact["Active"]:
        raise RefusedError("InvalidParametersException", f"{artifact['Name']} is not active.")
    given = {
        item["Key"]: launched["Parameters"].get(item["Key"], "")
        if item.get("UsePreviousValue")
        else item["Value"]
        for item in request.get("ProvisioningParameters", [])
    }
    _check_constraints(launched["ProductId"], artifact, given)
    call(
        "cloudformation",
        "UpdateStack",
        {"StackName": launched["StackName"], "TemplateURL": artifact["Url"], "Capabilities": _CAPABILITIES},
        Parameters=_as_parameters(given),
    )
    launched |= {"ProvisioningArtifactId": artifact["Id"], "Parameters": given}
    return _record(launched["Id"], "UPDATE_PROVISIONED_PRODUCT")


def _describe_launched(request: Request) -> Answer:
    launched = _found(_launched, request["Id"], "Provisioned product")
    stack = call("cloudformation", "DescribeStacks", {"StackName": launched["StackName"]})["Stacks"][0]
    status = stack["StackStatus"]
    shown = "UNDER_CHANGE" if status.endswith("_IN_PROGRESS") else _STATUSES.get(status, "ERROR")
    return {"ProvisionedProductDetail": {**launched, "Status": shown, "Type": "CFN_STACK"}}


def _record(launched_id: str, kind: str) -> Answer:
    record = {"RecordId": new_id("rec"), "RecordType": kind, "Status": "CREATED"}
    return {"RecordDetail": {**record, "ProvisionedProductId": launched_id}}


def _artifact_of(product_id: str, request: Request) -> Answer:
    artifact = _found(_artifacts, request["ProvisioningArtifactId"], "Provisioning artifact")
    if artifact["ProductId"] != product_id or not artifact["Active"]:
        raise RefusedError("InvalidParametersException", f"{artifact['Name']} cannot be launched.")
    return artifact


def _check_constraints(product_id: str, artifact: Answer, given: dict[str, str]) -> None:
    """The launch role exists, and the Rules of template constraints hold."""
    about = [item for item in _constraints.values() if item["ProductId"] == product_id]
    roles = [json.loads(item["Parameters"]) for item in about if item["Type"] == "LAUNCH"]
    if not roles:
        raise RefusedError("InvalidParametersException", "Nobody may launch without a launch role here.")
    call("iam", "GetRole", {"RoleName": roles[0]["LocalRoleName"]})
    declared = {
        item["ParameterKey"]: {"Type": "String", "Default": item.get("DefaultValue", "")}
        for item in _summary(artifact["Url"])["Parameters"]
    }
    for item in about:
        if item["Type"] == "TEMPLATE":
            mistakes = problems({"Parameters": declared, **json.loads(item["Parameters"])}, given)
            if mistakes:
                raise RefusedError("InvalidParametersException", "; ".join(mistakes))


def _summary(url: str) -> Answer:
    from botocore.exceptions import ClientError

    try:
        return call("cloudformation", "GetTemplateSummary", {"TemplateURL": url})
    except ClientError as error:
        raise RefusedError("InvalidParametersException", f"Invalid templateUrl: {error}") from None


def _as_parameters(given: dict[str, str]) -> list[Answer]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "CreatePortfolio": _create_portfolio,
    "UpdatePortfolio": _update_portfolio,
    "DeletePortfolio": _delete_portfolio,
    "CreateProduct": _create_product,
    "UpdateProduct": _update_product,
    "DeleteProduct": _delete_product,
    "AssociateProductWithPortfolio": _associate_product,
    "DisassociateProductFromPortfolio": _disassociate_product,
    "CreateConstraint": _create_constraint,
    "DeleteConstraint": _delete_constraint,
    "CreateProvisioningArtifact": _create_artifact,
    "ListProvisioningArtifacts": _list_artifacts,
    "UpdateProvisioningArtifact": _update_artifact,
    "ProvisionProduct": _provision,
    "UpdateProvisionedProduct": _update_launched,
    "DescribeProvisionedProduct": _describe_launched,
}

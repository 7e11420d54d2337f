"""Shares of portfolios of AWS Service Catalog: with accounts at once, with nodes of an organization in the background.

The organization is that of ministack. A share with a node is done once two requests have found it in progress; with an
account that is closed it cannot be made, so that both endings with errors can be had. Nobody else sees a portfolio.
"""

import re
from collections.abc import Iterator

from botocore.exceptions import ClientError
from ministack.core.responses import AccountRegionScopedDict, get_account_id

from scripts.emulator import catalog
from scripts.emulator.api import call
from scripts.emulator.catalog import Answer, RefusedError, Request

_ACCOUNT = re.compile(r"[0-9]{12}")
_NODES = {
    "ORGANIZATION": re.compile(r"o-[a-z0-9]{10,32}"),
    "ORGANIZATIONAL_UNIT": re.compile(r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}"),
}
_IN_PROGRESS = "IN_PROGRESS"
_STEPS = 2

# Accounts whose organization lets Service Catalog in, and what is being done in the background, by its token.
_organizations_access = AccountRegionScopedDict()
_operations = AccountRegionScopedDict()


def install() -> None:
    """Adds the operations to those of the catalog's API."""
    catalog.OPERATIONS.update(
        EnableAWSOrganizationsAccess=_enable_access,
        CreatePortfolioShare=_create,
        DeletePortfolioShare=_delete,
        DescribePortfolioShareStatus=_describe_status,
        DescribePortfolioShares=_describe,
    )


def _enable_access(_request: Request) -> Answer:
    _organizations_access["enabled"] = True
    return {}


def _create(request: Request) -> Answer:
    portfolio = catalog.found_portfolio(request["PortfolioId"])
    kind, grantee = _grantee(request)
    options = {name: request.get(name, False) for name in ("ShareTagOptions", "SharePrincipals")}
    if kind == "ACCOUNT":
        _refuse_own_account(grantee)
        portfolio["Shares"].setdefault(grantee, {"Type": kind, **options})
        return {}
    accounts = _accounts_of(kind, grantee)
    _refuse_while_busy(portfolio)
    portfolio["Shares"].setdefault(grantee, {"Type": kind, **options})
    return {"PortfolioShareToken": _begin(portfolio, grantee, accounts)}


def _delete(request: Request) -> Answer:
    portfolio = catalog.found_portfolio(request["PortfolioId"])
    kind, grantee = _grantee(request)
    if portfolio["Shares"].get(grantee, {}).get("Type") != kind:
        raise RefusedError("ResourceNotFoundException", f"The portfolio is not shared with {grantee}.")
    if kind == "ACCOUNT":
        del portfolio["Shares"][grantee]
        return {}
    _refuse_while_busy(portfolio)
    del portfolio["Shares"][grantee]
    return {"PortfolioShareToken": _begin(portfolio, grantee, _accounts_of(kind, grantee))}


def _describe_status(request: Request) -> Answer:
    operation = _operations.get(request["PortfolioShareToken"])
    if operation is None:
        raise RefusedError("ResourceNotFoundException", "There is no such token.")
    shown = dict(operation)
    _go_on(operation)
    return shown


def _describe(request: Request) -> Answer:
    shares = catalog.found_portfolio(request["PortfolioId"])["Shares"]
    details = [{"PrincipalId": grantee, **share} for grantee, share in shares.items()]
    return {"PortfolioShareDetails": [item for item in details if item["Type"] == request["Type"]]}


def _grantee(request: Request) -> tuple[str, str]:
    """The kind and the id of whom a request is about."""
    node = request.get("OrganizationNode")
    if (node is None) == ("AccountId" not in request):
        raise RefusedError("InvalidParametersException", "Give either an account or an organization node.")
    if node is None:
        return "ACCOUNT", _matching(_ACCOUNT, request["AccountId"])
    if node["Type"] not in _NODES:
        raise RefusedError("InvalidParametersException", f"{node['Type']} is not emulated.")
    return node["Type"], _matching(_NODES[node["Type"]], node["Value"])


def _matching(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise RefusedError("InvalidParametersException", f"{value} does not match {pattern.pattern}.")
    return value


def _refuse_own_account(account: str) -> None:
    if account == get_account_id():
        raise RefusedError("InvalidParametersException", "A portfolio cannot be shared with its own account.")


def _refuse_while_busy(portfolio: Answer) -> None:
    for operation in _operations.values():
        if operation["PortfolioId"] == portfolio["Id"] and operation["Status"] == _IN_PROGRESS:
            _go_on(operation)
            raise RefusedError("InvalidStateException", "Another share of the portfolio is in progress.")


def _go_on(operation: Answer) -> None:
    operation["Steps"] -= 1
    if operation["Steps"] <= 0:
        operation["Status"] = _ending(operation["ShareDetails"])


def _accounts_of(kind: str, node: str) -> list[Answer]:
    """The accounts of a node; refused where there is no such node, or Service Catalog may not know."""
    if "enabled" not in _organizations_access:
        raise RefusedError("OperationNotSupportedException", "AWS Organizations access is not enabled.")
    try:
        if kind == "ORGANIZATIONAL_UNIT":
            return list(_accounts_below(node))
        organization = call("organizations", "DescribeOrganization", {})["Organization"]
    except ClientError as error:
        raise RefusedError("ResourceNotFoundException", error.response["Error"]["Message"]) from None
    if organization["Id"] != node:
        raise RefusedError("ResourceNotFoundException", f"The account is not of organization {node}.")
    return list(call("organizations", "ListAccounts", {})["Accounts"])


def _accounts_below(unit: str) -> Iterator[Answer]:
    parent = {"ParentId": unit}
    call("organizations", "DescribeOrganizationalUnit", {"OrganizationalUnitId": unit})
    yield from call("organizations", "ListAccountsForParent", parent)["Accounts"]
    for inner in call("organizations", "ListOrganizationalUnitsForParent", parent)["OrganizationalUnits"]:
        yield from _accounts_below(inner["Id"])


def _begin(portfolio: Answer, node: str, accounts: list[Answer]) -> str:
    """Records an operation in the background; returns its token."""
    token = catalog.new_id("share")
    closed = [account["Id"] for account in accounts if account["Status"] == "SUSPENDED"]
    message = "The account is closed."
    _operations[token] = {
        "PortfolioShareToken": token,
        "PortfolioId": portfolio["Id"],
        "OrganizationNodeValue": node,
        "Status": _IN_PROGRESS,
        "Steps": _STEPS,
        "ShareDetails": {
            "SuccessfulShares": [account["Id"] for account in accounts if account["Id"] not in closed],
            "ShareErrors": [{"Accounts": closed, "Error": "AccountClosed", "Message": message}]
            if closed
            else [],
        },
    }
    return token


def _ending(details: Answer) -> str:
    if not details["ShareErrors"]:
        return "COMPLETED"
    return "COMPLETED_WITH_ERRORS" if details["SuccessfulShares"] else "ERROR"

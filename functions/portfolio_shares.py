"""Shares a portfolio of AWS Service Catalog with accounts and with nodes of an organization.

The function behind Custom::PortfolioShares, whose properties are PortfolioId, Accounts and OrganizationNodes (`ou-...`
or `o-...`): CloudFormation's own AWS::ServiceCatalog::PortfolioShare knows no organization. Needs only what Lambda has.
"""

import json
import logging
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

Record = Mapping[str, Any]

# Left for the answer when the time runs out: more than a last request may take, and all attempts to answer.
SPARE_SECONDS = 90
# The whole answer may have 4096 bytes. Source: CloudFormation user guide, "Custom resource response objects".
LONGEST_REASON = 1500
_LONGEST_PAUSE = 10.0
_ATTEMPTS = 3
_QUICK = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_FAILED = ("COMPLETED_WITH_ERRORS", "ERROR")
_ENDED = ("COMPLETED", "COMPLETED_WITH_ERRORS")
# Source: Service Catalog developer guide, CreatePortfolioShare.
_NODE_ADVICE = (
    "To share with an organization or a unit of it, the catalog's account must be the organization's management account"
    " or a delegated administrator of Service Catalog, and the management account must have enabled the access:"
    " `aws servicecatalog enable-aws-organizations-access`."
)
_log = logging.getLogger("portfolio_shares")
_log.setLevel(logging.INFO)


class ShareError(Exception):
    """A share that could not be made or withdrawn; the message is for whoever deploys the stack."""


def handler(event: Record, context: Any) -> None:
    """Does what a request of CloudFormation asks for, and answers it, whatever happens."""
    # The request itself is not logged: whoever has its ResponseURL can answer it.
    status, reason = "SUCCESS", ""
    try:
        _apply(event, context)
    except ShareError as error:
        status, reason = "FAILED", str(error)
    except Exception as error:
        _log.exception("%s failed", event["RequestType"])
        status, reason = "FAILED", f"{type(error).__name__}: {error}"
    _log.info("%s: %s %s", event["RequestType"], status, reason)
    _answer(event, status, reason)


def _apply(event: Record, context: Any) -> None:
    """Shares before it withdraws, so that nobody loses anything by a request that fails."""
    portfolio = _Portfolio(event["ResourceProperties"]["PortfolioId"], context)
    wanted, before = _grantees(event["ResourceProperties"]), _before(event)
    if event["RequestType"] == "Delete":
        wanted, before = [], wanted
    for grantee in wanted:
        if grantee not in before:
            portfolio.share(grantee)
    for grantee in before:
        if grantee not in wanted:
            portfolio.withdraw(grantee)


def _before(event: Record) -> list[str]:
    """With whom the same portfolio was shared; another portfolio's shares go when CloudFormation deletes them."""
    old: Record = event.get("OldResourceProperties", {})
    same = old.get("PortfolioId") == event["ResourceProperties"]["PortfolioId"]
    return _grantees(old) if same else []


def _grantees(properties: Record) -> list[str]:
    """Accounts and nodes by their ids; an empty list arrives as one of an empty text."""
    listed = [*properties.get("Accounts", []), *properties.get("OrganizationNodes", [])]
    return [name for name in dict.fromkeys(listed) if name]


class _Portfolio:
    """A portfolio, whose shares are made and withdrawn one after the other: Service Catalog refuses two at once."""

    def __init__(self, portfolio_id: str, context: Any) -> None:
        self._client = boto3.client("servicecatalog", config=_QUICK)
        self._id = portfolio_id
        self._context = context

    def share(self, grantee: str) -> None:
        """Does nothing where the share is there."""
        with _explained("Sharing with", grantee):
            # With its principals shared, whoever may make roles in another account could make one that a pattern of
            # ours matches, and launch. Source: CreatePortfolioShare, "potential privilege escalation path".
            principals = {} if grantee.isdigit() else {"SharePrincipals": False}
            done = self._when_free(
                self._client.create_portfolio_share,
                PortfolioId=self._id,
                ShareTagOptions=True,
                **principals,
                **_named(grantee),
            )
            self._follow(done.get("PortfolioShareToken"), _FAILED)

    def withdraw(self, grantee: str) -> None:
        """Does nothing where the share, or the portfolio, is gone.

        An account of a node that could not be told is only logged: otherwise its stack could never be deleted.
        """
        with _explained("Withdrawing from", grantee):
            try:
                delete = self._client.delete_portfolio_share
                done = self._when_free(delete, PortfolioId=self._id, **_named(grantee))
            except self._client.exceptions.ResourceNotFoundException:
                return
            self._follow(done.get("PortfolioShareToken"), ("ERROR",))

    def _when_free(self, request: Callable[..., Record], **arguments: Any) -> Record:
        """Makes a request again while Service Catalog is still busy with another share."""
        for pause in _pauses():
            self._need_time()
            try:
                return request(**arguments)
            except self._client.exceptions.InvalidStateException:
                time.sleep(pause)
        raise AssertionError("there is always another pause")

    def _follow(self, token: str | None, failed: Collection[str]) -> None:
        """Waits for what Service Catalog does in the background, which it has a token for."""
        for pause in _pauses() if token else ():
            found = self._client.describe_portfolio_share_status(PortfolioShareToken=token)
            if found["Status"] in failed:
                raise ShareError(f"{found['Status']}: {_errors(found)}. Deploy again once that is mended.")
            if found["Status"] in _ENDED:
                _log.info("%s %s", found["Status"], _errors(found))
                return
            self._need_time()
            time.sleep(pause)

    def _need_time(self) -> None:
        if self._context.get_remaining_time_in_millis() < 1000 * SPARE_SECONDS:
            raise ShareError(
                "the function has no time left. What Service Catalog has begun goes on: deploy again a while later."
            )


def _pauses() -> Iterator[float]:
    """Seconds, without end."""
    yield from (0.5, 1.0, 2.0, 4.0)
    yield from repeat(_LONGEST_PAUSE)


@contextmanager
def _explained(what: str, grantee: str) -> Iterator[None]:
    """Says of an error about whom it is, and what can be done."""
    try:
        yield
    except ShareError as error:
        raise ShareError(f"{what} {grantee}: {error}") from None
    except ClientError as error:
        said = error.response["Error"]
        advice = "" if grantee.isdigit() else f" {_NODE_ADVICE}"
        raise ShareError(f"{what} {grantee}: {said['Code']}: {said['Message']}{advice}") from None
    _log.info("%s %s: done", what, grantee)


def _named(grantee: str) -> dict[str, Any]:
    """A grantee as the API names it."""
    if grantee.isdigit():
        return {"AccountId": grantee}
    kind = "ORGANIZATIONAL_UNIT" if grantee.startswith("ou-") else "ORGANIZATION"
    return {"OrganizationNode": {"Type": kind, "Value": grantee}}


def _errors(status: Record) -> str:
    """What Service Catalog says of the accounts that a node has."""
    return "; ".join(
        f"{', '.join(error['Accounts'])}: {error['Error']}: {error['Message']}"
        for error in status.get("ShareDetails", {}).get("ShareErrors", [])
    )


def _answer(event: Record, status: str, reason: str) -> None:
    """Raises OSError where CloudFormation cannot be reached: Lambda then calls the function again."""
    answer = {
        "Status": status,
        "Reason": reason[:LONGEST_REASON],
        "PhysicalResourceId": _physical_id(event),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    # The address is signed for a request without a type of content.
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT"
    )
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            urllib.request.urlopen(request, timeout=10).close()
            return
        except OSError:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(attempt)


def _physical_id(event: Record) -> str:
    """The same for all requests about a portfolio: by another one CloudFormation takes the resource for replaced."""
    if event["RequestType"] == "Delete":
        return str(event["PhysicalResourceId"])
    return f"shares-of-{event['ResourceProperties'].get('PortfolioId')}"

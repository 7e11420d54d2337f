"""The function that shares the portfolio, called as Lambda calls it; Service Catalog is the emulator's."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest

from functions import portfolio_shares
from scripts.emulator import Emulator
from tests.functions.organization import Organization, account_number

ACCOUNTS = ["111122223333", "444455556666"]
SECRET = "the-signature-of-the-address"


class CloudFormation:
    """Takes the answers of the function; refuses the first few where told so."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.refusals = 0
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/answer?Signature={SECRET}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = outer.refusals > 0
                outer.refusals -= 1
                if not refused:
                    assert not self.headers["Content-Type"]
                    assert len(body) <= 4096
                    outer.answers.append(json.loads(body))
                self.send_response(503 if refused else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing is written."""

        return Handler


class Lambda:
    """Calls the function, which has so many seconds left; each look at the clock finds it a second later."""

    def __init__(self, cloudformation: CloudFormation, organization: Organization) -> None:
        self.cloudformation, self.organization = cloudformation, organization
        self.portfolio = organization.portfolio()
        self.seconds = float(portfolio_shares.SPARE_SECONDS + 60)

    def call(
        self, kind: str, wanted: list[str], before: list[str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """A request of CloudFormation; returns what the function answers."""
        event = {
            "RequestType": kind,
            "ResponseURL": self.cloudformation.url,
            "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/catalog/1",
            "RequestId": "request",
            "LogicalResourceId": "Shares",
            "ResourceProperties": self.properties(wanted),
        } | more
        if kind != "Create":
            event.setdefault("PhysicalResourceId", f"shares-of-{self.portfolio}")
        if before is not None:
            event.setdefault("OldResourceProperties", self.properties(before))
        portfolio_shares.handler(event, self)
        return self.cloudformation.answers.pop()

    def properties(self, grantees: list[str]) -> dict[str, Any]:
        accounts = [name for name in grantees if name.isdigit()]
        nodes = [name for name in grantees if not name.isdigit()]
        return {
            "ServiceToken": "arn",
            "PortfolioId": self.portfolio,
            "Accounts": accounts or [""],
            "OrganizationNodes": nodes or [""],
        }

    def shares(self) -> set[str]:
        return set(self.organization.shares(self.portfolio))

    def get_remaining_time_in_millis(self) -> int:
        self.seconds -= 1
        return int(self.seconds * 1000)


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    made = CloudFormation()
    yield made
    made.close()


@pytest.fixture
def organization(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Organization:
    """The organization of an account of the test's own, whose credentials the function has."""
    for name, value in (emulator.environment | {"AWS_ACCESS_KEY_ID": account_number()}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return Organization(boto3.client("organizations"), boto3.client("servicecatalog"))


@pytest.fixture
def function(
    cloudformation: CloudFormation, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> Lambda:
    made = Lambda(cloudformation, organization)

    def passes(seconds: float) -> None:
        made.seconds -= seconds

    monkeypatch.setattr(portfolio_shares.time, "sleep", passes)
    return made


def test_accounts_units_and_organizations_get_the_portfolio_with_its_tags_and_without_its_principals(
    function: Lambda, organization: Organization
) -> None:
    organization.enable_access()
    wanted = [*ACCOUNTS, organization.unit(), organization.unit(), organization.id]
    answer = function.call("Create", wanted)
    assert (answer["Status"], answer["Reason"]) == ("SUCCESS", "")
    shares = organization.shares(function.portfolio)
    assert shares.keys() == set(wanted)
    assert all(share["ShareTagOptions"] and not share["SharePrincipals"] for share in shares.values())


def test_the_answer_is_to_the_request_and_the_resource_keeps_its_id(function: Lambda) -> None:
    created = function.call("Create", ACCOUNTS[:1])
    assert created["RequestId"] == "request"
    assert created["LogicalResourceId"] == "Shares"
    assert created["StackId"].endswith("stack/catalog/1")
    updated = function.call("Update", ACCOUNTS, ACCOUNTS[:1])
    assert created["PhysicalResourceId"] == updated["PhysicalResourceId"] == f"shares-of-{function.portfolio}"
    assert function.call("Delete", ACCOUNTS, PhysicalResourceId="of-old")["PhysicalResourceId"] == "of-old"


def test_an_update_shares_what_is_new_and_withdraws_what_is_gone(
    function: Lambda, organization: Organization
) -> None:
    organization.enable_access()
    first, second = organization.unit(), organization.unit()
    before, after = [ACCOUNTS[0], first], [ACCOUNTS[1], second]
    function.call("Create", before)
    assert function.call("Update", after, before)["Status"] == "SUCCESS"
    assert function.shares() == set(after)
    assert function.call("Update", before, after)["Status"] == "SUCCESS"
    assert function.shares() == set(before)


def test_an_update_to_another_portfolio_leaves_the_first_to_its_deletion(function: Lambda) -> None:
    first = function.properties(ACCOUNTS)
    function.call("Create", ACCOUNTS)
    function.portfolio = function.organization.portfolio()
    answer = function.call("Update", ACCOUNTS[:1], OldResourceProperties=first)
    assert answer["PhysicalResourceId"] == f"shares-of-{function.portfolio}"
    assert function.shares() == {ACCOUNTS[0]}
    assert set(function.organization.shares(first["PortfolioId"])) == set(ACCOUNTS)


def test_everything_can_be_asked_for_twice(function: Lambda) -> None:
    for kind, shares in (("Create", set(ACCOUNTS)), ("Create", set(ACCOUNTS)), ("Delete", set())):
        assert function.call(kind, ACCOUNTS)["Status"] == "SUCCESS"
        assert function.shares() == shares
    assert function.call("Delete", ACCOUNTS)["Status"] == "SUCCESS"


def test_a_share_whose_portfolio_is_gone_is_gone(function: Lambda) -> None:
    function.organization.catalog.delete_portfolio(Id=function.portfolio)
    assert function.call("Delete", ACCOUNTS)["Status"] == "SUCCESS"


def test_a_refusal_is_answered_with_its_reason_and_what_to_do(function: Lambda) -> None:
    unit = function.organization.unit()
    answer = function.call("Create", [*ACCOUNTS, unit])
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"Sharing with {unit}: OperationNotSupportedException: ")
    assert "delegated administrator" in answer["Reason"]
    assert "aws servicecatalog enable-aws-organizations-access" in answer["Reason"]
    assert function.call("Delete", [*ACCOUNTS, unit])["Status"] == "SUCCESS"
    assert function.shares() == set()


def test_a_failed_update_has_withdrawn_nothing(function: Lambda) -> None:
    function.call("Create", ACCOUNTS[:1])
    assert function.call("Update", ["o-nobodysorg"], ACCOUNTS[:1])["Status"] == "FAILED"
    assert function.shares() == {ACCOUNTS[0]}


@pytest.mark.parametrize(("active", "status"), [(1, "COMPLETED_WITH_ERRORS"), (0, "ERROR")])
def test_an_account_that_could_not_be_reached_is_named(
    function: Lambda, organization: Organization, active: int, status: str
) -> None:
    organization.enable_access()
    unit = organization.unit(closed=1, active=active)
    accounts = organization.organizations.list_accounts_for_parent(ParentId=unit)["Accounts"]
    closed = next(account["Id"] for account in accounts if account["Status"] == "SUSPENDED")
    answer = function.call("Create", [unit])
    assert answer["Status"] == "FAILED"
    assert f"Sharing with {unit}: {status}: {closed}: AccountClosed: " in answer["Reason"]


def test_an_account_that_could_not_be_reached_does_not_keep_the_stack_from_being_deleted(
    function: Lambda, organization: Organization, caplog: pytest.LogCaptureFixture
) -> None:
    organization.enable_access()
    unit = organization.unit(closed=1, active=1)
    function.call("Create", [unit])
    with caplog.at_level("INFO"):
        assert function.call("Delete", [unit])["Status"] == "SUCCESS"
    assert function.shares() == set()
    assert "AccountClosed" in caplog.text


def test_a_share_waits_until_service_catalog_is_free(function: Lambda, organization: Organization) -> None:
    organization.enable_access()
    node = {"Type": "ORGANIZATION", "Value": organization.id}
    organization.catalog.create_portfolio_share(PortfolioId=function.portfolio, OrganizationNode=node)
    unit = organization.unit()
    assert function.call("Create", [unit])["Status"] == "SUCCESS"
    assert function.shares() == {organization.id, unit}


def test_what_takes_too_long_is_answered_in_time_and_undone_when_service_catalog_is_free(
    function: Lambda, organization: Organization
) -> None:
    organization.enable_access()
    unit = organization.unit()
    function.seconds = portfolio_shares.SPARE_SECONDS + 1
    answer = function.call("Create", [unit])
    assert (answer["Status"], function.shares()) == ("FAILED", {unit})
    assert answer["Reason"].startswith(f"Sharing with {unit}: the function has no time left")

    function.seconds = portfolio_shares.SPARE_SECONDS + 60
    assert function.call("Delete", [unit])["Status"] == "SUCCESS"
    assert function.shares() == set()


def test_service_catalog_that_stays_busy_is_not_waited_for_too_long(
    function: Lambda, organization: Organization
) -> None:
    organization.enable_access()
    node = {"Type": "ORGANIZATION", "Value": organization.id}
    organization.catalog.create_portfolio_share(PortfolioId=function.portfolio, OrganizationNode=node)
    function.seconds = portfolio_shares.SPARE_SECONDS + 1
    answer = function.call("Delete", [organization.id])
    assert answer["Status"] == "FAILED"
    assert f"Withdrawing from {organization.id}: the function has no time left" in answer["Reason"]
    assert function.shares() == {organization.id}


def test_with_no_time_at_all_nothing_is_begun(function: Lambda) -> None:
    function.seconds = portfolio_shares.SPARE_SECONDS - 1
    answer = function.call("Create", ACCOUNTS)
    assert (answer["Status"], function.shares()) == ("FAILED", set())
    assert answer["Reason"].startswith(f"Sharing with {ACCOUNTS[0]}: the function has no time left")


def test_what_nobody_thought_of_is_answered_too(function: Lambda) -> None:
    answer = function.call("Create", ACCOUNTS, ResourceProperties={"Accounts": ACCOUNTS})
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "KeyError: 'PortfolioId'")


def test_a_long_reason_fits_into_the_answer(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise portfolio_shares.ShareError("x" * 5000)

    monkeypatch.setattr(portfolio_shares._Portfolio, "share", fail)
    assert len(function.call("Create", ACCOUNTS)["Reason"]) == portfolio_shares.LONGEST_REASON


def test_an_answer_that_does_not_arrive_is_sent_again(
    function: Lambda, cloudformation: CloudFormation
) -> None:
    cloudformation.refusals = 2
    assert function.call("Create", ACCOUNTS)["Status"] == "SUCCESS"


def test_lambda_is_told_where_no_answer_arrives_so_that_it_calls_again(
    function: Lambda, cloudformation: CloudFormation
) -> None:
    cloudformation.refusals = 3
    with pytest.raises(OSError, match="503"):
        function.call("Create", ACCOUNTS)


def test_the_log_says_what_was_done_and_not_where_the_answer_went(
    function: Lambda, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        function.call("Create", ACCOUNTS)
        function.call("Update", ["o-nobodysorg"], ACCOUNTS)
        function.call("Create", ACCOUNTS, ResourceProperties={})
    assert f"Sharing with {ACCOUNTS[1]}: done" in caplog.text
    assert "Traceback" in caplog.text
    assert SECRET not in caplog.text

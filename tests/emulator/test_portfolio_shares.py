"""Shares of portfolios as far as Service Catalog is emulated: what it takes, what it refuses, what takes time."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account
from tests.functions.organization import Organization, account_number

ACCOUNT = "111122223333"


@pytest.fixture
def number() -> str:
    return account_number()


@pytest.fixture
def organization(account: Account, number: str) -> Organization:
    """The organization of an account of the test's own."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=account.emulator.endpoint_url,
            aws_access_key_id=number,
            aws_secret_access_key="test",
        )

    return Organization(client("organizations"), client("servicecatalog"))


@pytest.fixture
def portfolio(organization: Organization) -> str:
    return organization.portfolio()


def node(value: str, kind: str = "ORGANIZATIONAL_UNIT") -> dict[str, str]:
    return {"Type": kind, "Value": value}


def test_an_account_has_a_share_at_once_and_making_it_again_changes_nothing(
    organization: Organization, portfolio: str
) -> None:
    client = organization.catalog
    for options in ({"ShareTagOptions": True}, {}):
        assert "PortfolioShareToken" not in client.create_portfolio_share(
            PortfolioId=portfolio, AccountId=ACCOUNT, **options
        )
    assert organization.shares(portfolio)[ACCOUNT]["ShareTagOptions"]
    client.delete_portfolio_share(PortfolioId=portfolio, AccountId=ACCOUNT)
    assert organization.shares(portfolio) == {}


def test_a_share_with_a_unit_takes_a_while_in_which_no_other_is_made(
    organization: Organization, portfolio: str
) -> None:
    organization.enable_access()
    client, unit = organization.catalog, organization.unit()
    asked = {"PortfolioId": portfolio, "OrganizationNode": node(unit)}
    token = client.create_portfolio_share(**asked)["PortfolioShareToken"]
    with pytest.raises(client.exceptions.InvalidStateException):
        client.delete_portfolio_share(**asked)
    statuses = [client.describe_portfolio_share_status(PortfolioShareToken=token) for _ in range(2)]
    assert [status["Status"] for status in statuses] == ["IN_PROGRESS", "COMPLETED"]
    assert len(statuses[1]["ShareDetails"]["SuccessfulShares"]) == 1
    assert "PortfolioShareToken" in client.delete_portfolio_share(**asked)


def test_accounts_of_units_within_a_unit_have_its_share(organization: Organization, portfolio: str) -> None:
    organization.enable_access()
    outer = organization.unit(active=0)
    inner = organization.organizations.create_organizational_unit(ParentId=outer, Name="inner")
    root = organization.organizations.list_roots()["Roots"][0]["Id"]
    made = organization.organizations.create_account(Email="inner@example.org", AccountName="inner")
    member = made["CreateAccountStatus"]["AccountId"]
    organization.organizations.move_account(
        AccountId=member, SourceParentId=root, DestinationParentId=inner["OrganizationalUnit"]["Id"]
    )
    token = organization.catalog.create_portfolio_share(PortfolioId=portfolio, OrganizationNode=node(outer))
    status = organization.catalog.describe_portfolio_share_status(
        PortfolioShareToken=token["PortfolioShareToken"]
    )
    assert status["ShareDetails"]["SuccessfulShares"] == [member]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "InvalidParametersException"),
        ({"AccountId": ACCOUNT, "OrganizationNode": node("o-a1b2c3d4e5")}, "InvalidParametersException"),
        ({"OrganizationNode": node("ou-ab12")}, "InvalidParametersException"),
        ({"OrganizationNode": node("o-a1b2c3d4e5")}, "InvalidParametersException"),
        ({"OrganizationNode": node(ACCOUNT, "ACCOUNT")}, "InvalidParametersException"),
        ({"OrganizationNode": node("ou-ab12-11111111")}, "ResourceNotFoundException"),
        ({"OrganizationNode": node("o-a1b2c3d4e5", "ORGANIZATION")}, "ResourceNotFoundException"),
        ({"AccountId": ACCOUNT, "PortfolioId": "port-none"}, "ResourceNotFoundException"),
    ],
)
def test_what_cannot_be_shared_with_is_refused(
    organization: Organization, portfolio: str, asked: dict[str, Any], code: str
) -> None:
    organization.enable_access()
    with pytest.raises(ClientError, match=code):
        organization.catalog.create_portfolio_share(**{"PortfolioId": portfolio, **asked})
    assert organization.shares(portfolio) == {}


def test_a_portfolio_is_not_shared_with_its_own_account(
    organization: Organization, portfolio: str, number: str
) -> None:
    with pytest.raises(ClientError, match="its own account"):
        organization.catalog.create_portfolio_share(PortfolioId=portfolio, AccountId=number)


def test_units_need_the_access_to_the_organization(organization: Organization, portfolio: str) -> None:
    with pytest.raises(ClientError, match="access is not enabled"):
        organization.catalog.create_portfolio_share(
            PortfolioId=portfolio, OrganizationNode=node(organization.unit())
        )


def test_a_share_that_is_not_there_cannot_be_withdrawn_nor_followed(
    organization: Organization, portfolio: str
) -> None:
    client = organization.catalog
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.delete_portfolio_share(PortfolioId=portfolio, AccountId=ACCOUNT)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_portfolio_share_status(PortfolioShareToken="share-none")


def test_a_portfolio_with_a_share_is_not_deleted(organization: Organization, portfolio: str) -> None:
    client = organization.catalog
    client.create_portfolio_share(PortfolioId=portfolio, AccountId=ACCOUNT)
    with pytest.raises(client.exceptions.ResourceInUseException):
        client.delete_portfolio(Id=portfolio)

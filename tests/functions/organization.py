"""An account of the emulator with an organization: what shares of portfolios need."""

import uuid
from dataclasses import dataclass
from typing import Any


def account_number() -> str:
    """The number of an account that no other test has."""
    return f"{uuid.uuid4().int % 10**12:012}"


@dataclass(frozen=True)
class Organization:
    """The organization of an account, by the clients of its services."""

    organizations: Any
    catalog: Any

    @property
    def id(self) -> str:
        return str(self.organizations.describe_organization()["Organization"]["Id"])

    def enable_access(self) -> None:
        """Lets Service Catalog know the organization."""
        self.catalog.enable_aws_organizations_access()

    def unit(self, closed: int = 0, active: int = 1) -> str:
        """A new unit with so many accounts; returns its id."""
        root = self.organizations.list_roots()["Roots"][0]["Id"]
        made = self.organizations.create_organizational_unit(ParentId=root, Name=uuid.uuid4().hex)
        unit = str(made["OrganizationalUnit"]["Id"])
        for number in range(active + closed):
            account = self._account()
            self.organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
            if number >= active:
                self.organizations.close_account(AccountId=account)
        return unit

    def portfolio(self) -> str:
        """A new portfolio; returns its id."""
        token = uuid.uuid4().hex
        made = self.catalog.create_portfolio(DisplayName="p", ProviderName="p", IdempotencyToken=token)
        return str(made["PortfolioDetail"]["Id"])

    def shares(self, portfolio: str) -> dict[str, dict[str, Any]]:
        """The shares of a portfolio, by the id of whom it is shared with."""
        return {
            item["PrincipalId"]: item
            for kind in ("ACCOUNT", "ORGANIZATIONAL_UNIT", "ORGANIZATION")
            for item in self.catalog.describe_portfolio_shares(PortfolioId=portfolio, Type=kind)[
                "PortfolioShareDetails"
            ]
        }

    def _account(self) -> str:
        name = uuid.uuid4().hex
        made = self.organizations.create_account(Email=f"{name}@example.org", AccountName=name)
        return str(made["CreateAccountStatus"]["AccountId"])

"""What an environment would cost: its parameter set's list price, and what images add to it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.errors import OperationError
from scripts.operations import cost
from scripts.operations.environment import Environment

PRICES = Path(__file__).resolve().parents[2] / "parameters" / "prices" / "us-east-1.json"
_MB_PER_TB = 1024 * 1024


@dataclass(frozen=True)
class Estimate:
    """Dollars by component: a month of the idle store, a month of each terabyte kept, and once for each one moved.

    `region` is that of the unit prices, `evidence` what these rest on.
    """

    region: str
    evidence: list[cost.Evidence]
    monthly: dict[str, float]
    per_terabyte_kept: dict[str, float]
    per_terabyte_moved: dict[str, float]

    def study_kept(self, megabytes: float) -> dict[str, float]:
        """Dollars a month of keeping a study of that size, by component."""
        return _share(self.per_terabyte_kept, megabytes)

    def study_moved(self, megabytes: float) -> dict[str, float]:
        """Dollars of storing or fetching a study of that size once, by component."""
        return _share(self.per_terabyte_moved, megabytes)

    def as_json(self, megabytes: float, region: str) -> dict[str, Any]:
        """The same for scripts, for a deployment in `region`; money to a millionth of a dollar."""
        return {
            "Region": region,
            "PriceRegion": self.region,
            "PricesCheckedAgainst": [
                {"What": group.against, "Prices": group.prices, "Oldest": group.oldest}
                for group in self.evidence
            ],
            "MonthlyIdle": _rounded(self.monthly),
            "MonthlyPerTerabyteKept": _rounded(self.per_terabyte_kept),
            "PerTerabyteMoved": _rounded(self.per_terabyte_moved),
            "Study": {
                "Megabytes": megabytes,
                "MonthlyKept": _rounded(self.study_kept(megabytes)),
                "MovedOnce": _rounded(self.study_moved(megabytes)),
            },
        }


def _share(per_terabyte: dict[str, float], megabytes: float) -> dict[str, float]:
    return {component: dollars * megabytes / _MB_PER_TB for component, dollars in per_terabyte.items()}


def _rounded(dollars: dict[str, float]) -> dict[str, float]:
    return {component: round(amount, 6) for component, amount in dollars.items()}


def estimate(environment: Environment) -> Estimate:
    """Computes it from what the parameter set creates; raises OperationError where the set has mistakes."""
    mistakes = environment.mistakes()
    if mistakes:
        raise OperationError(
            "The parameter set has mistakes, so that nothing can be computed of it",
            "\n".join(mistakes),
            f"`orthanc-aws validate {environment.arguments}` shows them.",
        )
    prices = cost.load_prices(PRICES)

    def sums(count: Callable[..., list[cost.Item]]) -> dict[str, float]:
        found = cost.by_component(count(environment.templates, environment.values(), prices))
        return {component: dollars for component, dollars in found.items() if dollars}

    return Estimate(
        prices.region,
        cost.evidence(prices),
        sums(cost.monthly),
        sums(cost.per_terabyte_kept),
        sums(cost.per_terabyte_moved),
    )

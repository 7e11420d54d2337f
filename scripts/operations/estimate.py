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

    `region` and `date` are those of the unit prices.
    """

    region: str
    date: str
    monthly: dict[str, float]
    per_terabyte_kept: dict[str, float]
    per_terabyte_moved: dict[str, float]

    def study(self, megabytes: float) -> tuple[float, float]:
        """Dollars a month of keeping a study of that size, and dollars of storing or fetching it once."""
        share = megabytes / _MB_PER_TB
        return sum(self.per_terabyte_kept.values()) * share, sum(self.per_terabyte_moved.values()) * share

    def as_json(self, megabytes: float) -> dict[str, Any]:
        """The same for scripts."""
        kept, moved = self.study(megabytes)
        return {
            "PriceRegion": self.region,
            "PriceDate": self.date,
            "MonthlyIdle": self.monthly,
            "MonthlyPerTerabyteKept": self.per_terabyte_kept,
            "PerTerabyteMoved": self.per_terabyte_moved,
            "Study": {"Megabytes": megabytes, "MonthlyKept": kept, "MovedOnce": moved},
        }


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
        prices.date,
        sums(cost.monthly),
        sums(cost.per_terabyte_kept),
        sums(cost.per_terabyte_moved),
    )

"""Tables of what the parameter sets cost."""

from collections.abc import Callable
from functools import cache

from scripts.documents.tables import NOTHING, SETS, TEMPLATES, set_values, table
from scripts.operations import cost
from scripts.operations.estimate import PRICES

RETENTIONS_DAYS = (35, 400, 1096, 2557)

_Count = Callable[..., list[cost.Item]]


@cache
def _price_list() -> cost.PriceList:
    return cost.load_prices(PRICES)


def _sums(count: _Count) -> list[dict[str, float]]:
    return [cost.by_component(count(TEMPLATES, values, _price_list())) for values in set_values()]


def by_component(count: _Count) -> str:
    """Dollars by component and parameter set."""
    sums = _sums(count)
    components = list(dict.fromkeys(component for each in sums for component in each))
    rows = [[component, *(_dollars(each.get(component, 0)) for each in sums)] for component in components]
    rows.append(["**Sum**", *(f"**{_dollars(sum(each.values()))}**" for each in sums)])
    return table(("US dollars", *(f"`{name}`" for name in SETS)), rows, right=len(SETS))


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount else NOTHING


def summary() -> str:
    """One line for each parameter set."""
    rows = [
        [f"`{name}`", f"${sum(fixed.values()):,.0f}", f"${sum(kept.values()):,.0f}"]
        for name, fixed, kept in zip(SETS, _sums(cost.monthly), _sums(cost.per_terabyte_kept), strict=True)
    ]
    return table(("Parameter set", "A month, idle", "A month for each TB kept"), rows, right=2)


def snapshots() -> str:
    """What a terabyte in the database costs a month by how long monthly snapshots are kept."""
    common = {**dict(zip(SETS, set_values(), strict=True))["production"], "ImageStorage": "database"}

    def total(days: int) -> float:
        items = cost.per_terabyte_kept(TEMPLATES, {**common, "MonthlyBackupDays": str(days)}, _price_list())
        return sum(item.usd for item in items)

    rows = [[days, f"{days / 365.25:.1f}", _dollars(total(days))] for days in RETENTIONS_DAYS]
    return table(("`MonthlyBackupDays`", "Years", "US dollars a month for each TB"), rows, right=3)


def prices() -> str:
    """The unit prices, where they are from, and how each was checked."""
    rows = [
        [name, f"{price.usd:g}", price.unit, f"<{price.source}>", *_check(price.checked)]
        for name, price in _price_list().prices.items()
    ]
    return table(("What", "US dollars", "per", "Source", "Checked against", "Of"), rows)


def _check(checked: cost.Check | None) -> tuple[str, str]:
    return (checked.against, checked.as_of or "unknown") if checked else ("**nothing**", NOTHING)


def evidence() -> str:
    """What the unit prices rest on."""
    rows = [
        [group.against or "**nothing**", group.oldest or NOTHING, group.prices]
        for group in cost.evidence(_price_list())
    ]
    return table(("Checked against", "The oldest of", "Prices"), rows, right=1)


def assumptions() -> str:
    """The quantities that no parameter decides."""
    rows = [[name, f"{item.value:g}", item.why] for name, item in _price_list().assumptions.items()]
    return table(("What", "Quantity", "Why"), rows)

"""What a deployment costs a month by list prices, computed from what its parameter set creates.

The fixed part is that of an idle store at its least capacity. What is stored and moved is counted by the terabyte.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.stacks.database import POINT_IN_TIME_DAYS
from scripts.operations.inventory import DeployedStack, Properties, deployed

HOURS = 730  # a month, as AWS's own calculator has it
GB_PER_TB = 1024
DAYS_PER_MONTH = 365.25 / 12
EXPORTS_PER_MONTH = {"off": 0.0, "weekly": DAYS_PER_MONTH / 7, "monthly": 1.0}

BALANCERS = "Load balancers"
WAY_OUT = "Way out: NAT gateways or private endpoints"
ADDRESSES = "Public IPv4 addresses"
DATABASE = "Database"
SAFETY = "Keys, secrets and web application firewall"
WATCH = "Alarms, metrics and logs"
NAMES = "Private DNS zone"
_TIERS = {"nginx": "NGINX tasks", "orthanc": "Orthanc tasks"}


@dataclass(frozen=True)
class Check:
    """What a price was compared with, and of which year or month that is (ISO 8601), None where nothing tells."""

    against: str
    as_of: str | None


@dataclass(frozen=True)
class Price:
    """A unit price in US dollars, the page of AWS that states it, and how it was checked, if it was."""

    usd: float
    unit: str
    source: str
    checked: Check | None


@dataclass(frozen=True)
class Assumption:
    """A quantity that no parameter decides, and why it is what it is."""

    value: float
    why: str


@dataclass(frozen=True)
class PriceList:
    """The unit prices of one region, and the assumptions that go with them."""

    region: str
    prices: Mapping[str, Price]
    assumptions: Mapping[str, Assumption]


@dataclass(frozen=True)
class Evidence:
    """How many prices were checked against one kind of thing, None for those that were not; and the oldest of these."""

    against: str | None
    prices: int
    oldest: str | None


@dataclass(frozen=True)
class Item:
    """A quantity of something at its price: `usd` dollars a month, or once for a terabyte that is moved."""

    component: str
    price: str
    quantity: float
    usd: float


Line = tuple[str, str, float]  # component, price, quantity
Rates = Mapping[str, Assumption]


def load_prices(path: Path) -> PriceList:
    """Reads a file of `parameters/prices`."""
    content = json.loads(path.read_text("utf-8"))
    return PriceList(
        content["region"],
        {name: _price(**price) for name, price in content["prices"].items()},
        {name: Assumption(**assumption) for name, assumption in content["assumptions"].items()},
    )


def _price(checked: dict[str, str | None] | None, **price: Any) -> Price:
    return Price(**price, checked=Check(**checked) if checked else None)  # type: ignore[arg-type]


def evidence(prices: PriceList) -> list[Evidence]:
    """What the prices of a list rest on, the most of them first."""
    found: dict[str | None, list[Price]] = {}
    for price in prices.prices.values():
        found.setdefault(price.checked.against if price.checked else None, []).append(price)
    return [
        Evidence(against, len(group), min(_dates(group), default=None))
        for against, group in sorted(found.items(), key=lambda item: -len(item[1]))
    ]


def _dates(prices: Iterable[Price]) -> list[str]:
    return [price.checked.as_of for price in prices if price.checked and price.checked.as_of]


def monthly(templates: Path, values: Mapping[str, str], prices: PriceList) -> list[Item]:
    """What the rendered set of a folder costs a month with these parameter values while nobody uses it."""
    lines = [
        line
        for stack in deployed(templates, values)
        for resource_type, count in PRICED.items()
        for properties in stack.of_type(resource_type)
        for line in count(properties, stack, prices.assumptions)
    ]
    return _items(lines, prices)


def per_terabyte_kept(templates: Path, values: Mapping[str, str], prices: PriceList) -> list[Item]:
    """What each terabyte of DICOM files adds to every month, once the oldest snapshot has its full age."""
    root = deployed(templates, values)[0]
    lines: list[Line]
    if root.value({"Ref": "ImageStorage"}) == "s3":
        lines = [
            ("Files in S3, used within 30 days", "S3 Intelligent-Tiering, frequent access", GB_PER_TB),
            ("Their backup in the vault", "AWS Backup of S3", GB_PER_TB),
        ]
    else:
        exports = EXPORTS_PER_MONTH[root.value({"Ref": "DatabaseExport"})]
        lines = [
            ("Files in the database", "Aurora storage", GB_PER_TB),
            ("Snapshots past the first 35 days", "Aurora backup storage", _old_snapshots(root) * GB_PER_TB),
            ("Exports of the database", "Aurora export to S3", exports * GB_PER_TB),
        ]
    return _items(lines, prices)


def per_terabyte_moved(templates: Path, values: Mapping[str, str], prices: PriceList) -> list[Item]:
    """What each terabyte costs once that is stored or fetched; the last item counts for what leaves AWS."""
    root = deployed(templates, values)[0]
    in_s3 = root.value({"Ref": "ImageStorage"}) == "s3"
    through_endpoint = in_s3 and root.value({"Ref": "InternetEgress"}) == "none"
    crossing = prices.assumptions["share of traffic that crosses zones"].value * (1 if in_s3 else 2)
    lines = [
        ("Through both load balancers", "load balancer capacity unit", 2 * GB_PER_TB),
        ("Between zones", "traffic between zones", 2 * crossing * GB_PER_TB),
        ("Through the private endpoint of S3", "private endpoint traffic", through_endpoint * GB_PER_TB),
        ("Fetched over the Internet", "traffic to the Internet", GB_PER_TB),
    ]
    return _items(lines, prices)


def by_component(items: Iterable[Item]) -> dict[str, float]:
    """Dollars of each component, in the order in which they first appear."""
    sums: dict[str, float] = {}
    for item in items:
        sums[item.component] = sums.get(item.component, 0.0) + item.usd
    return sums


def _items(lines: Iterable[Line], prices: PriceList) -> list[Item]:
    return [
        Item(component, price, quantity, quantity * prices.prices[price].usd)
        for component, price, quantity in lines
    ]


def _old_snapshots(root: DeployedStack) -> float:
    """How many snapshots are billed on the average, each for the whole database.

    Aurora charges nothing for snapshots that are younger than its own retention. Source: Aurora user guide,
    "Understanding Amazon Aurora backup storage usage".
    """
    daily, monthly_days = (
        int(root.value({"Ref": name})) for name in ("DailyBackupDays", "MonthlyBackupDays")
    )
    old_days = max(0, daily - POINT_IN_TIME_DAYS)
    return old_days + max(0, monthly_days - POINT_IN_TIME_DAYS) / DAYS_PER_MONTH


def _load_balancer(properties: Properties, stack: DeployedStack, rates: Rates) -> list[Line]:
    idle_units = rates["capacity units of an idle load balancer"].value
    lines: list[Line] = [
        (BALANCERS, "load balancer", HOURS),
        (BALANCERS, "load balancer capacity unit", idle_units * HOURS),
    ]
    if stack.value(properties["Scheme"]) == "internet-facing":
        lines.append((ADDRESSES, "public IPv4 address", 2 * HOURS))  # one in each zone
    return lines


def _endpoint(properties: Properties, _: DeployedStack, __: Rates) -> list[Line]:
    if properties["VpcEndpointType"] == "Gateway":
        return []
    return [(WAY_OUT, "private endpoint", len(properties["SubnetIds"]) * HOURS)]


def _tasks(properties: Properties, stack: DeployedStack, rates: Rates) -> list[Line]:
    """The least number of a tier's tasks; a scalable target stands in the stack of its task definition."""
    (task,) = stack.of_type("AWS::ECS::TaskDefinition")
    architecture = stack.value(task["RuntimePlatform"]["CpuArchitecture"])
    hours = int(stack.value(properties["MinCapacity"])) * HOURS
    component = _TIERS[stack.name]
    return [
        (component, f"Fargate vCPU, {architecture}", int(stack.value(task["Cpu"])) / 1024 * hours),
        (
            component,
            f"Fargate GB of memory, {architecture}",
            int(stack.value(task["Memory"])) / 1024 * hours,
        ),
        (WATCH, "Container Insights metric", rates["Container Insights metrics of a service"].value),
    ]


def _database_instance(_: Properties, stack: DeployedStack, __: Rates) -> list[Line]:
    (cluster,) = stack.of_type("AWS::RDS::DBCluster")
    least = float(stack.value(cluster["ServerlessV2ScalingConfiguration"]["MinCapacity"]))
    return [(DATABASE, "Aurora capacity unit", least * HOURS)]


def _web_acl(properties: Properties, _: DeployedStack, __: Rates) -> list[Line]:
    return [(SAFETY, "web ACL", 1), (SAFETY, "web ACL rule", len(properties["Rules"]))]


def _custom_metrics(properties: Properties, _: DeployedStack, __: Rates) -> list[Line]:
    """Those that have a value without a request; the others come with use, one for each action."""
    idle = [made for made in properties["MetricTransformations"] if "DefaultValue" in made]
    return [(WATCH, "custom metric", len(idle))]


def _each(component: str, price: str, quantity: float = 1) -> "Count":
    return lambda _properties, _stack, _rates: [(component, price, quantity)]


def _of_rate(component: str, price: str, rate: str) -> "Count":
    return lambda _properties, _stack, rates: [(component, price, rates[rate].value)]


Count = Callable[[Properties, DeployedStack, Rates], list[Line]]
PRICED: dict[str, Count] = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancer,
    "AWS::ElasticLoadBalancingV2::TrustStore": _each(BALANCERS, "trust store", HOURS),
    "AWS::EC2::EIP": _each(ADDRESSES, "public IPv4 address", HOURS),
    "AWS::EC2::NatGateway": _each(WAY_OUT, "NAT gateway", HOURS),
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::ApplicationAutoScaling::ScalableTarget": _tasks,
    "AWS::RDS::DBInstance": _database_instance,
    "AWS::RDS::DBCluster": _each(SAFETY, "secret"),  # the master user's
    "AWS::KMS::Key": _each(SAFETY, "KMS key"),
    "AWS::SecretsManager::Secret": _each(SAFETY, "secret"),
    "AWS::WAFv2::WebACL": _web_acl,
    "AWS::CloudWatch::Alarm": _each(WATCH, "alarm"),
    "AWS::CloudWatch::Dashboard": _each(WATCH, "dashboard"),
    "AWS::Logs::MetricFilter": _custom_metrics,
    "AWS::ECS::Cluster": _of_rate(
        WATCH, "Container Insights metric", "Container Insights metrics of the cluster"
    ),
    "AWS::EC2::FlowLog": _of_rate(WATCH, "log ingestion", "GB of logs"),
    "AWS::Route53::HostedZone": _each(NAMES, "hosted zone"),
}

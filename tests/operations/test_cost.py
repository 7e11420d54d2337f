"""What a deployment costs follows from what it creates."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.operations import cost
from scripts.operations.inventory import deployed
from tests.checks.parameter_sets import PARAMETER_SETS

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "templates"
PRICES = cost.load_prices(PROJECT / "parameters" / "prices" / "us-east-1.json")

# Types that cost nothing by themselves, or only by use, which other tables and the text of docs/cost.md treat.
FREE = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::BackupVault",
    "AWS::Budgets::Budget",
    "AWS::CertificateManager::Certificate",
    "AWS::CloudFormation::Stack",
    "AWS::CloudTrail::Trail",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::PrefixList",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::Logs::LogGroup",
    "AWS::Logs::QueryDefinition",
    "AWS::RDS::DBClusterParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::Route53::RecordSet",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::Scheduler::Schedule",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
}


def monthly(**changes: str) -> dict[str, float]:
    """Dollars by component of the set `small` with changes."""
    return cost.by_component(cost.monthly(TEMPLATES, {**PARAMETER_SETS["small"], **changes}, PRICES))


def kept(**changes: str) -> dict[str, float]:
    items = cost.per_terabyte_kept(TEMPLATES, {**PARAMETER_SETS["small"], **changes}, PRICES)
    return cost.by_component(items)


def usd(name: str) -> float:
    return PRICES.prices[name].usd


def test_every_type_of_resource_is_priced_or_known_to_be_free() -> None:
    created = {
        resource["Type"]
        for values in PARAMETER_SETS.values()
        for stack in deployed(TEMPLATES, values)
        for resource in stack.resources.values()
    }
    assert created == cost.PRICED.keys() | FREE
    assert not cost.PRICED.keys() & FREE


def test_every_price_is_used_and_has_a_source() -> None:
    counts = (cost.monthly, cost.per_terabyte_kept, cost.per_terabyte_moved)
    sets = [*PARAMETER_SETS.values(), {**PARAMETER_SETS["small"], "Architecture": "X86_64"}]
    used = {item.price for count in counts for values in sets for item in count(TEMPLATES, values, PRICES)}
    assert used == PRICES.prices.keys()
    assert all(price.source.startswith("https://aws.amazon.com/") for price in PRICES.prices.values())


def test_every_check_of_a_price_says_against_what_and_those_of_pages_say_of_when() -> None:
    checks = [price.checked for price in PRICES.prices.values() if price.checked]
    assert all(check.against for check in checks)
    for check in checks:
        assert "page" not in check.against or (check.as_of and re.fullmatch(r"20\d\d(-[01]\d)?", check.as_of))


def test_the_evidence_counts_each_price_once_and_has_the_oldest_of_each_kind() -> None:
    evidence = cost.evidence(PRICES)
    assert sum(group.prices for group in evidence) == len(PRICES.prices)
    for group in evidence:
        dates = [
            price.checked.as_of
            for price in PRICES.prices.values()
            if price.checked and price.checked.against == group.against and price.checked.as_of
        ]
        assert group.oldest == (sorted(dates)[0] if dates else None)


def test_a_trial_costs_about_two_hundred_dollars_a_month() -> None:
    assert sum(monthly().values()) == pytest.approx(200, rel=0.15)


@pytest.mark.parametrize(
    ("egress", "dollars"),
    [
        ("single-nat", 730 * usd("NAT gateway")),
        ("nat-per-zone", 2 * 730 * usd("NAT gateway")),
        ("none", 5 * 2 * 730 * usd("private endpoint")),  # five services, two zones
    ],
)
def test_each_way_out_has_its_price(egress: str, dollars: float) -> None:
    assert monthly(InternetEgress=egress)[cost.WAY_OUT] == pytest.approx(dollars)


def test_a_reader_costs_as_much_as_the_writer() -> None:
    assert monthly(DatabaseReader="true")[cost.DATABASE] == pytest.approx(2 * monthly()[cost.DATABASE])


def test_the_least_capacity_and_the_least_tasks_are_what_is_paid_for() -> None:
    assert monthly(DatabaseCapacity="8-64")[cost.DATABASE] == pytest.approx(
        8 * 730 * usd("Aurora capacity unit")
    )
    one, three = monthly(OrthancTasks="1-4"), monthly(OrthancTasks="3-12")
    assert three["Orthanc tasks"] == pytest.approx(3 * one["Orthanc tasks"])


def test_a_task_costs_its_cpu_and_its_memory() -> None:
    expected = 730 * (0.25 * usd("Fargate vCPU, ARM64") + 0.5 * usd("Fargate GB of memory, ARM64"))
    assert monthly(NginxTaskSize="0.25vcpu-0.5gib", NginxTasks="1-2")["NGINX tasks"] == pytest.approx(
        expected
    )


def test_snapshots_are_free_until_they_are_older_than_the_continuous_backup() -> None:
    assert kept(DailyBackupDays="35", MonthlyBackupDays="35")["Snapshots past the first 35 days"] == 0


def test_each_old_snapshot_costs_the_whole_database() -> None:
    terabyte = 1024 * usd("Aurora backup storage")
    assert kept(DailyBackupDays="36")["Snapshots past the first 35 days"] == pytest.approx(terabyte)
    a_year_more = kept(MonthlyBackupDays=str(35 + 365))["Snapshots past the first 35 days"]
    assert a_year_more == pytest.approx(12 * terabyte, rel=0.001)


def test_files_in_s3_are_not_paid_for_in_the_database() -> None:
    assert "Files in the database" not in kept(ImageStorage="s3")


def test_dearer_prices_make_a_dearer_deployment() -> None:
    dearer = {name: replace(price, usd=2 * price.usd) for name, price in PRICES.prices.items()}
    values = PARAMETER_SETS["production"]
    once = sum(item.usd for item in cost.monthly(TEMPLATES, values, PRICES))
    twice = sum(item.usd for item in cost.monthly(TEMPLATES, values, replace(PRICES, prices=dearer)))
    assert twice == pytest.approx(2 * once)

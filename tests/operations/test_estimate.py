"""`orthanc-aws cost`: what an environment would cost, in words and for scripts."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.cli import main
from scripts.operations.estimate import PRICES

PARTS = ("MonthlyIdle", "MonthlyPerTerabyteKept", "PerTerabyteMoved")


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, ["cost", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_component_is_shown_with_the_region_of_the_prices() -> None:
    shown = run("small")
    assert shown.startswith("US dollars by the list prices of us-east-1;")
    for component in ("Database", "Load balancers", "Files in the database", "Fetched over the Internet"):
        assert f"  {component} " in shown


def test_the_sums_are_those_of_their_parts() -> None:
    found = json.loads(run("production", "--output", "json"))
    shown = run("production")
    for part in PARTS:
        assert f"{sum(found[part].values()):>10,.2f}" in shown


def test_a_study_costs_its_share_of_a_terabyte_in_each_component() -> None:
    found = json.loads(run("production", "--study-mb", str(1024 * 1024), "--output", "json"))
    assert len(found["Study"]["MonthlyKept"]) > 1
    assert found["Study"]["MonthlyKept"] == found["MonthlyPerTerabyteKept"]
    assert found["Study"]["MovedOnce"] == found["PerTerabyteMoved"]


def test_a_study_is_shown_by_component() -> None:
    shown = run("production", "--study-mb", "524288").partition("A study of 524288 MB: a month")[2]
    found = json.loads(run("production", "--output", "json"))["MonthlyPerTerabyteKept"]
    for component, dollars in found.items():
        assert f"  {component:<50} {dollars / 2:>10,.4f}" in shown


def test_scripts_get_money_to_a_millionth_of_a_dollar() -> None:
    found = json.loads(run("small", "--output", "json"))
    amounts = [dollars for part in PARTS for dollars in found[part].values()]
    amounts += [dollars for kind in ("MonthlyKept", "MovedOnce") for dollars in found["Study"][kind].values()]
    assert all(dollars > 0 and dollars == float(f"{dollars:.6f}") for dollars in amounts)
    assert found["MonthlyIdle"]["Alarms, metrics and logs"] == 31.99


@pytest.mark.parametrize("size", ["nan", "inf", "-inf", "0", "-1"])
def test_a_study_has_a_size(size: str) -> None:
    result = CliRunner().invoke(main, ["cost", "small", "--study-mb", size])
    assert result.exit_code == 2
    assert "must be a number above 0" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("before", "after", "environment"),
    [
        (["--region", "eu-west-1"], [], {}),
        ([], ["--region", "eu-west-1"], {}),
        ([], [], {"AWS_REGION": "eu-west-1"}),
        ([], [], {"AWS_DEFAULT_REGION": "eu-west-1"}),
        (["--region", "eu-west-1"], [], {"AWS_REGION": "us-east-1"}),
    ],
)
def test_who_asks_for_another_region_is_told_that_its_prices_are_not_known(
    before: list[str], after: list[str], environment: dict[str, str]
) -> None:
    arguments = [*before, "cost", "small", *after]
    unset = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    shown = CliRunner().invoke(main, arguments, env={**unset, **environment}).stdout
    assert shown.splitlines()[1] == "The prices of eu-west-1 are not known here: expect other sums there"
    found = json.loads(
        CliRunner().invoke(main, [*arguments, "--output", "json"], env={**unset, **environment}).stdout
    )
    assert (found["Region"], found["PriceRegion"]) == ("eu-west-1", "us-east-1")


def test_who_asks_for_the_region_of_the_prices_is_told_nothing_of_others() -> None:
    assert "not known here" not in run("small", "--region", "us-east-1")


def test_what_the_prices_rest_on_is_told_with_how_many_were_checked_against_nothing() -> None:
    rest_on = json.loads(run("small", "--output", "json"))["PricesCheckedAgainst"]
    prices = json.loads(PRICES.read_text("utf-8"))["prices"].values()
    assert sum(group["Prices"] for group in rest_on) == len(prices)
    unchecked = sum(price["checked"] is None for price in prices)
    assert {"What": None, "Prices": unchecked, "Oldest": None} in rest_on
    shown = run("small").partition("Unit prices that were checked against")[2]
    assert f"  {'nothing':<50} {unchecked:>10}" in shown


def test_a_set_with_mistakes_costs_nothing_but_a_message(tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text('{"OrthancTasks": "many"}', "utf-8")
    result = CliRunner().invoke(main, ["cost", str(file)])
    assert result.exit_code == 1
    assert "has mistakes" in result.stderr
    assert "OrthancTasks" in result.stderr
    assert result.stdout == ""

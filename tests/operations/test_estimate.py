"""`orthanc-aws cost`: what an environment would cost, in words and for scripts."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.cli import main


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, ["cost", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_component_is_shown_with_the_day_and_the_region_of_the_prices() -> None:
    shown = run("small")
    assert shown.startswith("US dollars by the list prices of us-east-1, 20")
    for component in ("Database", "Load balancers", "Files in the database", "Fetched over the Internet"):
        assert f"  {component} " in shown


def test_the_sums_are_those_of_their_parts() -> None:
    found = json.loads(run("production", "--output", "json"))
    shown = run("production")
    for part in ("MonthlyIdle", "MonthlyPerTerabyteKept", "PerTerabyteMoved"):
        assert f"{sum(found[part].values()):>10,.2f}" in shown


def test_a_study_costs_its_share_of_a_terabyte() -> None:
    found = json.loads(run("production", "--study-mb", str(1024 * 1024), "--output", "json"))
    assert found["Study"]["MonthlyKept"] == pytest.approx(sum(found["MonthlyPerTerabyteKept"].values()))
    assert found["Study"]["MovedOnce"] == pytest.approx(sum(found["PerTerabyteMoved"].values()))


def test_a_set_with_mistakes_costs_nothing_but_a_message(tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text('{"OrthancTasks": "many"}', "utf-8")
    result = CliRunner().invoke(main, ["cost", str(file)])
    assert result.exit_code == 1
    assert "has mistakes" in result.stderr
    assert "OrthancTasks" in result.stderr
    assert result.stdout == ""

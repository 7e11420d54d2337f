"""What a region does not have is told without an account, and only what a parameter set makes use of."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.aws.package import package
from scripts.aws.session import Session
from scripts.cli import main
from scripts.operations.environment import Environment
from scripts.operations.regions import missing
from tests.operations.deployer import Deployer

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "templates"


def environment(folder: Path, **more: object) -> Environment:
    values = json.loads((PROJECT / "parameters" / "small.json").read_text())
    file = folder / "small.json"
    file.write_text(json.dumps({**values, **more}))
    return Environment("small", "orthanc-small", file, TEMPLATES, "small")


def lacking(given: Environment, region: str) -> list[str]:
    return missing(given, package(given.templates, given.root), region)


def test_a_type_that_the_region_lacks_is_told_where_it_is_used(tmp_path: Path) -> None:
    (sentence,) = lacking(environment(tmp_path, MonthlyBudget=100), "eu-north-1")
    assert sentence.startswith("eu-north-1 has no AWS::Budgets::Budget, which budget.yaml makes")


def test_a_type_that_the_parameter_set_does_not_use_is_not_told(tmp_path: Path) -> None:
    assert lacking(environment(tmp_path, MonthlyBudget=0), "eu-north-1") == []


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "xx-nowhere-1"])
def test_where_all_is_there_or_nothing_is_known_nothing_is_told(tmp_path: Path, region: str) -> None:
    assert lacking(environment(tmp_path, MonthlyBudget=100), region) == []


@pytest.mark.parametrize(
    ("root", "first"), [("images.yaml", "AWS::CodeBuild::Project"), ("catalog.yaml", "AWS::ServiceCatalog::")]
)
def test_what_other_stacks_need_is_told_as_well(root: str, first: str) -> None:
    made = dict.fromkeys(("PublishedBucket", "FirstVersion", "FirstTemplate", "LauncherRoles"), "any")
    found = lacking(Environment("any", "any", None, TEMPLATES, "any", root, made), "ap-east-2")
    assert found[0].startswith(f"ap-east-2 has no {first}")


def test_validate_tells_it_of_the_region_that_is_named(tmp_path: Path) -> None:
    file = environment(tmp_path, MonthlyBudget=100).parameters
    told = CliRunner().invoke(main, ["--region", "eu-north-1", "validate", str(file)])
    assert (told.exit_code, told.stdout.startswith("eu-north-1 has no AWS::Budgets::Budget")) == (1, True)
    assert CliRunner().invoke(main, ["validate", str(file), "--region", "eu-west-1"]).exit_code == 0
    assert CliRunner().invoke(main, ["validate", str(file)]).exit_code == 0


def test_a_deployment_tells_it_before_anything_is_asked_for(
    tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "scripts.operations.regions._offered", lambda _: frozenset(["AWS::CloudFormation::Stack"])
    )
    Deployer(tmp_path, session).deploy()
    told, _, rest = capsys.readouterr().err.partition("templates uploaded")
    assert "us-east-1 has no AWS::SSM::Parameter, which inner.yaml makes" in told
    assert rest

"""Checkov judges whole deployments; a skip stands at the resource, with its reason, and must be needed.

Checkov pins many packages to versions of its own, so it gets an environment of its own.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checks.deployment import deployments
from tests.checks.exclusive import exclusive

VERSION = "3.3.30"
CACHE = Path(__file__).parents[2] / ".cache"
BAD = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "not encrypted"}}}

Results = dict[str, list[dict[str, Any]]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def checkov() -> Path:
    """The program, installed if it is not there."""
    environment = CACHE / f"checkov-{VERSION}"
    program = environment / "bin" / "checkov"
    with exclusive(CACHE / "checkov.lock"):
        if not program.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
            pip = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, f"checkov=={VERSION}"], check=True)
    return program


@pytest.fixture(scope="session")
def results(checkov: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What checkov says of all deployments, and of a template that is known to be bad, in one run."""
    folder = tmp_path_factory.mktemp("checkov")
    judged = {name: deployment.resources() for name, deployment in deployments().items()}
    for name, resources in {**judged, "bad": BAD}.items():
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
        (folder / f"{name}.json").write_text(json.dumps(template, indent=1))
    command = [checkov, "--directory", folder, "--framework", "cloudformation", "--output", "json"]
    done = subprocess.run([*command, "--skip-download"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done.stderr
    found: Results = json.loads(done.stdout)["results"]
    return found


def places(results: Results, outcome: str) -> set[tuple[str, str, str]]:
    return {
        (Path(item["file_path"]).stem, item["resource"].split(".")[-1], item["check_id"])
        for item in results[f"{outcome}_checks"]
    }


def test_nothing_fails(results: Results) -> None:
    assert results["parsing_errors"] == []
    assert {place for place in places(results, "failed") if place[0] != "bad"} == set()


def test_a_bad_template_fails(results: Results) -> None:
    assert ("bad", "Topic", "CKV_AWS_26") in places(results, "failed")


def test_every_deployment_was_judged(results: Results) -> None:
    assert {name for name, _, _ in places(results, "passed")} >= set(deployments())


def test_every_skip_is_needed(results: Results) -> None:
    written = {
        (name, logical_id, skip["id"])
        for name, deployment in deployments().items()
        for logical_id, resource in deployment.resources().items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }
    assert written == places(results, "skipped")

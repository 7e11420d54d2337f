"""HIPAA, NIST 800-53 r5 and PCI DSS as others wrote them down: the packs of cdk-nag judge whole deployments.

A breach needs a written reason at the resource: `Metadata: {cdk_nag: {rules_to_suppress: [{id, reason}]}}`.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.checks.deployment import deployments
from tests.checks.exclusive import exclusive
from tests.checks.parameter_sets import PARAMETER_SETS

CACHE = Path(__file__).parents[2] / ".cache"
JUDGE = Path(__file__).parents[1] / "rule_packs"

# What the parameters of one set, not the templates, are to blame for.
REASONS_OF_A_SET = {
    "small": {
        "ELBDeletionProtectionEnabled": "A trial is there to be deleted.",
        "RDSInstanceDeletionProtectionEnabled": "A trial is there to be deleted.",
    }
}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Judgement:
    """The verdicts of all packs on one deployment, and the reasons written in it by (rule, resource)."""

    verdicts: tuple[dict[str, str], ...]
    reasons: dict[tuple[str, str], str]

    def breaches(self) -> list[tuple[str, str]]:
        return [(item["rule"], item["resource"]) for item in self.verdicts if item["verdict"] != "compliant"]


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    """Installs cdk-nag as the lock file says, unless it is there."""
    installed = JUDGE / "node_modules" / ".package-lock.json"
    wanted = JUDGE / "package-lock.json"
    with exclusive(CACHE / "rule_packs.lock"):
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            run("npm", "ci", "--no-audit", "--no-fund", "--silent")


def run(*command: str | Path) -> str:
    """Runs node or npm, which come with the Python environment, in the judge's folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=JUDGE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def verdicts(template: Path, resources: Mapping[str, Any]) -> list[dict[str, str]]:
    template.write_text(json.dumps({"Resources": resources}))
    found: list[dict[str, str]] = json.loads(run("node", "judge.js", template))
    return found


@pytest.fixture(scope="session", params=deployments())
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    name: str = request.param
    resources = deployments()[name].resources()
    template = tmp_path_factory.mktemp("judged") / f"{name}.json"
    return name, Judgement(tuple(verdicts(template, resources)), reasons(resources))


def reasons(resources: dict[str, dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {
        (entry["id"], logical_id): entry["reason"]
        for logical_id, resource in resources.items()
        for entry in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    }


def test_each_breach_has_a_written_reason(judged: tuple[str, Judgement]) -> None:
    name, judgement = judged
    excused = tuple(REASONS_OF_A_SET.get(name, {}))
    unexplained = [
        (rule, resource)
        for rule, resource in judgement.breaches()
        if not judgement.reasons.get((rule, resource)) and not rule.endswith(excused)
    ]
    assert unexplained == []


def test_each_written_reason_is_needed(judged: tuple[str, Judgement]) -> None:
    _, judgement = judged
    assert set(judgement.reasons) - set(judgement.breaches()) == set()


def test_the_packs_had_something_to_judge(
    judged: tuple[str, Judgement], capsys: pytest.CaptureFixture[str]
) -> None:
    """Prints how many rules applied to how many resources, and what share of the verdicts needed a reason."""
    name, judgement = judged
    applied = Counter(item["rule"].rsplit("-", 1)[0] for item in judgement.verdicts)
    breached = Counter(rule.rsplit("-", 1)[0] for rule, _ in judgement.breaches())
    assert set(applied) == {"HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321"}
    assert min(applied.values()) > (100 if name in PARAMETER_SETS else 5)
    with capsys.disabled():
        for pack, verdicts in applied.items():
            share = breached[pack] / verdicts
            print(
                f"\n{name}, {pack}: {verdicts} verdicts, {breached[pack]} with a reason ({share:.0%})", end=""
            )


def test_a_bad_template_is_judged_bad(tmp_path: Path) -> None:
    bad = verdicts(tmp_path / "bad.json", {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}})
    found = {item["rule"]: item["verdict"] for item in bad}
    assert found["HIPAA.Security-SNSEncryptedKMS"] == "non-compliant"

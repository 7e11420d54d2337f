"""Which rules of the pack the templates waive for which of their resources, and why: cdk-nag's suppressions."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from generator.parts.notes import HIPAA
from scripts.documents.circumstances import templates

PACK: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("hipaa_pack.yaml").read_text("utf-8"))
ANSWERS: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("hipaa_answers.yaml").read_text("utf-8"))


@cache
def suppressions() -> dict[str, dict[str, str]]:
    """By the rule of cdk-nag's HIPAA pack: the reason for each `template.LogicalId` that it is suppressed for."""
    found: dict[str, dict[str, str]] = {}
    for name, template in templates().items():
        for logical_id, resource in template["Resources"].items():
            for entry in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", []):
                pack, _, rule = entry["id"].partition("-")
                if pack == HIPAA:
                    found.setdefault(rule, {})[f"{name}.{logical_id}"] = entry["reason"]
    return found


def reasons(rule: str) -> dict[str, str]:
    """The reason for each `template.LogicalId` that a rule of the pack is waived for."""
    of_cdk_nag = ANSWERS["cdk_nag"].get(rule)
    return suppressions().get(of_cdk_nag, {}) if of_cdk_nag else {}

"""The table of controls: each with the resources of the rendered templates that meet it, and the tests that show it."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from generator import yaml_text
from scripts.documents.tables import TEMPLATES, table

SOURCE = Path(__file__).with_name("controls.yaml")


class EvidenceError(LookupError):
    """A template has nothing of what a control rests on."""


@dataclass(frozen=True)
class Control:
    """What a deployment does, for which controls, where that is to be seen, and what it leaves to its owner."""

    title: str
    evidence: list[str]
    tests: list[str]
    hipaa: list[str]
    nist: list[str]
    config: tuple[str, ...] = ()
    remains: str = ""


@cache
def controls() -> tuple[Control, ...]:
    """All controls in the order of the file."""
    return tuple(Control(**entry) for entry in yaml.safe_load(SOURCE.read_text("utf-8")))


def by_control() -> str:
    """A section for each control."""
    return "\n\n".join(_section(control) for control in controls())


def _section(control: Control) -> str:
    lines = [
        f"### {control.title}",
        "",
        f"- HIPAA: {', '.join(control.hipaa)}. NIST SP 800-53: {', '.join(control.nist)}.",
    ]
    if control.config:
        lines.append(f"- AWS Config: {', '.join(control.config)}.")
    lines += [f"- {found(evidence)}" for evidence in control.evidence]
    lines.append("- Tests: " + ", ".join(f"[{test}](../{test})" for test in control.tests) + ".")
    if control.remains:
        lines.append(f"- **Remains with you:** {control.remains}.")
    return "\n".join(lines)


def found(evidence: str) -> str:
    """The resources that a line of evidence speaks of; raises EvidenceError where they are not as it says."""
    template, resource_type, wanted = evidence.split(" ", 2)
    name, _, value = wanted.partition("=")
    resources = {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in _resources(template).items()
        if resource["Type"] == resource_type
    }
    holders = [logical_id for logical_id, properties in resources.items() if name in properties]
    if not holders:
        raise EvidenceError(f"{template} has no {resource_type} with {name}")
    others = [logical_id for logical_id in holders if value and _word(resources[logical_id][name]) != value]
    if others:
        raise EvidenceError(f"{template}: {name} of {', '.join(others)} is not {value}")
    shown = f"{name} = {value}" if value else name
    return f"[{template}](../templates/{template}.yaml): {shown} of {', '.join(holders)}"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@cache
def _resources(template: str) -> dict[str, Any]:
    text = (TEMPLATES / f"{template}.yaml").read_text("utf-8")
    resources: dict[str, Any] = yaml_text.load(text)["Resources"]
    return resources


def by_safeguard() -> str:
    """Which controls of this list serve each paragraph of the HIPAA Security Rule."""
    paragraphs = sorted({paragraph for control in controls() for paragraph in control.hipaa})
    rows = [
        [paragraph, "; ".join(control.title for control in controls() if paragraph in control.hipaa)]
        for paragraph in paragraphs
    ]
    return table(("Paragraph", "What serves it"), rows)

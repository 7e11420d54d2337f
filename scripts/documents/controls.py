"""The table of controls: each with the resources of the rendered templates that meet it, and the tests that show it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from generator import yaml_text
from scripts.documents.evidence import Evidence, Place, short
from scripts.documents.tables import table

SOURCE = Path(__file__).with_name("controls.yaml")


@dataclass(frozen=True)
class Control:
    """What a deployment does, for which controls, where that is to be seen, and what it leaves to its owner.

    `rules` are house rules, each with the rules of the HIPAA pack that it meets; `tests` are node ids of pytest.
    """

    title: str
    hipaa: list[str]
    nist: list[str]
    evidence: list[Evidence]
    rules: dict[str, list[str]]
    tests: list[str]
    remains: str = ""

    def meets(self) -> list[str]:
        """The rules of the pack that its evidence and its house rules meet, each once."""
        met = [*(evidence.meets for evidence in self.evidence), *self.rules.values()]
        return list(dict.fromkeys(rule for rules in met for rule in rules))


@cache
def controls() -> tuple[Control, ...]:
    """All controls in the order of the file."""
    entries = cast(list[dict[str, Any]], yaml_text.load(SOURCE.read_text("utf-8")))
    return tuple(
        Control(**{**entry, "evidence": [Evidence(**item) for item in entry["evidence"]]})
        for entry in entries
    )


def by_control() -> str:
    """A section for each control."""
    return "\n\n".join(_section(control) for control in controls())


def _section(control: Control) -> str:
    lines = [
        f"### {control.title}",
        "",
        f"HIPAA {', '.join(control.hipaa)}. NIST SP 800-53 {', '.join(control.nist)}.",
        "",
        *(line for evidence in control.evidence for line in _evidence(evidence)),
        "- House rules: " + ", ".join(f"`{rule}`" for rule in control.rules) + ".",
        "- Tests: " + "; ".join(_tests(control.tests)) + ".",
    ]
    if control.remains:
        lines.append(f"- **Remains with you:** {control.remains}.")
    return "\n".join(lines)


def _evidence(evidence: Evidence) -> list[str]:
    """A line of Markdown, and one below it for each exception."""
    holders = evidence.holders()
    of = f" of {evidence.template}" if evidence.template else ""
    of += "".join(f" with `{path} = {short(wanted)}`" for path, wanted in evidence.of.items())
    has = "; ".join(_value(path, evidence.found(path, holders)) for path in evidence.has)
    rules = f" Config rules: {', '.join(evidence.meets)}." if evidence.meets else ""
    exceptions = [f"  - Not `{name}`: {reason}" for name, reason in evidence.left_out().items()]
    return [f"- `{evidence.type}`{of}: {has}. In {_places(evidence, holders)}.{rules}", *exceptions]


def _value(path: str, found: list[tuple[str, str]]) -> str:
    texts = " | ".join(dict.fromkeys(text for text, _ in found))
    parameters = "".join(f" ({words})" for _, words in found if words)
    return f"`{path.removeprefix('/')} = {texts}`{parameters}"


def _places(evidence: Evidence, holders: list[Place]) -> str:
    named: dict[str, list[str]] = {}
    for template, logical_id in holders:
        words = evidence.circumstances((template, logical_id))
        named.setdefault(template, []).append(f"{logical_id} (where {words})" if words else logical_id)
    return "; ".join(f"[{name}](../templates/{name}.yaml): {', '.join(ids)}" for name, ids in named.items())


def _tests(nodes: list[str]) -> list[str]:
    named: dict[str, list[str]] = {}
    for node in nodes:
        file, _, name = node.partition("::")
        named.setdefault(file, []).append(f"`{name}`")
    return [f"[{file}](../{file}): {', '.join(names)}" for file, names in named.items()]


def by_safeguard() -> str:
    """Which controls of this list serve each paragraph of the HIPAA Security Rule."""
    paragraphs = sorted({paragraph for control in controls() for paragraph in control.hipaa})
    rows = [
        [paragraph, "; ".join(control.title for control in controls() if paragraph in control.hipaa)]
        for paragraph in paragraphs
    ]
    return table(("Paragraph", "What serves it"), rows)

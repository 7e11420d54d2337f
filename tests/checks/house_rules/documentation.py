"""The templates explain themselves: to whoever fills in the console's form, and to whoever reads them."""

import re
from collections.abc import Iterator

from tests.checks.house_rules.rule import Finding, rule
from tests.checks.rendered import LAUNCHED, Template

_SENTENCE = re.compile(r"[A-Z0-9'].{5,}[.]", re.DOTALL)
_BOUNDS = {"AllowedPattern", "MinValue", "MaxValue", "MinLength", "MaxLength"}
_SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Rules",
    "Conditions",
    "Resources",
    "Outputs",
)


def descriptions(template: Template) -> Iterator[Finding]:
    if not _SENTENCE.fullmatch(template.body.get("Description", "")):
        yield Finding("", "Description", "is no full sentence")
    for section in ("Parameters", "Outputs"):
        for name, item in template.section(section).items():
            if not _SENTENCE.fullmatch(item.get("Description", "")):
                yield Finding(name, f"{section}/Description", "is no full sentence")


def constraints(template: Template) -> Iterator[Finding]:
    """Nothing can be mistyped where the console offers a list: allowed values, and AWS's own types."""
    for name, parameter in template.section("Parameters").items():
        bounded = bool(_BOUNDS & set(parameter))
        if bounded and not parameter.get("ConstraintDescription", "").startswith("must "):
            yield Finding(name, "ConstraintDescription", "does not say what the value must be")
        chosen = "AllowedValues" in parameter or "AWS::" in parameter["Type"]
        if template.name in LAUNCHED and not bounded and not chosen:
            yield Finding(name, "AllowedPattern", "is missing: no value is refused")


def console_form(template: Template) -> Iterator[Finding]:
    if template.name not in LAUNCHED:
        return
    interface = template.section("Metadata").get("AWS::CloudFormation::Interface", {})
    labels = interface.get("ParameterLabels", {})
    shown = [name for group in interface.get("ParameterGroups", []) for name in group["Parameters"]]
    for name in template.section("Parameters"):
        if shown.count(name) != 1:
            yield Finding(name, "ParameterGroups", f"stands in {shown.count(name)} groups")
        if not labels.get(name, {}).get("default"):
            yield Finding(name, "ParameterLabels", "is missing")
    for name in {*shown, *labels} - set(template.section("Parameters")):
        yield Finding(name, "ParameterGroups", "is shown but no parameter")


def section_order(template: Template) -> Iterator[Finding]:
    found = re.findall(r"^(\w+):", template.text, re.MULTILINE)
    if found != [section for section in _SECTIONS if section in found]:
        yield Finding("", "sections", f"stand in the order {', '.join(found)}")


def type_first(template: Template) -> Iterator[Finding]:
    """In the text, not in what a parser makes of it: this is for readers."""
    section = re.search(r"^Resources:\n((?:(?: .*)?\n)*)", template.text, re.MULTILINE)
    for logical_id, first in re.findall(
        r"^  (\w+):\n    (\w+):", section[1] if section else "", re.MULTILINE
    ):
        if first != "Type":
            yield Finding(logical_id, first, "stands before Type")


_PARAMETER = """
    Description: The image store.
    Parameters:
      ClientRanges:
        Type: String
        Description: The ranges that may connect.
        {}
"""
_FORM = """
    Metadata:
      AWS::CloudFormation::Interface:
        ParameterGroups:
        - Parameters: {}
        ParameterLabels: {}
    Parameters:
      ClientRanges: {{Type: String}}
"""

RULES = (
    rule(
        "Template/descriptions",
        "The console shows them to people who have nothing else to go by.",
        descriptions,
        "Description: image store",
        "Description: The image store.\nParameters: {ClientRanges: {Type: String}}",
        "Description: The image store.\nOutputs: {Url: {Value: x, Description: the URL}}",
    ),
    rule(
        "Parameter/constraints",
        "A wrong value must be refused before anything is created, in words that help.",
        constraints,
        _PARAMETER.format("AllowedPattern: ^.+$"),
        _PARAMETER.format("Default: x"),
        template="root",
    ),
    rule(
        "Parameter/console-form",
        "A form of fifty fields needs headings and names.",
        console_form,
        _FORM.format("[]", "{ClientRanges: {default: Client ranges}}"),
        _FORM.format("[ClientRanges]", "{}"),
        _FORM.format("[ClientRanges, Missing]", "{ClientRanges: {default: Client ranges}}"),
        template="root",
    ),
    rule(
        "Template/section-order",
        "A reader finds things where all templates have them.",
        section_order,
        "Resources: {}\nParameters: {}",
    ),
    rule(
        "Template/type-first",
        "What a resource is comes before how it is.",
        type_first,
        "Resources:\n  Key:\n    Properties: {}\n    Type: AWS::KMS::Key\n",
    ),
)

"""In words: under which parameters a resource exists, and which parameter a value comes from."""

from functools import cache
from typing import Any

from generator import yaml_text
from scripts.documents.tables import SETS, TEMPLATES, set_values

STACK = "AWS::CloudFormation::Stack"


class EvidenceError(LookupError):
    """A template has nothing of what a control rests on."""


@cache
def templates() -> dict[str, dict[str, Any]]:
    """Every rendered template by its name."""
    return {path.stem: yaml_text.load(path.read_text("utf-8")) for path in sorted(TEMPLATES.glob("*.yaml"))}


@cache
def _parents() -> dict[str, tuple[str, str]]:
    """Of each template that another one nests: the name of that one, and the logical id there."""
    return {
        resource["Properties"]["TemplateURL"].removesuffix(".yaml"): (name, logical_id)
        for name, template in templates().items()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == STACK
    }


def circumstances(template: str, logical_id: str) -> str:
    """The conditions under which a resource and the stacks around it exist; empty where they always do."""
    condition = templates()[template]["Resources"][logical_id].get("Condition")
    around = circumstances(*_parents()[template]) if template in _parents() else ""
    own = in_words(template, {"Condition": condition}) if condition else ""
    return " and ".join(words for words in (around, own) if words)


def in_words(template: str, expression: Any, negated: bool = False) -> str:
    """A condition function of a template; raises EvidenceError for one that has no short words."""
    ((function, argument),) = expression.items()
    if function == "Condition":
        return in_words(template, templates()[template]["Conditions"][argument], negated)
    if function == "Fn::Not":
        return in_words(template, argument[0], not negated)
    if function in ("Fn::And", "Fn::Or"):
        joint = " and " if (function == "Fn::And") != negated else " or "
        return joint.join(in_words(template, item, negated) for item in argument)
    if function == "Fn::Equals":
        value, text = argument
        return _equality(template, value, text, negated)
    raise EvidenceError(f"{template}: {function} has no words")


def _equality(template: str, value: Any, text: str, negated: bool) -> str:
    owner, supplied = _supplied(template, value)
    if "Fn::If" in supplied and not text:
        condition, _, otherwise = supplied["Fn::If"]
        if not otherwise:
            return in_words(owner, {"Condition": condition}, not negated)
    if "Ref" not in supplied:
        raise EvidenceError(f"{template}: what {value} depends on has no words")
    name = supplied["Ref"]
    if not text:
        return f"`{name}` is {'given' if negated else 'empty'}"
    return f"`{name}` {'is not' if negated else '='} {text}"


def _supplied(template: str, value: Any) -> tuple[str, dict[str, Any]]:
    """What the stacks around a template supply for a reference to its parameter, and which of them does."""
    if not isinstance(value, dict):
        return template, {}
    if "Fn::Join" in value:
        return _supplied(template, value["Fn::Join"][1])
    if template in _parents() and value.get("Ref") in templates()[template]["Parameters"]:
        parent, logical_id = _parents()[template]
        arguments = templates()[parent]["Resources"][logical_id]["Properties"].get("Parameters", {})
        if value["Ref"] in arguments:
            return _supplied(parent, arguments[value["Ref"]])
    return template, value


def parameter(template: str, value: Any) -> str:
    """Which parameter of a template that people launch decides a value, and how; empty where none does."""
    owner, supplied = _supplied(template, value)
    name = str(supplied.get("Ref"))
    declared = templates()[owner].get("Parameters", {}).get(name)
    if declared is None:
        return ""
    default = str(declared.get("Default", "none")) or "empty"
    of = "" if owner == "root" else f" of {owner}"
    others = _in_sets(name, default) if owner == "root" else []
    return "; ".join([f"the parameter `{name}`{of}, by default {default}", *others])


def _in_sets(name: str, default: str) -> list[str]:
    """The values of a root parameter that parameter sets give it other than the default."""
    sets: dict[str, list[str]] = {}
    for chosen, values in zip(SETS, set_values(), strict=True):
        sets.setdefault(values.get(name, default), []).append(f"`{chosen}`")
    return [f"{value} in {' and '.join(names)}" for value, names in sets.items() if value != default]

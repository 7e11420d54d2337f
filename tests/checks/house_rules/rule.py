"""What a house rule is, and the kind that most are: a property that must be there, with the right value."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from textwrap import dedent, indent
from typing import Any, NamedTuple

from scripts.operations.properties import values
from tests.checks.rendered import Template


class Finding(NamedTuple):
    """A breach of a rule: where in a template, and what is wrong."""

    resource: str
    path: str
    message: str


Check = Callable[[Template], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule of the house, why it is one, how it is checked, and templates that break it."""

    id: str
    reason: str
    check: Check
    counter_examples: tuple[Template, ...]


def rule(rule_id: str, reason: str, check: Check, *counter_examples: str, template: str = "example") -> Rule:
    """A rule whose counter-examples are given as the text of a template named `template`."""
    return Rule(
        rule_id,
        reason,
        check,
        tuple(Template.parse(template, dedent(text).strip()) for text in counter_examples),
    )


def must(resource_type: str, path: str, reason: str, *allowed: Any) -> Rule:
    """Every resource of a type has a property, in every branch, and if values are given, one of these.

    A Ref to a parameter stands for all values that the parameter allows.
    """

    def check(template: Template) -> Iterator[Finding]:
        for logical_id, resource in template.resources(resource_type):
            for value in values(resource, f"Properties/{path}"):
                message = _mistake(template, value, allowed)
                if message:
                    yield Finding(logical_id, path, message)

    examples = [_example(resource_type, {})]
    if allowed:
        examples.append(_example(resource_type, _nested(path, "another")))
    return rule(f"{resource_type.split('::')[-1]}/{path}", reason, check, *examples)


def must_not(resource_type: str, path: str, reason: str, *forbidden: Any) -> Rule:
    """No resource of a type has a property with one of these values, in any branch."""

    def check(template: Template) -> Iterator[Finding]:
        for logical_id, resource in template.resources(resource_type):
            for value in values(resource, f"Properties/{path}"):
                for possible in possible_values(template, value):
                    if possible in forbidden:
                        yield Finding(logical_id, path, f"is {possible!r}")

    example = _example(resource_type, _nested(path, forbidden[0]))
    return rule(f"{resource_type.split('::')[-1]}/no-{path}", reason, check, example)


def possible_values(template: Template, value: Any) -> list[Any]:
    """What a value can be: if it refers to a parameter with allowed values, each of these."""
    parameter = template.section("Parameters").get(value["Ref"]) if _is_ref(value) else None
    return list(parameter["AllowedValues"]) if parameter and "AllowedValues" in parameter else [value]


def _is_ref(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"Ref"}


def _mistake(template: Template, value: Any, allowed: Iterable[Any]) -> str:
    if value in (None, "", [], {}):
        return "is missing"
    wrong = [item for item in possible_values(template, value) if allowed and item not in allowed]
    return f"can be {wrong[0]!r}" if wrong else ""


def _nested(path: str, value: Any) -> dict[str, Any]:
    for step in reversed(path.split("/")):
        value = [value] if step == "*" else {step: value}
    return dict(value)


def _example(resource_type: str, properties: dict[str, Any]) -> str:
    # JSON is YAML, and repr() of these plain values is JSON but for the case of its constants.
    text = repr(properties).replace("True", "true").replace("False", "false")
    return f"Resources:\n  Example:\n    Type: {resource_type}\n    Properties: {text}"


def resources(text: str) -> str:
    """The text of a template with only these resources."""
    return "Resources:\n" + indent(dedent(text).strip(), "  ")

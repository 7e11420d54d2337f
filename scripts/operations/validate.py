"""Judges a parameter set against a template's own constraints and Rules, without an account.

Source of the semantics: "Parameters" and "Rules" of the CloudFormation template reference.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from scripts.operations.intrinsics import (
    CannotEvaluateError,
    NoValueError,
    Scope,
    is_list,
    rule_scope,
    text,
    truth,
)

_LONGEST_VALUE = 4096  # bytes; CloudFormation quota "Parameter values"
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_RESOURCE_ID = "{}-[0-9a-f]{{8}}([0-9a-f]{{9}})?"
# What a value of AWS's own parameter types looks like; an empty one is refused by all of them.
_AWS_TYPES = {
    "AWS::EC2::AvailabilityZone::Name": r"[a-z]{2,}(-[a-z]+)+-\d(-[a-z]+-\d)?[a-z]",
    "AWS::EC2::Image::Id": _RESOURCE_ID.format("ami"),
    "AWS::EC2::Instance::Id": _RESOURCE_ID.format("i"),
    "AWS::EC2::KeyPair::KeyName": r".{1,255}",
    "AWS::EC2::SecurityGroup::GroupName": r".{1,255}",
    "AWS::EC2::SecurityGroup::Id": _RESOURCE_ID.format("sg"),
    "AWS::EC2::Subnet::Id": _RESOURCE_ID.format("subnet"),
    "AWS::EC2::VPC::Id": _RESOURCE_ID.format("vpc"),
    "AWS::EC2::Volume::Id": _RESOURCE_ID.format("vol"),
    "AWS::Route53::HostedZone::Id": r"Z[0-9A-Z]{1,31}",
    "AWS::SSM::Parameter::Name": r"[\w./-]{1,2048}",
}


class ParameterFileError(ValueError):
    """A parameter file that cannot be read; the message says where and why."""


def load_parameters(path: Path) -> dict[str, str]:
    """Reads a flat JSON object: parameter name to text, number or list of texts, which commas then join.

    Numbers keep the digits that the file has. Raises ParameterFileError with the place of the first mistake.
    """
    try:
        source = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        others = ", ".join(sorted(other.stem for other in path.parent.glob("*.json"))) or "none"
        raise ParameterFileError(f"{path} does not exist; parameter sets there: {others}") from None
    except OSError as error:
        raise ParameterFileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ParameterFileError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    try:
        pairs = json.loads(source, object_pairs_hook=_Pairs, parse_float=str, parse_int=str)
    except json.JSONDecodeError as error:
        where = f"{path}, line {error.lineno}, column {error.colno}"
        raise ParameterFileError(f"{where}: {error.msg}") from None
    if not isinstance(pairs, _Pairs):
        raise ParameterFileError(f"{path} must hold one JSON object of parameter names and values")
    return _flat(pairs, path, source)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as the file has it, repeated names included."""


def _flat(pairs: _Pairs, path: Path, source: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in pairs:
        mistake = "is given twice" if name in values else _shape_mistake(value)
        if mistake:
            raise ParameterFileError(f"{path}{_place(name, source)}: {name} {mistake}")
        values[name] = value if isinstance(value, str) else ",".join(value)
    return values


def _place(name: str, source: str) -> str:
    """Where a name stands last in a JSON text, as far as a search can tell."""
    key = re.escape(json.dumps(name, ensure_ascii=False))
    found = list(re.finditer(rf"{key}\s*:", source))
    return f", line {source.count(chr(10), 0, found[-1].start()) + 1}" if found else ""


def _shape_mistake(value: Any) -> str:
    if isinstance(value, str):
        return ""
    if isinstance(value, bool):
        return f'must be written as text: "{text(value)}"'
    if isinstance(value, _Pairs) or not isinstance(value, list):
        return "must be a text, a number or a list of texts"
    if not all(isinstance(item, str) for item in value):
        return "must be a list of texts only"
    commas = [item for item in value if "," in item]
    return f"has a comma in the item {commas[0]!r}: write it as two items" if commas else ""


def problems(
    template: Mapping[str, Any], values: Mapping[str, str], supplied: Collection[str] = ()
) -> list[str]:
    """Every mistake of a parameter set, one sentence each; an empty list means that there is none.

    `supplied` names the parameters that the deployment fills in itself: they may be missing, and what the
    Rules say of them is not judged here. The value of a NoEcho parameter is never shown.
    """
    declared = template.get("Parameters", {})
    found = [_unknown(name, declared) for name in values if name not in declared]
    for name, declaration in declared.items():
        if name in values:
            found += [f"{name}: {mistake}" for mistake in _mistakes(values[name], declaration)]
        elif "Default" not in declaration and name not in supplied:
            found.append(f"{name} has no value: {declaration.get('Description', 'it has no default')}")
    return found + list(_failed_rules(template, values))


def _unknown(name: str, declared: Collection[str]) -> str:
    folded = {known.lower(): known for known in declared}
    near = get_close_matches(name.lower(), folded, n=1)
    return f"{name} is no parameter" + (f"; is {folded[near[0]]} meant?" if near else "")


def _mistakes(value: str, declaration: Mapping[str, Any]) -> Iterator[str]:
    if len(value.encode()) > _LONGEST_VALUE:
        yield f"is longer than {_LONGEST_VALUE} bytes"
        return
    items = [item.strip() for item in value.split(",")] if is_list(declaration["Type"]) else [value]
    hidden = text(declaration.get("NoEcho", False)) == "true"
    meaning = declaration.get("ConstraintDescription", "")
    for item in items:
        mistake = _item_mistake(item, declaration)
        if mistake:
            shown = "the value (not shown)" if hidden else json.dumps(item, ensure_ascii=False)
            yield f"{shown} {mistake}" + (f": {meaning}" if meaning else "")


def _item_mistake(item: str, declaration: Mapping[str, Any]) -> str:
    """The first thing wrong with one value, or the empty string."""
    of_type = re.sub(r".*<(.*)>$", r"\1", declaration["Type"])
    if of_type == "Number" and _number(item) is None:
        return "is not a number"
    if declaration["Type"].startswith("AWS::SSM::Parameter::Value<"):
        of_type = "AWS::SSM::Parameter::Name"
    if of_type in _AWS_TYPES and not re.fullmatch(_AWS_TYPES[of_type], item, re.ASCII):
        return f"is no {of_type}"
    return next(
        (
            mistake
            for key, check in _CONSTRAINTS
            if key in declaration and (mistake := check(item, declaration[key]))
        ),
        "",
    )


def _number(item: str) -> Decimal | None:
    return Decimal(item) if re.fullmatch(_NUMBER, item, re.ASCII) else None


def _pattern_mistake(item: str, pattern: str) -> str:
    try:
        # Java's classes \d, \w and \s are ASCII, and CloudFormation anchors the pattern at both ends.
        matches = re.fullmatch(pattern, item, re.ASCII)
    except re.error as error:
        return f"cannot be checked here, since Python does not understand the pattern {pattern} ({error})"
    return "" if matches else f"does not match {pattern}"


def _allowed_mistake(item: str, allowed: list[Any]) -> str:
    names = [text(value) for value in allowed]
    return "" if item in names else f"is none of {', '.join(json.dumps(name) for name in names)}"


def _compared(item: str, limit: Any, wrong: Callable[[Decimal, Decimal], bool], message: str) -> str:
    number = _number(item)
    return f"is {message} {limit}" if number is not None and wrong(number, Decimal(str(limit))) else ""


_CONSTRAINTS: tuple[tuple[str, Callable[[str, Any], str]], ...] = (
    (
        "MinLength",
        lambda item, limit: f"is shorter than {limit} characters" if len(item) < int(limit) else "",
    ),
    ("MaxLength", lambda item, limit: f"is longer than {limit} characters" if len(item) > int(limit) else ""),
    ("MinValue", lambda item, limit: _compared(item, limit, Decimal.__lt__, "less than")),
    ("MaxValue", lambda item, limit: _compared(item, limit, Decimal.__gt__, "more than")),
    ("AllowedValues", _allowed_mistake),
    ("AllowedPattern", _pattern_mistake),
)


def _failed_rules(template: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[str]:
    scope = rule_scope(template, values)
    for name, rule in template.get("Rules", {}).items():
        try:
            if "RuleCondition" in rule and not truth(rule["RuleCondition"], scope):
                continue
        except NoValueError:
            continue
        except CannotEvaluateError as reason:
            yield f"Rule {name} cannot be checked here: {reason}"
            continue
        for assertion in rule["Assertions"]:
            yield from _failed_assertion(name, assertion, scope)


def _failed_assertion(rule: str, assertion: Mapping[str, Any], scope: Scope) -> Iterator[str]:
    try:
        if not truth(assertion["Assert"], scope):
            yield f"Rule {rule}: {assertion.get('AssertDescription', 'its assertion fails')}"
    except NoValueError:
        return  # a missing value has been reported, or the deployment supplies it
    except CannotEvaluateError as reason:
        yield f"Rule {rule} cannot be checked here: {reason}"

"""Evaluates the functions that CloudFormation allows in `Conditions` and `Rules`, from parameter values.

Sources: "Condition functions" and "Rule functions" of the CloudFormation template reference. Both work on
text: a boolean or a number of a template counts as its text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "example",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/example/1a2b3c4d-0000-4000-8000-000000000000",
    "AWS::URLSuffix": "amazonaws.com",
}


class CannotEvaluateError(Exception):
    """An expression needs something that is not known here; says what."""


class NoValueError(CannotEvaluateError):
    """An expression refers to a parameter that has no value."""


@dataclass(frozen=True)
class Scope:
    """What an expression may refer to: values, the functions allowed, conditions and mappings."""

    values: Mapping[str, str | list[str]]
    functions: Mapping[str, "Function"]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)


Function = Callable[[Any, Scope], Any]


def is_list(parameter_type: str) -> bool:
    """Whether a parameter of this type holds a list; its value is then written with commas."""
    return parameter_type == "CommaDelimitedList" or "List<" in parameter_type


def parameter_values(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str | list[str]]:
    """The value of each parameter that has one, given or by default; lists are split, items trimmed."""
    declared = template.get("Parameters", {})
    defaults = {name: text(item["Default"]) for name, item in declared.items() if "Default" in item}
    known = {name: value for name, value in {**defaults, **values}.items() if name in declared}
    return {
        name: [item.strip() for item in value.split(",")] if is_list(declared[name]["Type"]) else value
        for name, value in known.items()
    }


def conditions(
    template: Mapping[str, Any], values: Mapping[str, str], pseudo: Mapping[str, str] = PSEUDO_PARAMETERS
) -> dict[str, bool]:
    """Whether each of the template's Conditions holds for these parameter values.

    Raises CannotEvaluateError for a function that is not allowed there and for a parameter without value.
    """
    expressions = template.get("Conditions", {})
    scope = Scope(
        values={**pseudo, **parameter_values(template, values)},
        functions=CONDITION_FUNCTIONS,
        conditions=expressions,
        mappings=template.get("Mappings", {}),
    )
    return {name: truth(expression, scope) for name, expression in expressions.items()}


def rule_scope(template: Mapping[str, Any], values: Mapping[str, str]) -> Scope:
    """What the expressions of the template's Rules may refer to, for these parameter values."""
    return Scope(values=parameter_values(template, values), functions=RULE_FUNCTIONS)


def text(value: Any) -> str:
    """A scalar of a template as CloudFormation reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def truth(expression: Any, scope: Scope) -> bool:
    """The value of an expression that must be true or false."""
    value = evaluate(expression, scope)
    if not isinstance(value, bool):
        raise CannotEvaluateError(f"{expression!r} is neither true nor false")
    return value


def evaluate(expression: Any, scope: Scope) -> Any:
    """The value of an expression: a text, a list, or, for a logical function, a bool."""
    if isinstance(expression, list):
        return [evaluate(item, scope) for item in expression]
    if not isinstance(expression, dict):
        return text(expression)
    if len(expression) != 1:
        raise CannotEvaluateError(f"{expression!r} is no function")
    ((name, argument),) = expression.items()
    if name not in scope.functions:
        raise CannotEvaluateError(f"{name} is not allowed here")
    try:
        return scope.functions[name](argument, scope)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise CannotEvaluateError(f"{name} is wrongly used: {argument!r}") from error


def _ref(name: str, scope: Scope) -> Any:
    if name not in scope.values:
        if name.startswith("AWS::"):
            raise CannotEvaluateError(f"{name} is only known to CloudFormation")
        raise NoValueError(f"parameter {name} has no value")
    return scope.values[name]


def _condition(name: str, scope: Scope) -> bool:
    if name not in scope.conditions:
        raise CannotEvaluateError(f"there is no condition {name}")
    return truth(scope.conditions[name], scope)


def _equals(argument: Any, scope: Scope) -> bool:
    left, right = evaluate(argument, scope)
    return bool(left == right)


def _contains(argument: Any, scope: Scope) -> bool:
    members, item = evaluate(argument, scope)
    return item in members


def _each_member_equals(argument: Any, scope: Scope) -> bool:
    members, item = evaluate(argument, scope)
    return all(member == item for member in members)


def _each_member_in(argument: Any, scope: Scope) -> bool:
    members, others = evaluate(argument, scope)
    return set(members) <= set(others)


def _if(argument: Any, scope: Scope) -> Any:
    name, when_true, when_false = argument
    return evaluate(when_true if _condition(name, scope) else when_false, scope)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    name, first, second = evaluate(argument, scope)
    try:
        return evaluate(scope.mappings[name][first][second], scope)
    except KeyError as missing:
        raise CannotEvaluateError(f"mapping {name} has no {first}.{second}") from missing


def _join(argument: Any, scope: Scope) -> str:
    delimiter, items = evaluate(argument, scope)
    return str(delimiter.join(items))


def _select(argument: Any, scope: Scope) -> Any:
    index, items = evaluate(argument, scope)
    if int(index) >= len(items):
        raise CannotEvaluateError(f"Fn::Select wants item {index} of a list of {len(items)}")
    return items[int(index)]


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, source = evaluate(argument, scope)
    return str(source).split(delimiter)


def _sub(argument: Any, scope: Scope) -> str:
    template, variables = argument if isinstance(argument, list) else (argument, {})
    values = {**scope.values, **{name: evaluate(value, scope) for name, value in variables.items()}}
    inner = Scope(values, scope.functions, scope.conditions, scope.mappings)
    filled = re.sub(r"\$\{([^!}][^}]*)\}", lambda match: str(_ref(match[1].strip(), inner)), template)
    return filled.replace("${!", "${")


def _account_only(name: str, argument: Any, scope: Scope) -> Any:  # noqa: ARG001 - has the shape of a Function
    raise CannotEvaluateError(f"{name} asks the AWS account")


_LOGICAL: dict[str, Function] = {
    "Fn::And": lambda argument, scope: all(truth(item, scope) for item in argument),
    "Fn::Equals": _equals,
    "Fn::Not": lambda argument, scope: not truth(argument[0], scope),
    "Fn::Or": lambda argument, scope: any(truth(item, scope) for item in argument),
    "Ref": _ref,
}

CONDITION_FUNCTIONS: dict[str, Function] = _LOGICAL | {
    "Condition": _condition,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}

RULE_FUNCTIONS: dict[str, Function] = (
    _LOGICAL
    | {
        "Fn::Contains": _contains,
        "Fn::EachMemberEquals": _each_member_equals,
        "Fn::EachMemberIn": _each_member_in,
    }
    | {name: partial(_account_only, name) for name in ("Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll")}
)

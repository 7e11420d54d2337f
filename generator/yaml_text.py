"""CloudFormation's YAML: written readable and the same every time, read back with its short forms spelt out."""

from typing import Any

import yaml

_SHORT_ONLY = {"Ref": "!Ref", "Condition": "!Condition"}
# The functions of Rules, such as Fn::Contains, have no short form. Source: CloudFormation user guide, "Rules".
_FUNCTIONS = (
    *("And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join"),
    *("Not", "Or", "Select", "Split", "Sub"),
)
_TAG_OF = _SHORT_ONLY | {f"Fn::{name}": f"!{name}" for name in _FUNCTIONS}
_KEY_OF = {tag: key for key, tag in _TAG_OF.items()}
_ONE_LINE = 90  # a function whose arguments are longer than this is spread over lines


class _Dumper(yaml.CSafeDumper):
    """libyaml's emitter with CloudFormation's short forms, literal blocks for long text, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


class _Loader(yaml.CSafeLoader):
    """libyaml's parser that spells short forms out and leaves dates and odd booleans as text."""


def _represent_mapping(dumper: _Dumper, data: dict[str, Any]) -> yaml.Node:
    if len(data) == 1:
        ((key, value),) = data.items()
        if key in _TAG_OF and not (key == "Condition" and not isinstance(value, str)):
            return _represent_function(dumper, key, value)
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=False)


def _represent_function(dumper: _Dumper, key: str, value: Any) -> yaml.Node:
    if key == "Fn::GetAtt":
        value = ".".join(value)
    if isinstance(value, str):
        return dumper.represent_scalar(_TAG_OF[key], value, style=_style(value))
    if isinstance(value, dict):
        return dumper.represent_mapping(_TAG_OF[key], value.items(), flow_style=False)
    on_one_line = all(_is_plain(item) for item in value) and len(str(value)) < _ONE_LINE
    return dumper.represent_sequence(_TAG_OF[key], value, flow_style=on_one_line)


def _is_plain(item: Any) -> bool:
    """Whether an argument is a value or a function of one string, such as !Ref Vpc."""
    if isinstance(item, dict) and len(item) == 1:
        ((key, value),) = item.items()
        return key in _TAG_OF and (key == "Fn::GetAtt" or isinstance(value, str))
    return isinstance(item, str | int | float)


def _style(text: str) -> str | None:
    if not text:
        return "'"
    return "|" if "\n" in text else None


def _represent_text(dumper: _Dumper, data: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=_style(data))


_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(str, _represent_text)


def _construct_function(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    key = _KEY_OF.get(f"!{tag}")
    if key is None:
        raise yaml.constructor.ConstructorError(
            None, None, f"!{tag} is no CloudFormation function", node.start_mark
        )
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {key: value.split(".", 1) if key == "Fn::GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    return {key: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _construct_function)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


def dump(mapping: dict[str, Any]) -> str:
    """The YAML of a template: keys in the order given, short-form functions, lines of at most about 110 columns."""
    return yaml.dump(mapping, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def load(text: str) -> dict[str, Any]:
    """A template as CloudFormation understands it, functions in their long form.

    Raises yaml.YAMLError, with line and column, when the text is not YAML or holds an unknown function.
    """
    return yaml.load(text, Loader=_Loader)

"""Stacks whose wiring Python checks while it renders.

A stack is two frozen dataclasses and one function: `build(template, Inputs) -> Outputs`. Inside `build` the fields of
`Inputs` refer to the template's parameters; outside they are what the caller supplies. `nest` adds a stack to a parent
and returns its `Outputs`, filled with references to the child's outputs. So

- a forgotten wire is a TypeError from the dataclass, which names the stack's inputs and the field;
- a misspelt output is an AttributeError, which names the stack's outputs and the field;
- a wire of the wrong kind is a WireError, which names stack and field;
- a cycle cannot be written: an output exists only once its stack is nested.

`gather` wires fields of the same name, so that the root spells out only what is called differently at both ends.
"""

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Generic, TypeVar, cast

from troposphere import AWSHelperFn, GetAtt, If, Join, Output, Parameter, Ref, Template
from troposphere.cloudformation import Stack as NestedStack

from generator.names import logical


class WireError(TypeError):
    """A stack was handed, or handed out, something of another kind than it declares."""


class Value(AWSHelperFn):
    """A CloudFormation expression of a known kind; the kinds are its subclasses in `generator.kinds`.

    The class attributes are the parameter's type and the constraints that every parameter of this kind has.
    """

    parameter_type: ClassVar[str] = "String"
    constraints: ClassVar[dict[str, Any]] = {}

    def __init__(self, expression: Any, origin: str = "", joined: bool = False, condition: str = "") -> None:
        """`joined` says that a list's expression is already one comma-separated string.

        `condition` names the one without which the value is the empty string.
        """
        self.unconditional = expression
        self.data = If(condition, expression, "") if condition else expression
        self.origin = origin or f"an expression of kind {type(self).__name__}"
        self.joined = joined
        self.condition = condition

    @property
    def argument(self) -> Any:
        """The expression as it crosses a stack's border: a list travels as one string, joined by commas."""
        is_list = self.parameter_type == "CommaDelimitedList" or self.parameter_type.startswith("List<")
        return Join(",", self.data) if is_list and not self.joined else self.data

    @property
    def in_sub(self) -> str:
        """The value as it is written inside Fn::Sub, which only a parameter's can be."""
        if not isinstance(self.data, Ref):
            raise WireError(f"{self.origin} is no parameter, and cannot stand inside Fn::Sub by itself")
        return f"${{{self.data.data['Ref']}}}"


def parameter(description: str, *, group: str = "", label: str = "", **constraints: Any) -> Any:
    """Declares a field of `Inputs`: a full sentence for the console, and constraints beyond those of its kind.

    `constraints` are properties of a CloudFormation parameter: Default, AllowedPattern, AllowedValues, MinValue, ...
    """
    return field(
        kw_only=True,
        metadata={"Description": description, "group": group, "label": label, "constraints": constraints},
    )


def shown(inputs: type, *, group: str, label: str, **constraints: Any) -> Any:
    """Declares a parameter of the root that shows the field of the same name of a child's `Inputs`."""
    return field(
        kw_only=True, metadata={"of": inputs, "group": group, "label": label, "constraints": constraints}
    )


def output(description: str) -> Any:
    """Declares a field of `Outputs`."""
    return field(kw_only=True, metadata={"Description": description})


InputsT = TypeVar("InputsT")
OutputsT = TypeVar("OutputsT")


@dataclass(frozen=True)
class Stack(Generic[InputsT, OutputsT]):
    """One template: its file name without the suffix, its two dataclasses, and the function that builds it."""

    name: str
    inputs: type[InputsT]
    outputs: type[OutputsT]
    build: Callable[[Template, InputsT], OutputsT]

    @property
    def description(self) -> str:
        """What the stack is, in one sentence: the first line of its build function's docstring."""
        lines = (self.build.__doc__ or "").strip().splitlines()
        if not lines:
            raise ValueError(
                f"stack '{self.name}': {self.build.__name__} needs a docstring, which describes the stack"
            )
        return lines[0]

    def template(self) -> Template:
        """Builds the template: parameters from the inputs, resources from `build`, outputs from what it returns."""
        template = Template(Description=self.description)
        arguments = {}
        for item in _fields(self.inputs):
            declared = template.add_parameter(_parameter(item))
            arguments[item.name] = _kind(item)(
                Ref(declared), origin=f"input '{item.name}' of stack '{self.name}'"
            )
        _add_interface(template, self.inputs)
        made = self.build(template, self.inputs(**arguments))
        for item in _fields(self.outputs):
            value = _checked(self.name, "output", item, getattr(made, item.name))
            template.add_output(_output(item, value))
        return template


def gather(inputs: type[InputsT], *sources: Any, **wires: Value) -> InputsT:
    """Makes a stack's inputs out of `wires` and, for the rest, of the sources' fields of the same names.

    Sources are the root's inputs and other stacks' outputs. Raises TypeError, from the dataclass, for an input that
    none of them has, and WireError for one that two of them have.
    """
    found = dict(wires)
    for item in _fields(inputs):
        having = [source for source in sources if hasattr(source, item.name)]
        if item.name in wires or not having:
            continue
        if len(having) > 1:
            names = " and ".join(type(source).__name__ for source in having)
            raise WireError(
                f"{inputs.__name__}: input '{item.name}' is found in both {names}: say which is meant"
            )
        found[item.name] = getattr(having[0], item.name)
    return inputs(**found)


def nest(
    template: Template, stack: Stack[InputsT, OutputsT], inputs: InputsT, condition: str = ""
) -> OutputsT:
    """Adds `stack` to a parent's template and returns its outputs, each a reference that remembers where it is from.

    Under a condition, an output that does not exist is the empty string.
    """
    if not isinstance(inputs, stack.inputs):
        raise WireError(
            f"stack '{stack.name}' takes {stack.inputs.__name__}, but was handed {type(inputs).__name__}"
        )
    arguments = {
        logical(item.name): _checked(stack.name, "input", item, getattr(inputs, item.name)).argument
        for item in _fields(stack.inputs)
    }
    child = NestedStack(
        logical(stack.name),
        TemplateURL=f"{stack.name}.yaml",
        Parameters=arguments,
        # What a child holds that must outlive it says so itself.
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
        Metadata={"orthanc-aws": {"Description": stack.description.rstrip(".")}},
    )
    if condition:
        child.Condition = condition
    template.add_resource(child)
    return _wires(stack, child, condition)


def _wires(stack: Stack[InputsT, OutputsT], child: NestedStack, condition: str) -> OutputsT:
    def wire(item: Field[Any]) -> Value:
        reference = GetAtt(child, f"Outputs.{logical(item.name)}")
        origin = f"output '{item.name}' of stack '{stack.name}'"
        return _kind(item)(reference, origin, joined=True, condition=condition)

    return stack.outputs(**{item.name: wire(item) for item in _fields(stack.outputs)})


def _fields(declared: type) -> tuple[Field[Any], ...]:
    return fields(cast(Any, declared))


def _kind(item: Field[Any]) -> type[Value]:
    return cast(type[Value], item.type)


def _checked(stack: str, direction: str, item: Field[Any], value: Any) -> Value:
    if not isinstance(value, _kind(item)):
        given = f"{type(value).__name__}, {value.origin}" if isinstance(value, Value) else repr(value)
        raise WireError(
            f"stack '{stack}', {direction} '{item.name}': expected {_kind(item).__name__}, got {given}"
        )
    return value


def _declaration(item: Field[Any]) -> dict[str, Any]:
    of = item.metadata.get("of")
    if of is None:
        return {
            "Description": item.metadata["Description"],
            **_kind(item).constraints,
            **item.metadata["constraints"],
        }
    original = next((other for other in _fields(of) if other.name == item.name), None)
    if original is None or original.type is not item.type:
        raise WireError(
            f"parameter '{item.name}' of the root shows no input of that name and kind of {of.__name__}"
        )
    return {**_declaration(original), **item.metadata["constraints"]}


def _output(item: Field[Any], value: Value) -> Output:
    name, description = logical(item.name), item.metadata["Description"]
    if value.condition:
        return Output(name, Description=description, Condition=value.condition, Value=value.unconditional)
    return Output(name, Description=description, Value=value.argument)


def _parameter(item: Field[Any]) -> Parameter:
    return Parameter(logical(item.name), Type=_kind(item).parameter_type, **_declaration(item))


def _add_interface(template: Template, inputs: type) -> None:
    for item in _fields(inputs):
        if item.metadata["group"]:
            template.add_parameter_to_group(logical(item.name), item.metadata["group"])
            template.set_parameter_label(logical(item.name), item.metadata["label"])

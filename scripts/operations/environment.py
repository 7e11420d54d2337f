"""An environment: a parameter set, the rendered set that it is for, and the stack that the two make."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from scripts.aws.package import LOCATION_PARAMETERS, ROOT, load
from scripts.errors import OperationError
from scripts.operations.validate import ParameterFileError, load_parameters, problems

# The deploy tool builds the images that a parameter set does not name.
IMAGE_PARAMETERS = ("OrthancImage", "NginxImage")


@dataclass(frozen=True)
class Environment:
    """Where the parts of one deployment are.

    `arguments` name the environment and its account on the command line, for advice what to run next. `root` is the
    template's name, `made` the parameter values that are not in the file, because the tool makes them.
    """

    name: str
    stack_name: str
    parameters: Path | None
    templates: Path
    arguments: str
    root: str = ROOT
    made: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, str]:
        """The parameter values that there are; raises OperationError where the file cannot be read."""
        try:
            given = load_parameters(self.parameters) if self.parameters else {}
        except ParameterFileError as error:
            raise OperationError("The parameter set cannot be read", str(error)) from None
        return {**self.made, **given}

    def with_made(self, made: Mapping[str, str]) -> "Environment":
        """The same environment with values that the tool made; what the file gives goes before them."""
        return replace(self, made=made)

    def continuing(self, stack: Mapping[str, str], asked: Mapping[str, str]) -> "Environment":
        """The same environment with the parameters of its stack, where there is one, and what is asked for now.

        What a stack of an earlier template has and this one does not declare is left out: CloudFormation refuses it.
        """
        declared = self.declared()
        kept = {name: value for name, value in stack.items() if name in declared}
        return replace(self, made={**self.made, **kept, **asked})

    def declared(self) -> dict[str, dict[str, object]]:
        """The parameters that the root template declares."""
        declared: dict[str, dict[str, object]] = load(self.templates / self.root).get("Parameters", {})
        return declared

    def mistakes(self, changed: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """What the root's constraints and Rules find wrong with the parameter set as changed, a sentence each."""
        supplied = (*LOCATION_PARAMETERS, *IMAGE_PARAMETERS)
        return problems(load(self.templates / self.root), self.values() | dict(changed), supplied=supplied)

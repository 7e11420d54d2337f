"""An environment: a parameter set, the rendered set that it is for, and the stack that the two make."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import yaml_text
from scripts.aws.package import LOCATION_PARAMETERS, ROOT
from scripts.errors import OperationError
from scripts.operations.validate import ParameterFileError, load_parameters, problems


@dataclass(frozen=True)
class Environment:
    """Where the parts of one deployment are; `name` is what a person calls it on the command line."""

    name: str
    stack_name: str
    parameters: Path
    templates: Path

    def values(self) -> dict[str, str]:
        """The parameter values that the file gives; raises OperationError where it cannot be read."""
        try:
            return load_parameters(self.parameters)
        except ParameterFileError as error:
            raise OperationError("The parameter set cannot be read", str(error)) from None

    def mistakes(self) -> list[str]:
        """What the root's constraints and Rules find wrong with the parameter set, a sentence each."""
        return problems(self._root(), self.values(), supplied=LOCATION_PARAMETERS)

    def _root(self) -> dict[str, Any]:
        file = self.templates / ROOT
        if not file.is_file():
            raise OperationError(f"There is no {file}", "", "Render the set first: `orthanc-aws render`.")
        return yaml_text.load(file.read_text("utf-8"))

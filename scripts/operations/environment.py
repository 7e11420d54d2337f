"""An environment: a parameter set, the rendered set that it is for, and the stack that the two make."""

from dataclasses import dataclass
from pathlib import Path

from scripts.aws.package import LOCATION_PARAMETERS, ROOT, load
from scripts.errors import OperationError
from scripts.operations.validate import ParameterFileError, load_parameters, problems


@dataclass(frozen=True)
class Environment:
    """Where the parts of one deployment are.

    `arguments` name the environment and its account on the command line, for advice what to run next.
    """

    name: str
    stack_name: str
    parameters: Path
    templates: Path
    arguments: str

    def values(self) -> dict[str, str]:
        """The parameter values that the file gives; raises OperationError where it cannot be read."""
        try:
            return load_parameters(self.parameters)
        except ParameterFileError as error:
            raise OperationError("The parameter set cannot be read", str(error)) from None

    def mistakes(self) -> list[str]:
        """What the root's constraints and Rules find wrong with the parameter set, a sentence each."""
        return problems(load(self.templates / ROOT), self.values(), supplied=LOCATION_PARAMETERS)

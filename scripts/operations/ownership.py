"""Whether a stack was made from a template of this project: one of the same name that was not is left alone."""

from collections.abc import Collection

from scripts.aws.stacks import Stack
from scripts.errors import OperationError


def require_own(stack: Stack, template: str, declared: Collection[str]) -> None:
    """Raises OperationError where most parameters of a stack are not among those that the template declares.

    Another version of the template may have a few others. A stack that awaits its first change set has none yet.
    """
    known = stack.parameters.keys()
    shared = known & set(declared)
    is_own = 2 * len(shared) > len(known) if known else not declared
    if not is_own and stack.status != "REVIEW_IN_PROGRESS":
        raise OperationError(
            f"The stack {stack.name} was not made from {template}",
            f"Of its {len(known)} parameters, {len(shared)} are that template's.",
            "It is left alone. Choose another name, by --stack-name or by that of the parameter set.",
        )

"""The one way in which this package changes ministack: replacing a function wherever its modules hold it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


def replace(name: str, modules: tuple[ModuleType, ...], make: Callable[[Function], Function]) -> None:
    """Replaces the function `name` of the first module, and its imports in the others, by `make(original)`.

    Raises AttributeError where a module does not have it: ministack changed, and so must the patch.
    """
    original = getattr(modules[0], name)
    replacement = make(original)
    for module in modules:
        if getattr(module, name) is not original:
            raise AttributeError(f"{module.__name__}.{name} is not {modules[0].__name__}.{name}")
        setattr(module, name, replacement)


def replace_action(action: str, make: Callable[[Function], Function]) -> None:
    """Replaces the handler of a CloudFormation action, e.g. `DescribeStacks`, by `make(original)`."""
    from ministack.services import cloudformation

    handlers = cloudformation._ACTION_HANDLERS
    handlers[action] = make(handlers[action])


def replace_handler(resource_type: str, operation: str, make: Callable[[Function], Function]) -> None:
    """Replaces what creates, updates or deletes a resource type, in ministack's table and for its own calls."""
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    original = handler[operation]
    replace(original.__name__, (provisioners,), make)
    handler[operation] = getattr(provisioners, original.__name__)


def replace_drift_reader(resource_type: str, make: Callable[[Function], Function]) -> None:
    """Replaces what reads a resource as it is, for the detection of drift."""
    from ministack.services.cloudformation import drift

    reader, properties = drift._DRIFT_READERS[resource_type]
    drift._DRIFT_READERS[resource_type] = make(reader), properties

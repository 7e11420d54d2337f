"""Evidence: what every resource of a type has, in every template, whatever the parameters are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.documents.circumstances import EvidenceError, circumstances, in_words, parameter, templates
from scripts.documents.pack import reasons
from scripts.operations.properties import values

Templates = Mapping[str, Mapping[str, Any]]
Place = tuple[str, str]


@dataclass(frozen=True)
class Evidence:
    """What every resource of a type has: paths below its properties, or from `/` below itself, with their values.

    `of` leaves only resources with these values, `template` only those of one template. `when` is a condition of
    theirs, and then only what holds under it counts. `exceptions` are reasons by `template.LogicalId`. `meets` are
    rules of the pack; where all of them are waived for a resource, it is an exception as well.
    """

    type: str
    has: dict[str, Any]
    of: dict[str, Any] = field(default_factory=dict)
    template: str = ""
    when: str = ""
    exceptions: dict[str, str] = field(default_factory=dict)
    meets: tuple[str, ...] = ()

    def holders(self, where: Templates | None = None) -> list[Place]:
        """The resources that have it; raises EvidenceError where one has not, or is an exception without need."""
        candidates = self._candidates(where or templates())
        faults = {place: fault for place, resource in candidates.items() if (fault := self._fault(resource))}
        for (template, logical_id), fault in faults.items():
            if f"{template}.{logical_id}" not in self.excused():
                raise EvidenceError(f"{template}.{logical_id}: {fault}")
        idle = self.exceptions.keys() - {f"{template}.{logical_id}" for template, logical_id in faults}
        if idle:
            raise EvidenceError(f"{self.type}: {', '.join(sorted(idle))} needs no exception")
        if len(faults) == len(candidates):
            raise EvidenceError(
                f"{self.template or 'no template'} has a {self.type} with {self.of or self.has}"
            )
        return [place for place in candidates if place not in faults]

    def excused(self) -> dict[str, str]:
        """The resources that need not have it, each with the reason."""
        waived = [reasons(rule) for rule in self.meets]
        everywhere = set.intersection(*(set(found) for found in waived)) if waived else set()
        return {name: waived[0][name] for name in sorted(everywhere)} | self.exceptions

    def _candidates(self, where: Templates) -> dict[Place, Any]:
        return {
            (name, logical_id): resource
            for name, template in where.items()
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == self.type
            and self.template in ("", name)
            and not any(_mistakes(resource, path, wanted) for path, wanted in self.of.items())
        }

    def _fault(self, resource: Any) -> str:
        for path, wanted in self.has.items():
            for mistake in _mistakes(resource, path, wanted, self.when):
                return f"{path} is {short(mistake)}"
        return ""

    def depends(self) -> list[str]:
        """What parameters decide: whether any resource has it at all, and which value it has."""
        holders = self.holders()
        where = [self.circumstances(place) for place in holders]
        conditions = dict.fromkeys(f"only where {words}" for words in where) if all(where) else {}
        decided = {words: None for path in self.has for _, words in self.found(path, holders) if words}
        return [*conditions, *decided]

    def found(self, path: str, holders: list[Place]) -> list[tuple[str, str]]:
        """The values at a path, each with the parameter that it comes from, if any."""
        found = {
            (short(value), parameter(template, value)): None
            for template, logical_id in holders
            for value in _values(templates()[template]["Resources"][logical_id], path, self.when)
        }
        return list(found)

    def circumstances(self, place: Place) -> str:
        """The conditions under which a resource exists and has it; empty where it always does."""
        template, logical_id = place
        under = in_words(template, {"Condition": self.when}) if self.when else ""
        return " and ".join(filter(None, (circumstances(template, logical_id), under)))

    def left_out(self) -> dict[str, str]:
        """The resources that do not have it, each with the reason."""
        excused = self.excused()
        without = self._candidates(templates()).keys() - set(self.holders())
        return {name: excused[name] for name in sorted(".".join(place) for place in without)}


def _values(resource: Any, path: str, when: str) -> list[Any]:
    """What can be at a path of a resource, or a word for an empty list, in which nothing can be shown."""
    below = path[1:] if path.startswith("/") else f"Properties/{path}"
    return values(resource, below, {when: True} if when else {}) or ["(an empty list)"]


def _mistakes(resource: Any, path: str, wanted: Any, when: str = "") -> list[Any]:
    """The values at a path that are none of those wanted."""
    allowed = [_text(item) for item in (wanted if isinstance(wanted, list) else [wanted])]
    return [value for value in _values(resource, path, when) if _text(value) not in allowed]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # true is not 1 there


def short(value: Any) -> str:
    """A value as a template has it, functions in their short form; a text that looks like another type is quoted."""
    if isinstance(value, dict) and len(value) == 1:
        ((function, argument),) = value.items()
        if function in ("Ref", "Fn::GetAtt", "Fn::Sub"):
            text = ".".join(argument) if isinstance(argument, list) else argument
            return f"!{function.removeprefix('Fn::')} {text}"
    if isinstance(value, str) and not value.isdecimal() and value not in ("true", "false"):
        return value
    return "(none)" if value is None else json.dumps(value)

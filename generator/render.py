"""Writes the rendered set, and tells whether what is committed is still what the code renders."""

from pathlib import Path
from typing import Any

from generator.core import Stack
from generator.registry import STACKS
from generator.yaml_text import dump

TEMPLATES = Path(__file__).parent.parent / "templates"

_SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Rules",
    "Conditions",
    "Resources",
    "Outputs",
)
_RESOURCE_ATTRIBUTES = (
    "Type",
    "Metadata",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "Properties",
)


def _ordered(mapping: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    unknown = mapping.keys() - set(keys)
    if unknown:
        raise ValueError(
            f"no place is known for {', '.join(sorted(unknown))}; add it to the order in {__name__}"
        )
    return {key: mapping[key] for key in keys if key in mapping}


def text(stack: Stack[Any, Any]) -> str:
    """The YAML text of one stack's template."""
    template = stack.template().to_dict()
    template["AWSTemplateFormatVersion"] = "2010-09-09"
    template["Resources"] = {
        name: _ordered(resource, _RESOURCE_ATTRIBUTES) for name, resource in template["Resources"].items()
    }
    source = stack.build.__module__.replace(".", "/") + ".py"
    header = f"# Rendered from {source} by `orthanc-aws render`: change it there, not here.\n"
    sections = _ordered(template, _SECTIONS)
    return header + "\n".join(dump({name: section}) for name, section in sections.items())


def texts() -> dict[str, str]:
    """The rendered set: file name to text, in the order of the registry."""
    return {f"{stack.name}.yaml": text(stack) for stack in STACKS}


def write(folder: Path = TEMPLATES) -> list[str]:
    """Writes the rendered set into `folder`, removes templates that are no longer rendered, and names what changed."""
    rendered = texts()
    folder.mkdir(parents=True, exist_ok=True)
    committed = _committed(folder)
    changed = [name for name in rendered if committed.get(name) != rendered[name]]
    for name in changed:
        (folder / name).write_text(rendered[name], encoding="utf-8")
    extra = sorted(committed.keys() - rendered.keys())
    for name in extra:
        (folder / name).unlink()
    return changed + extra


def check(folder: Path = TEMPLATES) -> list[str]:
    """Says, a line each, which templates in `folder` are not what the code renders; an empty list when all are."""
    rendered, committed = texts(), _committed(folder)
    findings = []
    for name in sorted(rendered.keys() | committed.keys()):
        if name not in committed:
            findings.append(f"{name} is missing")
        elif name not in rendered:
            findings.append(f"{name} is rendered by no stack")
        elif committed[name] != rendered[name]:
            findings.append(f"{name} is stale: {_first_difference(committed[name], rendered[name])}")
    return findings


def _committed(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")}


def _first_difference(old: str, new: str) -> str:
    from difflib import unified_diff

    changes = [
        line
        for line in unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    return f"first difference: {changes[0]}" if changes else "line endings differ"

"""Tables of what the templates and parameter sets say."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.core import Stack
from generator.names import logical
from generator.parts.security_groups import FLOWS
from generator.registry import DEPLOYMENT, STACKS
from scripts.images import plugin
from scripts.operations.validate import load_parameters

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "templates"
PARAMETERS = PROJECT / "parameters"
SETS = ("small", "production", "private")
NOTHING = "\N{EN DASH}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: int = 0) -> str:
    """A Markdown table whose last `right` columns hold numbers."""
    alignment = ["---"] * (len(head) - right) + ["---:"] * right
    lines = [head, alignment, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def set_values() -> list[dict[str, str]]:
    """The values of each parameter set, in the order of `SETS`."""
    return [load_parameters(PARAMETERS / f"{name}.json") for name in SETS]


@cache
def _template(name: str) -> dict[str, Any]:
    return yaml_text.load((TEMPLATES / f"{name}.yaml").read_text("utf-8"))


def stacks() -> str:
    """The nested stacks, each with the others whose outputs it is handed."""
    resources = _template("root")["Resources"]
    names = {logical(stack.name): stack.name for stack in DEPLOYMENT}

    def row(stack: Stack[Any, Any]) -> list[str]:
        arguments = resources[logical(stack.name)]["Properties"].get("Parameters", {})
        needs = sorted({names[child] for child in _references(arguments)})
        source = stack.build.__module__.replace(".", "/")
        return [f"[{stack.name}](../{source}.py)", stack.description, ", ".join(needs) or NOTHING]

    return table(
        ("Stack", "What it is", "Needs"), [row(stack) for stack in DEPLOYMENT if stack.name != "root"]
    )


def _references(node: Any) -> Iterator[str]:
    """The logical ids that Fn::GetAtt names anywhere below a node."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        if "Fn::GetAtt" in node:
            yield node["Fn::GetAtt"][0]
        for value in node.values():
            yield from _references(value)


def flows() -> str:
    """Who opens connections to whom inside the VPC."""
    resources = _template("network")["Resources"]

    def purpose(name: str) -> str:
        return str(resources[f"{name}Group"]["Properties"]["GroupDescription"])

    rows = [(purpose(source), purpose(destination), port) for source, destination, port in FLOWS]
    return table(("From", "To", "TCP port"), rows, right=1)


def containers() -> str:
    """What the task definitions hand to each container."""
    rows = [
        [
            f"`{container['Name']}`",
            f"`{' '.join(container['Command'])}`",
            container["User"],
            _codes(mount["ContainerPath"] for mount in container["MountPoints"]),
            _codes(variable["Name"] for variable in container["Environment"]),
            _codes(secret["Name"] for secret in container["Secrets"]),
        ]
        for stack in ("nginx", "orthanc")
        for container in _template(stack)["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    ]
    head = ("Container", "Command", "User", "Writable", "Environment", "Environment from secrets")
    return table(head, rows)


def schemas() -> str:
    """The schema of the database that each version of Orthanc's PostgreSQL plugin has."""
    known = plugin.schemas()
    rows = [
        (", ".join(version for version in known if known[version] == schema), schema)
        for schema in dict.fromkeys(known.values())
    ]
    return table(("PostgreSQL plugin of the image", "Schema of the database"), rows, right=1)


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words) or NOTHING


def alarms() -> str:
    """Every alarm, and what it says has happened."""
    rows = sorted(
        (name.removesuffix("Alarm"), stack.name, resource["Properties"]["AlarmDescription"])
        for stack in STACKS
        for name, resource in _template(stack.name)["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    )
    return table(("Alarm", "Stack", "What has happened"), rows)


def queries() -> str:
    """The saved queries of the audit log, each under its name."""
    saved = [
        resource["Properties"]
        for resource in _template("monitoring")["Resources"].values()
        if resource["Type"] == "AWS::Logs::QueryDefinition"
    ]
    names = [query["Name"]["Fn::Sub"].removeprefix("${Deployment}/") for query in saved]
    return "\n\n".join(
        f"### {name.capitalize()}\n\n```text\n{query['QueryString']}\n```"
        for name, query in zip(names, saved, strict=True)
    )


def parameters() -> str:
    """The root's parameters, under their groups as in the console."""
    groups = _template("root")["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    head = ("Parameter", "Default", "What it decides")
    return "\n\n".join(
        f"### {group['Label']['default']}\n\n{table(head, map(_parameter, group['Parameters']))}"
        for group in groups
    )


def _parameter(name: str) -> list[str]:
    declared = _template("root")["Parameters"][name]
    default = declared.get("Default")
    shown = {None: "**none**", "": "empty"}.get(default, f"`{default}`")
    choices = declared.get("AllowedValues")
    offer = f" One of {_codes(map(str, choices))}." if choices else ""
    return [f"`{name}`", shown, declared["Description"] + offer]


def outputs() -> str:
    """The root's outputs."""
    rows = [(f"`{name}`", item["Description"]) for name, item in _template("root")["Outputs"].items()]
    return table(("Output", "What it is"), rows)


def parameter_sets() -> str:
    """The choices and numbers in which the parameter sets differ; what is left to the default is in italics."""
    sets = set_values()
    rows = []
    for name, declared in _template("root")["Parameters"].items():
        if "AllowedValues" not in declared and declared["Type"] != "Number":
            continue
        default = str(declared.get("Default", ""))
        if len({values.get(name, default) for values in sets}) > 1:
            rows.append([f"`{name}`", *(values.get(name, f"*{default}*") for values in sets)])
    return table(("Parameter", *(f"`{name}`" for name in SETS)), rows)

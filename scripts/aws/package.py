"""Packages a rendered set for CloudFormation: each local `TemplateURL` becomes the address of a key in S3."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from generator import yaml_text
from scripts.aws.vocabulary import NESTED_STACK
from scripts.errors import OperationError

ROOT = "root.yaml"
LOCATION_PARAMETERS = ("TemplateBucket", "TemplateRegion", "TemplateKeyPrefix")
# CloudFormation's quotas: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
_MAX_BYTES = 1_000_000
_MAX_COUNTS = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}


@dataclass(frozen=True)
class Template:
    """One packaged template.

    `key` is its S3 key without prefix, `NAME-<16 hex digits of the SHA-256 of the body>.yaml`; `body` its
    text; `resources` are its resources by logical id, `children` the templates of its nested stacks by
    logical id, `parameters` the names of those it declares.
    """

    key: str
    body: str
    resources: Mapping[str, Any]
    children: Mapping[str, "Template"]
    parameters: frozenset[str]

    def resource(self, path: tuple[str, ...]) -> Mapping[str, Any]:
        """The resource at a path of logical ids, such as `("Database", "Cluster")`, or nothing."""
        first, *rest = path
        if not rest:
            return self.resources.get(first, {})
        child = self.children.get(first)
        return child.resource(tuple(rest)) if child else {}

    @cached_property
    def all(self) -> tuple["Template", ...]:
        """This template and all that it nests, each once, children before parents."""
        found = {inner.key: inner for child in self.children.values() for inner in child.all}
        return (*found.values(), self)


def package(folder: Path, root: str = ROOT) -> Template:
    """The packaged root of the rendered set in `folder`; pure but for reading the files.

    Raises OperationError when a child is missing or outside of the folder, when templates nest each other in
    a circle, when YAML cannot be read, or when a template exceeds CloudFormation's limits.
    """
    return _Packager(folder.resolve()).template(folder.resolve() / root, ())


def with_defaults(template: Template, defaults: Mapping[str, str]) -> Template:
    """The same template with other defaults of parameters that it declares, and so with another key."""
    mapping = yaml_text.load(template.body)
    for name in defaults.keys() & template.parameters:
        mapping["Parameters"][name] = mapping["Parameters"][name] | {"Default": defaults[name]}
    body = yaml_text.dump(mapping)
    return replace(template, key=_key(template.key.rpartition("-")[0], body), body=body)


def _key(stem: str, body: str) -> str:
    return f"{stem}-{hashlib.sha256(body.encode()).hexdigest()[:16]}.yaml"


def address(bucket: str, region: str, url_suffix: str, prefix: str, key: str) -> str:
    """The address of a template in S3, as `template_url` writes it for nested ones."""
    return f"https://{bucket}.s3.{region}.{url_suffix}/{prefix}{key}"


class _Packager:
    """Packages each file of one folder once, however often it is nested."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[Path, Template] = {}

    def template(self, file: Path, parents: tuple[Path, ...]) -> Template:
        if file in parents:
            names = " → ".join(path.name for path in (*parents[parents.index(file) :], file))
            raise _refused("The templates nest each other in a circle", names)
        if file not in self._done:
            self._done[file] = self._package(file, parents)
        return self._done[file]

    def _package(self, file: Path, parents: tuple[Path, ...]) -> Template:
        mapping = load(file)
        children = {
            logical_id: self.template(self._child(file, logical_id, url), (*parents, file))
            for logical_id, url in _local_urls(mapping)
        }
        _require_location_parameters(file, mapping, children)
        body = yaml_text.dump(_with_addresses(mapping, children)) if children else file.read_text("utf-8")
        _check_limits(file, mapping, body)
        return Template(
            key=_key(file.stem, body),
            body=body,
            resources=mapping["Resources"],
            children=children,
            parameters=frozenset(mapping.get("Parameters", {})),
        )

    def _child(self, parent: Path, logical_id: str, url: str) -> Path:
        child = (parent.parent / url).resolve()
        if not child.is_relative_to(self._folder):
            raise _refused(f"{parent.name}, resource {logical_id}", f"{url} lies outside of {self._folder}")
        if not child.is_file():
            raise _refused(f"{parent.name}, resource {logical_id}", f"nests {url}, which does not exist")
        return child


def _refused(where: str, problem: str) -> OperationError:
    return OperationError(
        where, problem, "Render the set anew (`orthanc-aws render`) or correct the template."
    )


def load(file: Path) -> dict[str, Any]:
    """The template in a file, short-form functions spelt out; raises OperationError where there is none."""
    try:
        mapping = yaml_text.load(file.read_text("utf-8"))
    except FileNotFoundError:
        raise _refused(f"No template {file.name}", f"there is none in {file.parent}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _refused(f"{file.name} is not valid YAML", " ".join(str(error).split())) from None
    if not isinstance(mapping, dict) or not isinstance(mapping.get("Resources"), dict):
        raise _refused(f"{file.name} is no CloudFormation template", "it has no Resources")
    return mapping


def _local_urls(mapping: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for logical_id, resource in mapping["Resources"].items():
        url = (resource.get("Properties") or {}).get("TemplateURL")
        if resource.get("Type") == NESTED_STACK and isinstance(url, str) and "://" not in url:
            yield logical_id, url


def _require_location_parameters(file: Path, mapping: dict[str, Any], children: dict[str, Template]) -> None:
    missing = [name for name in LOCATION_PARAMETERS if name not in mapping.get("Parameters", {})]
    if children and missing:
        raise _refused(
            f"{file.name} nests other templates", f"so it must declare the parameters {', '.join(missing)}"
        )


def _with_addresses(mapping: dict[str, Any], children: dict[str, Template]) -> dict[str, Any]:
    resources = dict(mapping["Resources"])
    for logical_id, child in children.items():
        properties = resources[logical_id]["Properties"] | {"TemplateURL": _template_url(child.key)}
        resources[logical_id] = resources[logical_id] | {"Properties": properties}
    return mapping | {"Resources": resources}


def _template_url(key: str) -> dict[str, str]:
    bucket, region, prefix = (f"${{{name}}}" for name in LOCATION_PARAMETERS)
    return {"Fn::Sub": address(bucket, region, "${AWS::URLSuffix}", prefix, key)}


def _check_limits(file: Path, mapping: dict[str, Any], body: str) -> None:
    size = len(body.encode())
    if size > _MAX_BYTES:
        raise _refused(
            f"{file.name} is too large", f"{size:,} bytes, and CloudFormation takes {_MAX_BYTES:,}"
        )
    for section, most in _MAX_COUNTS.items():
        count = len(mapping.get(section) or {})
        if count > most:
            raise _refused(
                f"{file.name} has too many {section.lower()}", f"{count}, and CloudFormation takes {most}"
            )

"""Bills of materials of images, in CycloneDX: what `list-parts` found in one, and what its folder says it fetches."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from scripts.errors import OperationError
from scripts.images.sources import Source
from scripts.local import bases
from scripts.local.images import CONTEXTS, official_base

# A bill tells what is in an image, not when it was asked: the same image has the same bill.
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


def bill(source: Source, parts: str) -> str:
    """The bill of an image as JSON text; `parts` is what `list-parts` printed in it.

    Raises OperationError where that cannot be understood.
    """
    image = Component(
        name=f"orthanc-aws/{source.name}", version=source.tag, type=ComponentType.CONTAINER, bom_ref="image"
    )
    made = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"orthanc-aws/{source.name}:{source.tag}"))
    made.metadata.timestamp = _UNDATED
    made.metadata.component = image
    found = [*_listed(parts), *_fetched(source), *_base(source)]
    made.components.update(found)
    made.register_dependency(image, found)
    return str(JsonV1Dot6(made).output_as_string(indent=2)) + "\n"


def _listed(parts: str) -> Iterator[Component]:
    distribution = ("debian", "unknown")
    for line in parts.splitlines():
        kind, *fields = line.split("\t")
        if kind == "os":
            distribution = (fields[0], fields[1])
            yield Component(
                name=fields[0], version=fields[1], type=ComponentType.OPERATING_SYSTEM, bom_ref="os"
            )
        elif kind in _KINDS:
            yield _KINDS[kind](fields, distribution)
        else:
            raise OperationError("The list of an image's parts cannot be understood", repr(line))


def _package(fields: list[str], distribution: tuple[str, str]) -> Component:
    name, version, architecture = fields
    vendor, release = distribution
    qualifiers = {"arch": architecture, "distro": release}
    return _library(PackageURL("deb", vendor, name.partition(":")[0], version, qualifiers))


def _python(fields: list[str], _: tuple[str, str]) -> Component:
    name, version = fields
    return _library(PackageURL("pypi", None, name, version))


def _orthanc(fields: list[str], _: tuple[str, str]) -> Component:
    name, version = fields
    return _library(PackageURL("generic", "orthanc", name, version))


def _file(fields: list[str], _: tuple[str, str]) -> Component:
    path, sha256 = fields
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=sha256)]
    return Component(name=path, type=ComponentType.FILE, hashes=hashes, bom_ref=path)


_KINDS: dict[str, Callable[[list[str], tuple[str, str]], Component]] = {
    "deb": _package,
    "pypi": _python,
    "orthanc": _orthanc,
    "file": _file,
}


def _fetched(source: Source) -> Iterator[Component]:
    """Packages of npm that the image's own scripts fetch, of which the image keeps only the files."""
    for script in sorted(CONTEXTS[source.name].rglob("fetch")):
        text = script.read_text("utf-8")
        version = re.search(r"^VERSION=(\S+)$", text, re.MULTILINE)
        for namespace, name in re.findall(r'npm pack \S+ "(@[\w-]+)/([\w-]+)@\$VERSION"', text):
            yield _library(PackageURL("npm", namespace, name, version[1] if version else None))


def _base(source: Source) -> Iterator[Component]:
    """The official base that the Dockerfile names; of a stand-in for it, all is among the packages."""
    if source.base == bases.OFFICIAL:
        name, _, version = official_base(source.name).rpartition(":")
        yield Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref="base")


def _library(url: PackageURL) -> Component:
    name = f"{url.namespace}/{url.name}" if url.type == "npm" else url.name
    return Component(
        name=name, version=url.version, type=ComponentType.LIBRARY, purl=url, bom_ref=url.to_string()
    )

"""A bill of materials is valid CycloneDX and names every part that was found."""

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.errors import OperationError
from scripts.images.bill import bill
from scripts.images.sources import Source

PARTS = """\
os\tdebian\ttrixie
deb\tlibpq5:amd64\t17.6-0+deb13u1\tamd64
deb\tzlib1g\t1:1.3.dfsg+really1.3.1-1+b1\tamd64
pypi\tboto3\t1.43.1
orthanc\torthanc\t1.13.0
orthanc\tpostgresql-index\t10.3
file\t/usr/share/orthanc/plugins/libOrthancDicomWeb.so\t{sha256}
""".format(sha256="ab" * 32)


def source(name: str = "nginx", base: str = "official") -> Source:
    return Source(name, "NginxImage", "0123456789abcdef", "X86_64", base)


def made(parts: str = PARTS, **changes: str) -> dict[str, Any]:
    text = bill(source(**changes), parts)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    body: dict[str, Any] = json.loads(text)
    return body


def components(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["bom-ref"]: item for item in body["components"]}


def test_packages_are_named_by_their_package_urls() -> None:
    found = components(made())
    assert "pkg:deb/debian/libpq5@17.6-0%2Bdeb13u1?arch=amd64&distro=trixie" in found
    assert "pkg:deb/debian/zlib1g@1:1.3.dfsg%2Breally1.3.1-1%2Bb1?arch=amd64&distro=trixie" in found
    assert "pkg:pypi/boto3@1.43.1" in found
    assert (found["os"]["name"], found["os"]["version"]) == ("debian", "trixie")


def test_orthanc_and_its_plugins_are_named_with_what_they_say_of_themselves() -> None:
    found = components(made())
    assert found["pkg:generic/orthanc/orthanc@1.13.0"]["version"] == "1.13.0"
    assert found["pkg:generic/orthanc/postgresql-index@10.3"]["name"] == "postgresql-index"


def test_files_of_no_package_are_named_with_their_digests() -> None:
    item = components(made())["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"]
    assert item["type"] == "file"
    assert item["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]


def test_what_the_image_fetches_from_npm_is_named_with_the_version_that_its_script_pins() -> None:
    viewers = [ref for ref in components(made()) if ref.startswith("pkg:npm/%40ohif/app@")]
    assert len(viewers) == 1
    assert not [ref for ref in components(made(name="orthanc")) if ref.startswith("pkg:npm/")]


def test_the_official_base_is_named_and_a_stand_in_is_not_taken_for_it() -> None:
    assert components(made())["base"]["name"] == "docker.io/library/nginx"
    assert "base" not in components(made(base="debian"))


def test_the_image_is_what_all_parts_belong_to() -> None:
    body = made()
    assert body["metadata"]["component"]["version"] == "0123456789abcdef-amd64"
    (of_image,) = [item for item in body["dependencies"] if item["ref"] == "image"]
    assert set(of_image["dependsOn"]) == set(components(body))


def test_the_same_image_has_the_same_bill() -> None:
    assert bill(source(), PARTS) == bill(source(), PARTS)


@pytest.mark.parametrize("line", ["rpm\tbash\t5", "no such command"])
def test_a_list_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(OperationError, match="cannot be understood"):
        bill(source(), PARTS + line)

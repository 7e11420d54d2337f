"""The tags of an Orthanc image tell its PostgreSQL plugin, whose schema is known."""

import pytest

from scripts.images.plugin import Plugin, schemas, tags
from scripts.images.sources import Source

SOURCE = Source("orthanc", "OrthancImage", "0123456789abcdef", "ARM64")
PARTS = "os\tdebian\ttrixie\northanc\tpostgresql-index\t{}\northanc\tpostgresql-storage\t9.9\n"


@pytest.mark.parametrize("version", schemas())
def test_what_is_found_in_an_image_is_what_its_tags_tell(version: str) -> None:
    made = tags(SOURCE, PARTS.format(version))
    assert made == [f"{SOURCE.tag}-postgresql-{version}", SOURCE.tag]
    assert Plugin.of_tags(sorted(made)) == Plugin(version, schemas()[version])


@pytest.mark.parametrize("parts", ["os\tdebian\ttrixie\n", PARTS.format("10.3 (or so)")])
def test_an_image_without_the_plugin_has_the_tag_of_its_content_alone(parts: str) -> None:
    assert tags(SOURCE, parts) == [SOURCE.tag]


@pytest.mark.parametrize("found", [[], [SOURCE.tag], [f"{SOURCE.tag}-postgresql-99.0"], ["postgresql-10.3"]])
def test_tags_of_no_known_version_tell_nothing(found: list[str]) -> None:
    assert Plugin.of_tags(found) is None

"""The PostgreSQL plugin of an Orthanc image: the version, as a tag of the image tells it, and the database's schema."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from generator.stacks.images import PLUGIN_MARK
from scripts.images.sources import Source
from scripts.local.images import CONTEXTS

_TABLE = CONTEXTS["orthanc"] / "program" / "schemas.json"
_LISTED = re.compile(r"^orthanc\tpostgresql-index\t([\w.-]+)$", re.MULTILINE | re.ASCII)


def schemas() -> dict[str, int]:
    """The schema of each version of the plugin that is known, the earliest first."""
    table: dict[str, int] = json.loads(_TABLE.read_text("utf-8"))
    return table


@dataclass(frozen=True)
class Plugin:
    """A version of the plugin whose schema is known."""

    version: str
    schema: int

    @classmethod
    def of_tags(cls, tags: Iterable[str]) -> Self | None:
        """The plugin of the image with these tags, or None where none tells it, or its version is not known."""
        known = schemas()
        versions = (tag.partition(PLUGIN_MARK)[2] for tag in tags)
        return next((cls(version, known[version]) for version in versions if version in known), None)


def tags(source: Source, parts: str) -> list[str]:
    """The tags of a built image, by what `list-parts` printed in it.

    The last one is that of its content: whoever finds it looks no further.
    """
    return [*(f"{source.tag}{PLUGIN_MARK}{version}" for version in _LISTED.findall(parts)), source.tag]

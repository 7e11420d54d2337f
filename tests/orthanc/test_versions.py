"""The image knows the version of its PostgreSQL plugin from what was written down as it was built."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from scripts.documents.blocks import PROJECT


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, with a record of the test's own."""
    monkeypatch.syspath_prepend(str(PROJECT / "orthanc" / "program"))
    module = importlib.import_module("versions")
    monkeypatch.setattr(module, "RECORD", tmp_path / "versions.tsv")
    return module


def test_the_index_plugin_is_found_among_the_others(versions: ModuleType) -> None:
    versions.RECORD.write_text("orthanc\t1.13.0\npostgresql-index\t10.3\npostgresql-storage\t10.2\n")
    assert versions.index_plugin() == "10.3"


def test_a_plugin_that_could_not_be_asked_is_unknown(versions: ModuleType) -> None:
    versions.RECORD.write_text("orthanc\t1.13.0\n")
    assert versions.index_plugin() == versions.UNKNOWN

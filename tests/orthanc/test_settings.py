"""What the programs of the Orthanc image say of an environment that is wrong."""

import importlib
import sys
from types import ModuleType

import pytest

from scripts.documents.blocks import PROJECT

DATABASE = {
    "DATABASE_HOST": "database",
    "DATABASE_PORT": "5432",
    "DATABASE_NAME": "orthanc",
    "DATABASE_USER": "orthanc_a",
    "DATABASE_PASSWORD": "Zp3kQ9w0",
    "DATABASE_AUTHORITIES": __file__,
}
MASTER = {"DATABASE_MASTER_USER": "orthanc_master", "DATABASE_MASTER_PASSWORD": "Xo8mR2v5"}
ORTHANC = {
    "ORTHANC_USER": "nginx",
    "ORTHANC_PASSWORD": "Kj4tB7n1",
    "INDEX_CONNECTIONS": "20",
    "IMAGE_STORAGE": "s3",
}
BUCKET = {"IMAGE_BUCKET": "orthanc-images-0123", "AWS_REGION": "eu-west-1"}
COMPLETE = {**DATABASE, **MASTER, **ORTHANC, **BUCKET}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, which the image has in a folder of its own rather than in a package."""
    monkeypatch.syspath_prepend(str(PROJECT / "orthanc" / "program"))
    monkeypatch.delitem(sys.modules, "settings", raising=False)
    return importlib.import_module("settings")


def mistakes(settings: ModuleType, environment: dict[str, str]) -> list[str]:
    """What is said of an environment, a line for each variable."""
    groups = (settings.DATABASE, settings.MASTER, settings.ORTHANC, settings.BUCKET)
    try:
        settings.check(environment, *groups)
    except settings.SettingsError as error:
        return str(error).splitlines()
    return []


def test_a_complete_environment_is_right(settings: ModuleType) -> None:
    assert mistakes(settings, COMPLETE) == []


@pytest.mark.parametrize("name", sorted(COMPLETE.keys() - {"DATABASE_AUTHORITIES"}))
def test_each_variable_that_is_missing_is_named(settings: ModuleType, name: str) -> None:
    (mistake,) = mistakes(settings, COMPLETE | {name: ""})
    assert mistake.startswith(f"{name} is not set: it must be ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_HOST", "database/orthanc?sslmode=disable"),
        ("DATABASE_PORT", "0"),
        ("DATABASE_NAME", "orthanc;drop"),
        ("DATABASE_USER", "Orthanc A"),
        ("ORTHANC_USER", "nginx:"),
        ("ORTHANC_PASSWORD", 'quote"quote"'),
        ("ORTHANC_PASSWORD", "two words"),
        ("ORTHANC_PASSWORD", "${HOME}\\n"),
        ("ORTHANC_PASSWORD", "short"),
        ("INDEX_CONNECTIONS", "100"),
        ("IMAGE_STORAGE", "disk"),
        ("IMAGE_BUCKET", "Images"),
        ("AWS_REGION", "here"),
    ],
)
def test_each_variable_that_is_wrong_is_named_without_its_value(
    settings: ModuleType, name: str, value: str
) -> None:
    (mistake,) = mistakes(settings, COMPLETE | {name: value})
    assert mistake.startswith(f"{name} must be ")
    assert value not in mistake


def test_authorities_that_cannot_be_read_are_named(settings: ModuleType) -> None:
    (mistake,) = mistakes(settings, COMPLETE | {"DATABASE_AUTHORITIES": "/nowhere.pem"})
    assert mistake == "DATABASE_AUTHORITIES names /nowhere.pem, which cannot be read"

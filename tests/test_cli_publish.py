"""Publishing by the command line, in an emulated account of its own."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from scripts.cli import main
from scripts.emulator import Emulator
from tests.functions.organization import account_number

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("catalog")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(scope="module")
def catalog(emulator: Emulator) -> Iterator[None]:
    """An account whose catalog has version 1.0, which begins with the parameter set `small`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ACCESS_KEY_ID", account_number())
        patch.setattr("scripts.operations.publish.lint_unless_clean", lambda _: [])
        made = run("publish", "catalog", "1.0", "--parameters", "small", "--launchers", "Imaging*", "--yes")
        assert made.exit_code == 0, made.stderr
        yield


@pytest.mark.usefixtures("catalog")
def test_what_the_catalog_has_can_be_launched_from_the_console_with_the_same_values() -> None:
    links = run("publish", "templates", "1.0", "--parameters", "small", "--output", "json")
    assert links.exit_code == 0, links.stderr
    assert "/1.0/" in json.loads(links.stdout)["Template"]


@pytest.mark.usefixtures("catalog")
def test_what_a_form_begins_with_belongs_to_a_version() -> None:
    refused = run("publish", "templates", "1.0")
    assert refused.exit_code == 1
    assert "Version 1.0 is published" in refused.stderr
    assert "--parameters" in refused.stderr
    assert run("publish", "templates", "1.1").exit_code == 0


@pytest.mark.usefixtures("catalog")
def test_a_version_is_deprecated_and_offered_again() -> None:
    deprecated = run("catalog", "deprecate", "1.0", "--output", "json")
    assert deprecated.exit_code == 0, deprecated.stderr
    (version,) = json.loads(deprecated.stdout)
    assert (version["Version"], version["Deprecated"]) == ("1.0", True)
    assert "No version is offered for new stores any more" in deprecated.stderr

    again = run("publish", "catalog", "1.0", "--parameters", "small", "--yes")
    assert "`orthanc-aws catalog deprecate 1.0 --undo` offers it again" in again.stderr
    assert "✓ Version 1.0 is in the catalog" not in again.stderr

    undone = run("catalog", "deprecate", "1.0", "--undo")
    assert undone.exit_code == 0, undone.stderr
    assert (undone.stdout, undone.stderr) == ("", "✓ Version 1.0 is offered again\n")
    published = run("publish", "catalog", "1.0", "--parameters", "small", "--yes")
    assert "✓ Version 1.0 is in the catalog already" in published.stderr

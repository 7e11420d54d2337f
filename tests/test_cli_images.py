"""`orthanc-aws images` and `publish`: results on stdout, wrong usage, and what is told where nothing is there."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scripts.aws import artifacts
from scripts.aws.session import Session
from scripts.cli import main
from scripts.cli_options import PROJECT
from scripts.operations import images

pytestmark = [pytest.mark.usefixtures("session"), pytest.mark.xdist_group("images")]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A parameter set, for a stack of repositories of its own."""
    monkeypatch.setattr(images, "STACK_NAME", f"images-{tmp_path.name.replace('_', '-')}")
    file = tmp_path / "hospital.json"
    file.write_text('{"Architecture": "X86_64"}')
    return file


def test_push_prints_the_parameters_alone_on_stdout_and_list_marks_them(env: Path) -> None:
    pushed = run("images", "push", env, "--yes", "--bills", env.parent, "--output", "json")
    assert pushed.exit_code == 0, pushed.stderr
    assert json.loads(pushed.stdout).keys() == {"OrthancImage", "NginxImage"}
    lines = run("images", "list", env).stdout.splitlines()
    assert [line[:10] for line in lines[::2]] == ["*  orthanc", "*  nginx  "]
    listed = json.loads(run("images", "list", env, "--output", "json").stdout)
    assert {item["Image"] for item in listed} == set(json.loads(pushed.stdout).values())


def test_bills_are_written_to_the_projects_folder_and_put_beside_the_lists_of_parts(
    env: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = env.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    pushed = run("images", "push", env, "--yes")
    assert pushed.exit_code == 0, pushed.stderr
    assert list(elsewhere.iterdir()) == []
    files = [Path(file) for file in re.findall(r"Bill of materials: (\S+)", pushed.stderr)]
    assert {file.parent for file in files} == {PROJECT / "build" / "images"}
    bucket = artifacts.artifact_bucket(session, None)
    for file in files:
        assert artifacts.fetch(session, bucket, f"images/parts/{file.name}") == file.read_bytes()


def test_the_repositories_are_not_deployed_without_a_yes(env: Path) -> None:
    declined = run("images", "push", env)
    assert declined.exit_code == 1
    assert "Not deployed" in declined.stderr
    assert run("images", "list", env).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["images", "push"], "Missing argument 'ENV'"),
        (["images", "push", "small", "--builder", "magic"], "'magic' is not one of"),
        (["images", "build", "nowhere"], "there is no"),
        (["publish", "templates"], "Missing argument 'VERSION'"),
        (["publish", "templates", "../1"], "'../1' must begin with a letter or a digit"),
        (["publish", "templates", "1", "--parameters", "nowhere"], "there is no"),
        (["publish", "catalog"], "Missing argument 'VERSION'"),
        (["publish", "catalog", "1", "--share", "r-ab12"], "'r-ab12' is neither an account (12 digits), an"),
        (["publish", "catalog", "1", "--share", "123456789012", "--share", ""], "'' is neither an account"),
        (["catalog", "deprecate", "../1"], "'../1' must begin with a letter or a digit"),
    ],
)
def test_wrong_usage_has_exit_code_2(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


def test_publish_prints_its_links(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.operations.publish.lint_unless_clean", lambda _: [])
    result = run("publish", "templates", "test-of-the-command-line", "--output", "json")
    assert result.exit_code == 0, result.stderr
    links = json.loads(result.stdout)
    assert links.keys() == {"Images", "Store", "Template"}
    assert "#/stacks/quickcreate?templateURL=https%3A%2F%2F" in links["Store"]


def test_a_catalog_that_is_not_there_is_told_with_the_way_to_make_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scripts.operations.catalog.STACK_NAME", "no-such-catalog")
    monkeypatch.setattr("scripts.operations.publish.lint_unless_clean", lambda _: [])
    listed = run("catalog", "list")
    assert (listed.exit_code, listed.stdout) == (1, "")
    assert "`orthanc-aws publish catalog VERSION` makes it." in listed.stderr
    unsaid = run("publish", "catalog", "1.0", "--yes")
    assert unsaid.exit_code == 1
    assert "LauncherRoles has no value" in unsaid.stderr
    assert "--launchers" in unsaid.stderr

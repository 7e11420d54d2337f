"""The walks that the documentation quotes: through a deployment's life, and through publishing."""

from collections.abc import Iterator

import click
import pytest

from scripts.cli import main
from scripts.documents import walk_catalog, walk_lifecycle
from scripts.documents.blocks import TRANSCRIPTS, filled
from scripts.documents.walk import Step
from tests.docs.elsewhere import Elsewhere
from tests.docs.pages import text

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("walk")]


_STORE = "it runs containers on this machine, and the emulator runs none; so does `scripts/demo`"
_LOCAL = "tests/e2e/test_local.py::test_"
ELSEWHERE = {
    "completion": Elsewhere(
        "it prints a script", "tests/test_cli.py::test_completion_prints_a_script_for_the_shell"
    ),
    "emulator start": Elsewhere(
        "a walk has an emulator of its own",
        "tests/test_cli.py::test_the_emulator_starts_on_demand_and_stops_on_request",
    ),
    "emulator stop": Elsewhere(
        "a walk has an emulator of its own",
        "tests/test_cli.py::test_the_emulator_starts_on_demand_and_stops_on_request",
    ),
    "images build": Elsewhere(
        "it needs a container engine",
        "tests/e2e/test_images.py::test_build_prints_the_images_and_writes_their_bills",
    ),
    "local up": Elsewhere(_STORE, f"{_LOCAL}the_first_up_tells_where_the_store_is_and_who_may_enter"),
    "local status": Elsewhere(_STORE, f"{_LOCAL}the_status_names_every_container"),
    "local check": Elsewhere(_STORE, f"{_LOCAL}a_check_tells_what_it_tried"),
    "local push": Elsewhere(_STORE, f"{_LOCAL}push_sends_what_it_can_and_tells_the_rest"),
    "local logs": Elsewhere(_STORE, f"{_LOCAL}logs_are_those_of_the_container_that_is_named"),
    "local compose": Elsewhere(_STORE, f"{_LOCAL}the_compose_file_brings_the_same_store_up"),
    "local down": Elsewhere(_STORE, f"{_LOCAL}images_and_users_are_kept_until_they_are_deleted"),
}


def verb(step: Step) -> str:
    """The verb of a step, with that of its group: `users list`."""
    command: click.Command = main
    names = []
    for word in step.words.split()[1:]:
        if isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
            names.append(word)
    return " ".join(names)


def verbs(group: click.Group, *path: str) -> Iterator[str]:
    """Every verb of the command line."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, *path, name)
        else:
            yield " ".join((*path, name))


def last(wanted: str) -> Step:
    return [step for step in walk_lifecycle.walk() if verb(step) == wanted][-1]


def failed() -> list[tuple[str, int]]:
    steps = (*walk_lifecycle.walk(), *walk_catalog.walk())
    return [(verb(step), step.exit_code) for step in steps if step.exit_code]


def test_every_command_of_the_walks_ends_as_it_should() -> None:
    assert failed() == [("diff", 3), ("deploy", 1), ("deploy", 1), ("drift", 3)]


def test_every_verb_is_used_in_a_walk_or_in_a_test_that_is_named_here() -> None:
    walked = {verb(step) for step in (*walk_lifecycle.walk(), *walk_catalog.walk())}
    assert walked.isdisjoint(ELSEWHERE)
    assert walked | ELSEWHERE.keys() == set(verbs(main))


def test_the_tests_of_other_verbs_exist() -> None:
    assert [name for name, elsewhere in ELSEWHERE.items() if not elsewhere.exists()] == []


def test_an_update_that_fails_is_rolled_back_and_its_reason_is_still_known_afterwards() -> None:
    rolled_back, status = (
        step
        for step in walk_lifecycle.walk()
        if any("UPDATE_ROLLBACK_COMPLETE" in line for line in step.lines)
    )
    assert "✗ orthanc-hospital is UPDATE_ROLLBACK_COMPLETE" in rolled_back.lines
    reason = "root/Orthanc/Service (AWS::ECS::Service): ECS Deployment Circuit Breaker was triggered"
    assert f"  {reason}" in rolled_back.lines
    assert f"failed first: {reason}" in status.lines


def test_the_loss_of_the_database_is_refused() -> None:
    assert "  root/Database/Cluster (AWS::RDS::DBCluster) would be replaced" in last("deploy").lines


def test_who_read_a_study_is_told() -> None:
    assert [line.split()[0] for line in last("audit").lines[1:]] == ["alice", "ct-1", "✓"]


def test_of_what_drifted_both_values_are_told() -> None:
    assert any("/RetentionInDays  30 → 7" in line for line in last("drift").lines)


def test_the_snapshot_of_an_upgrade_can_be_restored() -> None:
    (name,) = [line.split()[-1] for line in last("upgrade").lines if line.startswith("… Taking the snapshot")]
    assert any(line.endswith(f":{name}") for line in last("restore").lines)


def test_what_is_kept_is_told_when_the_deployment_is_gone() -> None:
    kept = "\n".join(last("destroy").lines)
    for path in ("Keys/DataKey", "Credentials/Users", "Logs/ArchiveBucket", "Backup/Vault"):
        assert f"kept      root/{path} " in kept
    assert ":cluster-snapshot:" in kept


def test_a_deprecated_version_is_marked_and_the_later_one_is_not() -> None:
    *_, listed = walk_catalog.walk()
    assert [line.split()[0] for line in listed.lines] == ["1.1", "1.0"]
    assert [line.endswith("deprecated") for line in listed.lines] == [False, True]


@pytest.mark.parametrize("page", ["docs/walk.md", "docs/publishing.md"])
def test_the_documentation_quotes_the_walks(page: str) -> None:
    assert filled(text(page), TRANSCRIPTS) == text(page), "Run docs/update."

"""The walk that the documentation quotes: a deployment is created, updated, put back, compared and taken down."""

import pytest

from scripts.documents.blocks import TRANSCRIPTS, filled
from scripts.documents.walk import Step, walk
from tests.docs.pages import text

pytestmark = pytest.mark.slow


def last(verb: str) -> Step:
    return [step for step in walk() if step.words.split()[1] == verb][-1]


def test_every_command_of_the_walk_ends_as_it_should() -> None:
    assert [(step.words.split()[1], step.exit_code) for step in walk()] == [
        ("deploy", 0),
        ("status", 0),
        ("deploy", 0),
        ("deploy", 1),
        ("status", 0),
        ("deploy", 1),
        ("drift", 3),
        ("destroy", 0),
    ]


def test_an_update_that_fails_is_rolled_back_and_its_reason_is_still_known_afterwards() -> None:
    _, _, _, failed, status, *_ = walk()
    assert "✗ orthanc-hospital is UPDATE_ROLLBACK_COMPLETE" in failed.lines
    reason = "root/Orthanc/Service (AWS::ECS::Service): ECS Deployment Circuit Breaker was triggered"
    assert f"  {reason}" in failed.lines
    assert f"failed first: {reason}" in status.lines


def test_the_loss_of_the_database_is_refused() -> None:
    assert "  root/Database/Cluster (AWS::RDS::DBCluster) would be replaced" in last("deploy").lines


def test_of_what_drifted_both_values_are_told() -> None:
    assert any("/RetentionInDays  30 → 7" in line for line in last("drift").lines)


def test_what_is_kept_is_told_when_the_deployment_is_gone() -> None:
    kept = "\n".join(last("destroy").lines)
    for path in ("Keys/DataKey", "Credentials/Users", "Logs/ArchiveBucket", "Backup/Vault"):
        assert f"kept      root/{path} " in kept
    assert ":cluster-snapshot:" in kept


def test_the_documentation_quotes_the_walk() -> None:
    assert filled(text("docs/operations.md"), TRANSCRIPTS) == text("docs/operations.md"), "Run docs/update."

"""What a local store keeps between commands."""

from pathlib import Path

import pytest

from scripts.errors import OperationError
from scripts.local import state


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_credentials_are_made_once_and_for_this_user_alone() -> None:
    made = state.credentials("store")
    assert state.credentials("store") == made
    assert state.credentials("other") != made
    assert (state.folder("store") / "credentials.json").stat().st_mode & 0o077 == 0
    state.forget("store")
    assert state.credentials("store") != made


def test_credentials_are_told_once_even_if_they_were_made_before() -> None:
    made = state.credentials("store")
    assert state.credentials_to_tell("store") == made
    assert state.credentials_to_tell("store") is None


def test_an_address_is_kept_while_the_store_is_up() -> None:
    assert state.url("store") == ""
    state.write_private(state.url_file("store"), "https://localhost:8443")
    assert state.url("store") == "https://localhost:8443"


@pytest.mark.parametrize("name", ["", "Store", "1st", "a/b", "..", "a" * 32, "a\n"])
def test_a_name_that_containers_or_folders_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(OperationError, match="cannot be the name of a local store"):
        state.folder(name)

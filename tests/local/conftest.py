"""The containers of a local store as they would be started, without an engine."""

from pathlib import Path

import pytest

from scripts.local import certificates, state
from scripts.local.services import Options, Service, services

NAME = "store"


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Service, ...]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    authority = tmp_path / "authority.pem"
    return services(
        Options(),
        state.credentials(NAME),
        certificates.issue(authority),
        authority,
        state.users_file(NAME),
        "10.87.0.0/24",
    )

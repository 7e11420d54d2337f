"""One store for all tests that only read it, or that store what others do not look at."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import Running, running


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A store with the viewer and Orthanc's own interface, in the access mode basic."""
    from scripts.local.services import Options

    options = Options(orthanc_interface=True, cors_allowed_origins="https://viewer.example.org")
    with running("e2e", tmp_path_factory.mktemp("e2e"), options) as store:
        yield store

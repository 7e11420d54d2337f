"""One store for all tests that only read it, or that store what others do not look at; and the images in it."""

from collections.abc import Iterator

import pytest

from tests.e2e import stored
from tests.e2e.echo import Echo, echoing
from tests.e2e.running import Running, free_port, running
from tests.e2e.stored import Series, Wheel


@pytest.fixture(scope="session")
def page_port() -> int:
    """The port of loopback that pages of http://localhost come from, which the shared store allows."""
    return free_port()


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory, page_port: int) -> Iterator[Running]:
    """A store with the viewer and Orthanc's own interface, in the access mode basic."""
    from scripts.local.services import Options

    origins = f"https://viewer.example.org,http://localhost:{page_port}"
    options = Options(orthanc_interface=True, cors_allowed_origins=origins)
    with running("e2e", tmp_path_factory.mktemp("e2e"), options) as store:
        yield store


@pytest.fixture(scope="session")
def wheel(shared_store: Running) -> Wheel:
    """The shared store has every image of the pydicom wheel, stored in chunks and then once more with a length."""
    return stored.store_wheel(shared_store)


@pytest.fixture(scope="session")
def long_series(shared_store: Running) -> Series:
    """The shared store has a series of more images than a search of everything returns."""
    return stored.store_long_series(shared_store)


@pytest.fixture(scope="session")
def echo(shared_store: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    """A front beside the shared store, with the same users, whose image store tells what it was sent."""
    with echoing(shared_store, tmp_path_factory.mktemp("echo")) as echo:
        yield echo

"""One emulator for all tests that deploy, and the numbers that tests have measured."""

from collections.abc import Iterator

import pytest

from scripts.aws.session import Connection, Session
from scripts.emulator import Emulator, running


@pytest.fixture(scope="session", autouse=True)
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the tool remembers from one command to the next is not what the user's own commands left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An emulator of the tests' own, which no other process knows of."""
    with running() as emulator:
        yield emulator


@pytest.fixture
def session(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in the emulator's account; the environment points there, too, for the length of the test."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Session(Connection())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells what tests have recorded as `measured`, wherever they ran."""
    passed = terminalreporter.stats.get("passed", [])
    for text in (value for report in passed for name, value in report.user_properties if name == "measured"):
        terminalreporter.write_line(str(text))

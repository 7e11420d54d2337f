"""The emulator starts, is found again, ends, and leaves nothing behind."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from scripts.emulator import Emulator, EmulatorError, ensure_running, process, running, stop
from tests.emulator.account import Account

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of its own for the background emulator, which is ended with the test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    yield tmp_path
    stop()


def answers(emulator: Emulator) -> bool:
    try:
        with urllib.request.urlopen(f"{emulator.endpoint_url}/_ministack/health", timeout=5):
            return True
    except OSError:
        return False


def test_an_emulator_ends_with_its_block_and_takes_its_state_along() -> None:
    with running() as emulator:
        assert answers(emulator)
        folder = emulator.folder

    assert not answers(emulator)
    assert not folder.exists()


def test_an_emulator_does_not_outlive_the_process_that_it_was_started_for() -> None:
    code = "import os; from scripts.emulator import running\n"
    code += (
        "with running() as emulator: print(emulator.endpoint_url, emulator.folder, flush=True); os._exit(1)"
    )

    killed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )

    endpoint_url, folder = killed.stdout.split()
    gone = Emulator(endpoint_url, 0, Path(folder))
    deadline = time.monotonic() + 10
    while answers(gone) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not answers(gone)
    assert not gone.folder.exists()


def test_it_listens_on_the_loopback_interface_only(account: Account) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()
    port = account.emulator.endpoint_url.rpartition(":")[2]
    addresses = [line.split()[1] for line in listening[1:] if line.split()[1].endswith(f":{int(port):04X}")]
    assert "0100007F" in {address.partition(":")[0] for address in addresses}
    assert "00000000" not in {address.partition(":")[0] for address in addresses}


def test_a_background_emulator_is_found_again(runtime_folder: Path) -> None:
    first = ensure_running()
    second = ensure_running()

    assert first == second
    assert first.folder.parent == runtime_folder
    assert first.folder.stat().st_mode & 0o777 == 0o700


def test_a_stopped_emulator_is_gone_and_another_one_starts(runtime_folder: Path) -> None:
    first = ensure_running()

    assert stop()
    assert not answers(first)
    assert not stop()
    assert ensure_running().pid != first.pid


def test_a_killed_emulator_is_replaced(runtime_folder: Path) -> None:
    first = ensure_running()
    os.kill(first.pid, 9)

    second = ensure_running()

    assert second.pid != first.pid
    assert answers(second)


def test_emulators_that_are_asked_for_at_the_same_time_are_one(runtime_folder: Path) -> None:
    code = "from scripts.emulator import ensure_running; print(ensure_running().pid)"
    starts = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=REPOSITORY)
        for _ in range(3)
    ]

    assert len({start.communicate()[0] for start in starts}) == 1
    assert all(start.returncode == 0 for start in starts)


def test_a_start_that_fails_shows_the_end_of_the_log(
    runtime_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = runtime_folder / "bin"
    broken.mkdir()
    (broken / "python").write_text("#!/bin/sh\necho no room on device >&2\nexit 3\n")
    (broken / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken / "python"))

    with pytest.raises(EmulatorError, match=r"status 3:\nno room on device"):
        ensure_running()


def test_a_start_that_hangs_is_given_up(runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = runtime_folder / "python"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hanging))
    monkeypatch.setattr(process, "START_LIMIT", 0.2)

    with pytest.raises(EmulatorError, match="not ready"):
        ensure_running()


def test_the_environment_leads_every_client_to_the_emulator(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com")
    emulator = account.emulator

    environment = dict(os.environ)
    emulator.use(environment)

    assert "AWS_PROFILE" not in environment
    assert "AWS_ENDPOINT_URL_STS" not in environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")
    client = boto3.Session().client("sts")
    assert client.meta.endpoint_url == emulator.endpoint_url
    assert client.get_caller_identity()["Account"] == "000000000000"


def test_the_foreground_prints_its_address_and_ends_on_request(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.emulator", "--folder", str(tmp_path)]
    emulator = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert emulator.stdout
    try:
        address = emulator.stdout.readline().strip()
        assert answers(Emulator(address, emulator.pid, tmp_path))
        emulator.terminate()
        assert emulator.wait(timeout=20) == 0
    finally:
        emulator.kill()
        emulator.wait()
        emulator.stdout.close()
        if emulator.stderr:
            emulator.stderr.close()


def test_a_second_emulator_in_the_same_folder_is_refused(runtime_folder: Path) -> None:
    folder = ensure_running().folder
    command = [sys.executable, "-m", "scripts.emulator", "--folder", str(folder)]

    second = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)

    assert second.returncode == process.LOCK_HELD
    assert "lives in" in second.stderr


def test_importing_the_package_does_not_import_the_emulator() -> None:
    code = "import sys, scripts.emulator; print([m for m in ('ministack', 'boto3', 'hypercorn') if m in sys.modules])"

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )

    assert found.stdout.strip() == "[]"

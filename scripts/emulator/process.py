"""Starts and stops the emulator as a process of its own."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

REGION = "us-east-1"
START_LIMIT = 30.0  # seconds; a start takes well under one on an idle machine
LOCK_HELD = os.EX_TEMPFAIL  # the exit status of an emulator that found another one in its folder
LOG_TAIL = 2000  # characters of the log that an error shows
_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmulatorError(Exception):
    """The emulator did not start, stop or answer; the message says why."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator: where it listens, its process and the folder that holds all of its state."""

    endpoint_url: str
    pid: int
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which any AWS client talks to the emulator and never to an account."""
        config = str(self.folder / "aws-config")
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": config,
            "AWS_SHARED_CREDENTIALS_FILE": config,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def use(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Points `environ` at the emulator; what it said about AWS before goes."""
        for name in [name for name in environ if name.startswith("AWS_")]:
            del environ[name]
        environ.update(self.environment)

    def inject(self, kind: str, target: str, times: int = 1, reason: str = "") -> None:
        """Makes the next `times` occurrences of `target` fail; `scripts.emulator.faults` has the kinds."""
        fault = {"kind": kind, "target": target, "times": times, "reason": reason}
        self._control("faults", json.dumps(fault).encode())

    def is_healthy(self) -> bool:
        """Whether this very process answers at this address."""
        try:
            return bool(self._control("health")["pid"] == self.pid)
        except (EmulatorError, ValueError, KeyError):
            return False

    def _control(self, name: str, body: bytes | None = None) -> dict[str, object]:
        request = urllib.request.Request(f"{self.endpoint_url}/_emulator/{name}", body)
        try:
            with _LOOPBACK.open(request, timeout=5) as response:
                answer: dict[str, object] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise EmulatorError(f"the emulator refused {name}: {error.read().decode()}") from error
        except OSError as error:
            raise EmulatorError(f"the emulator at {self.endpoint_url} does not answer: {error}") from error


@contextlib.contextmanager
def running() -> Iterator[Emulator]:
    """An emulator for the length of the block, on a free port; raises EmulatorError if it does not start."""
    with tempfile.TemporaryDirectory(prefix="orthanc-aws-emulator-") as name:
        folder = Path(name)
        process = _spawn(folder, "--attached")
        try:
            yield _wait(folder, process)
        finally:
            process.kill()  # it would outlive a SIGTERM by half a minute
            process.communicate()


def ensure_running() -> Emulator:
    """The background emulator of this user, started unless it runs; raises EmulatorError if it cannot."""
    folder = _background_folder()
    current = _read(folder)
    if current and current.is_healthy():
        return current
    return _wait(folder, _spawn(folder))


def stop() -> bool:
    """Ends the background emulator and forgets what was deployed to it; False where none ran."""
    folder = _background_folder()
    with (folder / "lock").open("ab") as lock:
        was_running = not _acquired(lock)
        if was_running:
            # The emulator holds the lock as long as it lives: while it is held, the state's process is its own.
            current = _read(folder)
            if current is None:
                raise EmulatorError("the emulator is just being started; stop it again in a moment")
            os.kill(current.pid, signal.SIGKILL)
            fcntl.flock(lock, fcntl.LOCK_EX)
        _clear(folder)
    return was_running


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()


def _background_folder() -> Path:
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = base / f"orthanc-aws-emulator-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise EmulatorError(f"{folder} belongs to somebody else; remove it, or set XDG_RUNTIME_DIR")
    folder.chmod(0o700)
    return folder


def _spawn(folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    if find_spec("ministack") is None:
        raise EmulatorError(
            "ministack is not installed; install it with: pip install 'orthanc-aws[emulator]'"
        )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "TMPDIR": str(folder),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "NO_PROXY": "127.0.0.1",
    }
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.emulator", "--folder", str(folder), *options],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE if options else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(folder: Path, process: "subprocess.Popen[bytes]") -> Emulator:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        emulator = _read(folder)
        if emulator and emulator.is_healthy():
            return emulator
        if process.poll() not in (None, LOCK_HELD):
            raise EmulatorError(f"the emulator ended with status {process.returncode}:\n{_log_tail(folder)}")
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise EmulatorError(f"the emulator was not ready after {START_LIMIT:.0f} seconds:\n{_log_tail(folder)}")


def _read(folder: Path) -> Emulator | None:
    try:
        state = json.loads((folder / "state.json").read_text())
        return Emulator(state["endpoint_url"], state["pid"], folder)
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _acquired(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _log_tail(folder: Path) -> str:
    try:
        return (folder / "log").read_text(errors="replace")[-LOG_TAIL:].strip() or "(its log is empty)"
    except FileNotFoundError:
        return "(it wrote no log)"

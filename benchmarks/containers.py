"""What containers take of this machine, as Linux tells it of their processes."""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.2
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Container:
    """A running container by the process that the engine calls its first; it has a PID namespace of its own."""

    name: str
    pid: int

    def memory(self) -> float:
        """MiB that its processes hold, each page that several of them share counted once (PSS)."""
        return sum(_field(process / "smaps_rollup", "Pss:") for process in self._processes()) / 1024

    def cpu(self) -> float:
        """Seconds of CPU since its start, its processes that have ended included."""
        return sum(_cpu_ticks(process) for process in self._processes()) / _TICKS

    def written(self) -> float:
        """MiB that its processes that run now have had written to disks."""
        return sum(_field(process / "io", "write_bytes:") for process in self._processes()) / _MIB

    def connections_opened(self) -> int:
        """How many TCP connections have been opened in its network since its start."""
        titles, values = (
            line.split()
            for line in (_PROC / f"{self.pid}/net/snmp").read_text().splitlines()
            if line[:4] == "Tcp:"
        )
        return int(values[titles.index("ActiveOpens")])

    def _processes(self) -> Iterator[Path]:
        own = (_PROC / f"{self.pid}/ns/pid").readlink()
        for process in _PROC.glob("[0-9]*"):
            try:
                if (process / "ns/pid").readlink() == own:
                    yield process
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue


def _field(file: Path, title: str) -> int:
    try:
        return next(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(title))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return 0


def _cpu_ticks(process: Path) -> int:
    """User and system time, its own and of its children that have ended. Source: proc(5), fields 14 to 17 of `stat`."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(value) for value in fields[11:15])


@contextmanager
def peak_memory(containers: Mapping[str, Container]) -> Iterator[dict[str, float]]:
    """The most memory in MiB that each container is seen with while the block runs."""
    peaks = dict.fromkeys(containers, 0.0)
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for name, container in containers.items():
                peaks[name] = max(peaks[name], container.memory())
            time.sleep(_SAMPLE_SECONDS)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        ended.set()
        watcher.join()

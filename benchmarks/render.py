"""Measures `orthanc-aws render` and `orthanc-aws lint` as whole processes, beside what they are to be compared with.

Usage: .venv/bin/python benchmarks/render.py [RUNS]
"""

import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
PEER = "cdk synth of aws-samples/orthanc-cdk-deployment (measured once on two cores)"
MIB = 1024  # ru_maxrss counts KiB on Linux


@dataclass(frozen=True)
class Measurement:
    """Wall time in seconds and the greatest resident memory of one process in MiB."""

    seconds: float
    mebibytes: float


PEER_SYNTH = Measurement(seconds=6.6, mebibytes=555)


def run(command: list[str]) -> Measurement:
    """Runs a command to its end, its output thrown away; raises RuntimeError when it fails."""
    start = time.perf_counter()
    null = os.open(os.devnull, os.O_WRONLY)
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)],
    )
    os.close(null)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(command)} failed")
    return Measurement(seconds, usage.ru_maxrss / MIB)


def median(command: list[str], runs: int) -> Measurement:
    """The medians of several runs, after one that fills the caches."""
    run(command)
    measured = [run(command) for _ in range(runs)]
    return Measurement(
        statistics.median(each.seconds for each in measured),
        statistics.median(each.mebibytes for each in measured),
    )


def line(name: str, measured: Measurement) -> str:
    """One line of the table: the figures, and how many times less than the peer's they are."""
    faster, smaller = PEER_SYNTH.seconds / measured.seconds, PEER_SYNTH.mebibytes / measured.mebibytes
    return f"{measured.seconds:8.2f} s {measured.mebibytes:7.0f} MiB {faster:7.1f} {smaller:7.1f}   {name}"


def time_line(name: str, measured: Measurement) -> str:
    """The same of a command that spreads its memory over several processes, of which only the first is seen."""
    return f"{measured.seconds:8.2f} s {'':11} {PEER_SYNTH.seconds / measured.seconds:7.1f} {'':7}   {name}"


def main(runs: int) -> None:
    """Prints the table."""
    tool = f"{BIN}/orthanc-aws"
    print(f"{'median':>10} {'peak':>11} {'faster':>7} {'smaller':>7}   than the peer; {runs} runs each")
    floor = median([sys.executable, "-c", "import troposphere"], runs)
    with tempfile.TemporaryDirectory() as folder:
        render = median([tool, "render", "--templates", folder], runs)
    lint = median([tool, "lint"], runs)
    print(
        line(
            f"orthanc-aws render: {render.seconds / floor.seconds:.1f} times the import of troposphere",
            render,
        )
    )
    print(line("import troposphere, and nothing else", floor))
    print(time_line("orthanc-aws lint, in several processes", lint))
    print(line(PEER, PEER_SYNTH))
    load = os.getloadavg()[0]
    print(f"Load {load:.1f} on {os.cpu_count()} processors: times grow where it is higher than their number.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

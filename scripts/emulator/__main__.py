"""Runs the emulator in the foreground: `python -m scripts.emulator [--port N]`, ended by Ctrl-C."""

import argparse
import tempfile
from pathlib import Path

from scripts.emulator.server import serve


def main() -> None:
    """Serves until it is ended; prints the endpoint's URL on stdout once it is ready."""
    parser = argparse.ArgumentParser(prog="python -m scripts.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of 127.0.0.1 to listen on (0: a free one)")
    parser.add_argument(
        "--folder", type=Path, help="folder for its state and its lock (default: a temporary one)"
    )
    parser.add_argument("--attached", action="store_true", help="end when the standard input is closed")
    arguments = parser.parse_args()
    if arguments.folder:
        serve(arguments.port, arguments.folder, arguments.attached)
    else:
        with tempfile.TemporaryDirectory(prefix="orthanc-aws-emulator-") as folder:
            serve(arguments.port, Path(folder), arguments.attached)


main()

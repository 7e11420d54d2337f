"""Which Orthanc and which plugins this image holds: asked once, as it is built, and read from a file from then on.

Run as a program, it prints a name and a version on each line, with a tab in between. Source: Orthanc's plugin SDK;
every plugin exports the functions `OrthancPluginGetName` and `OrthancPluginGetVersion`.
"""

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PLUGINS = Path("/usr/share/orthanc/plugins-available")
RECORD = Path(__file__).with_name("versions.tsv")
UNKNOWN = "unknown"


def index_plugin() -> str:
    """The version of the plugin that keeps Orthanc's index in PostgreSQL, or `UNKNOWN`."""
    recorded = dict(line.split("\t") for line in RECORD.read_text("utf-8").splitlines())
    return recorded.get("postgresql-index", UNKNOWN)


def _all() -> Iterator[str]:
    said = subprocess.run(["Orthanc", "--version"], capture_output=True, text=True, check=True).stdout
    yield f"orthanc\t{said.split()[1]}"
    for plugin in sorted(PLUGINS.glob("*.so")):
        # Each in a process of its own: one that needs what is not here cannot be loaded, and is left out.
        command = [sys.executable, "-B", __file__, str(plugin)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            yield done.stdout.strip()


def _of_plugin(file: str) -> str:
    plugin = ctypes.CDLL(file)
    for function in (plugin.OrthancPluginGetName, plugin.OrthancPluginGetVersion):
        function.restype = ctypes.c_char_p
    return f"{plugin.OrthancPluginGetName().decode()}\t{plugin.OrthancPluginGetVersion().decode()}"


if __name__ == "__main__":
    print("\n".join(map(_of_plugin, sys.argv[1:]) if sys.argv[1:] else _all()))

"""The command line as real processes on terminals of several kinds, and where the output is not UTF-8."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.cli_options import PROJECT
from scripts.emulator import Emulator
from tests.operations.three_levels import write

COLOUR = re.compile(r"\x1b\[[0-9;]*3\dm")
REDRAWN = "\x1b[?25l"  # the cursor is hidden as long as the tree is drawn again and again


def process(arguments: list[str], terminal: int, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    code = "from scripts.cli import main; main()"
    unset = ("NO_COLOR", "TERM", "PYTHONIOENCODING")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        cwd=PROJECT,
        env={**inherited, **environ},
    )


def shown(arguments: list[str], **environ: str) -> str:
    """All that a terminal gets from a command that succeeds."""
    terminal, end = pty.openpty()
    running = process(arguments, end, environ)
    os.close(end)
    received = b""
    while chunk := _read(terminal):
        received += chunk
    os.close(terminal)
    assert running.wait(timeout=60) == 0, received
    return received.decode(environ.get("PYTHONIOENCODING", "utf-8"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # so Linux tells that nobody has the other end open any more
        return b""


@pytest.fixture
def deployment(tmp_path: Path, emulator: Emulator) -> tuple[list[str], dict[str, str]]:
    """The command that deploys a small set to the emulator, and the environment that it needs."""
    made = write(tmp_path)
    words = ["deploy", str(made.parameters), "--stack-name", made.stack_name, "--templates", str(tmp_path)]
    return [*words, "--yes"], emulator.environment


def test_a_terminal_gets_colours_and_a_tree_that_is_redrawn(
    deployment: tuple[list[str], dict[str, str]],
) -> None:
    words, environ = deployment
    text = shown(words, TERM="xterm-256color", **environ)
    assert COLOUR.search(text)
    assert REDRAWN in text


def test_who_wants_no_colours_gets_none_and_the_tree_all_the_same(
    deployment: tuple[list[str], dict[str, str]],
) -> None:
    words, environ = deployment
    text = shown(words, TERM="xterm-256color", NO_COLOR="1", **environ)
    assert not COLOUR.search(text)
    assert REDRAWN in text


def test_a_dumb_terminal_gets_plain_lines(deployment: tuple[list[str], dict[str, str]]) -> None:
    words, environ = deployment
    text = shown(words, TERM="dumb", **environ)
    assert "\x1b" not in text
    assert "CREATE_COMPLETE      root/Middle (All that there is)" in text


def test_an_empty_no_color_says_nothing() -> None:
    assert COLOUR.search(shown(["validate", "small"], TERM="xterm", NO_COLOR=""))


def test_marks_that_the_encoding_lacks_read_alike_and_differ_from_the_mark_of_the_unknown() -> None:
    assert shown(["validate", "small"], TERM="dumb", PYTHONIOENCODING="latin-1").startswith("ok ")


def test_the_help_can_be_read_in_any_encoding() -> None:
    text = shown(["publish", "catalog", "--help"], TERM="dumb", PYTHONIOENCODING="latin-1")
    assert "organizational unit (ou-...)" in " ".join(text.split())


def test_a_character_without_a_like_is_a_question_mark(tmp_path: Path) -> None:
    file = tmp_path / "Ω.json"
    file.write_text((PROJECT / "parameters" / "small.json").read_text("utf-8"), "utf-8")
    text = shown(["validate", str(file)], TERM="dumb", PYTHONIOENCODING="latin-1")
    assert f"{tmp_path}/?.json is valid" in text

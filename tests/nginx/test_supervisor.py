"""NGINX's part is played by a script, which the supervisor finds on its path."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nginx.supervisor import supervise


@pytest.fixture(autouse=True)
def quit_is_heard() -> Iterator[None]:
    """A shell has what it runs in the background ignore SIGQUIT, and so would the script, which can then trap none."""
    before = signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGQUIT, before)


@pytest.fixture
def nginx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to write the script."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    # pytest's replacements have no file descriptors.
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    return tmp_path / "nginx"


def play(path: Path, lines: str) -> None:
    path.write_text(f"#!/bin/bash\n{lines}\n")
    path.chmod(0o755)


async def for_ever() -> None:
    await asyncio.sleep(60)


SERVES = "trap 'echo finished; exit 0' QUIT\necho ready\nwhile :; do sleep 0.05; done"


def run(part, stop: bool = True) -> int:
    async def both() -> int:
        if stop:
            asyncio.get_running_loop().call_later(0.5, os.kill, os.getpid(), signal.SIGTERM)
        return await supervise(Path("/x.conf"), [part()])

    return asyncio.run(both())


def test_a_stop_lets_nginx_finish(nginx: Path, capfd: pytest.CaptureFixture[str]) -> None:
    play(nginx, SERVES)
    assert run(for_ever) == 0
    assert capfd.readouterr().out.splitlines() == ["ready", "finished"]


def test_an_nginx_that_ends_by_itself_is_a_failure(nginx: Path, capfd: pytest.CaptureFixture[str]) -> None:
    play(nginx, "echo 'x [emerg] bad' >&2; exit 3")
    assert run(for_ever, stop=False) == 1
    assert capfd.readouterr().err.splitlines() == ["x [emerg] bad", "NGINX has ended with code 3."]


def test_a_part_that_fails_ends_nginx(nginx: Path, capfd: pytest.CaptureFixture[str]) -> None:
    play(nginx, SERVES)

    async def fails_later() -> None:
        await asyncio.sleep(0.5)
        raise RuntimeError("broken")

    assert run(fails_later, stop=False) == 1
    assert "RuntimeError('broken')" in capfd.readouterr().err

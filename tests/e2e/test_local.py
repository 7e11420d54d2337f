"""`orthanc-aws local` as a newcomer uses it: real commands, and what they print."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from scripts.client.access import Access
from scripts.local import engine
from tests.e2e.running import free_port
from tests.e2e.stored import Series, make_series

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-modes")]
SCRIPTS = Path(sys.executable).parent
TASKS = ("orthanc-1", "orthanc-2")
RUNNING = {"balancer", "database", "nginx", *TASKS, *(f"{task}-sidecar" for task in TASKS)}
ENDED = {f"{task}-database-role" for task in TASKS}
SECONDS = 120


@dataclass(frozen=True)
class Shell:
    """Where commands are typed, and the name of the store that they are about."""

    state: Path
    name: str
    port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def local(self, verb: str, *arguments: str, answer: str = "", **variables: str) -> "Result":
        """Runs `orthanc-aws local VERB --name NAME ARGUMENTS`."""
        return self.run("local", verb, "--name", self.name, *arguments, answer=answer, **variables)

    def run(self, *arguments: str, answer: str = "", **variables: str) -> "Result":
        """Runs `orthanc-aws ARGUMENTS`."""
        return run(
            [SCRIPTS / "orthanc-aws", *arguments], answer, {"XDG_STATE_HOME": str(self.state), **variables}
        )

    def up(self) -> "Result":
        return self.local("up", "--port", str(self.port), "--base", "debian")


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def table(self) -> dict[str, str]:
        """The rows of names and values that it printed."""
        rows = (line.split(maxsplit=1) for line in self.out.splitlines())
        return {row[0]: row[1] for row in rows}


def run(command: list[str | Path], answer: str, variables: dict[str, str]) -> Result:
    done = subprocess.run(
        command,
        input=answer,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=SECONDS,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    made = Shell(tmp_path_factory.mktemp("local"), f"local-{os.getpid()}", free_port())
    yield made
    assert made.local("down", "--delete").code == 0


@pytest.fixture(scope="module")
def first(shell: Shell) -> Result:
    """What the first `up` ended with."""
    return shell.up()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture(scope="module")
def writer(shell: Shell, first: Result) -> str:
    """The password of the user ct-1, who may store."""
    added = shell.run("users", "--local", shell.name, "add", "ct-1", "--role", "writer", "--generate")
    assert added.code == 0, added.err
    password = added.out.strip()
    wait_until_answered(Access(f"{shell.url}/dicom-web", "ct-1", password, Path(first.table["Authority"])))
    return password


def wait_until_answered(access: Access) -> None:
    session = requests.Session()
    session.trust_env = False
    session.auth, session.verify = (access.user, access.password), str(access.authority)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            if session.get(f"{access.url}/studies?limit=1", timeout=10).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{access.url} does not answer")


def write(folder: Path, series: Series) -> Path:
    folder.mkdir(parents=True)
    for uid, file in series.files.items():
        (folder / f"{uid}.dcm").write_bytes(file)
    return folder


# --- Where nothing is up ---


@pytest.mark.parametrize("words", [["status"], ["logs"], ["logs", "orthanc-1"], ["check"], ["push", "."]])
def test_what_needs_a_store_says_that_none_is_up(tmp_path: Path, words: list[str]) -> None:
    nowhere = Shell(tmp_path, f"nowhere-{os.getpid()}", 8443)
    result = nowhere.local(*words)
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        f"✗ The local store {nowhere.name} is not up\n→ `orthanc-aws local up` starts it.\n"
    )
    assert not list(tmp_path.iterdir()), "it made credentials that nobody was told"


def test_users_of_no_store_are_told(tmp_path: Path) -> None:
    result = Shell(tmp_path, "nowhere", 8443).run("users", "--local", "nowhere", "list")
    assert result.code == 1
    assert "`orthanc-aws local up` makes a store" in result.err


@pytest.mark.parametrize("verb", ["up", "down", "status", "logs", "compose"])
def test_no_engine_in_the_path_is_told(tmp_path: Path, verb: str) -> None:
    result = Shell(tmp_path, "nowhere", 8443).local(verb, PATH=str(tmp_path))
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[:2] == [
        "✗ No container engine",
        "  there is no podman; there is no docker",
    ]


def test_a_taken_port_is_told_before_anything_is_done(tmp_path: Path, taken_port: int) -> None:
    result = Shell(tmp_path, f"nowhere-{os.getpid()}", taken_port).up()
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[0] == f"✗ Port {taken_port} is taken"
    assert len(result.err.splitlines()) == 3
    assert not list(tmp_path.iterdir())


def test_an_impossible_name_is_told(tmp_path: Path) -> None:
    result = Shell(tmp_path, "My Store", 8443).local("up")
    assert result.code == 1
    assert result.err.startswith("✗ 'My Store' cannot be the name of a local store")


def test_an_address_where_nothing_is_ends_at_once(tmp_path: Path) -> None:
    address = f"https://localhost:{free_port()}"
    started = time.monotonic()
    access = ("--url", address, "--user", "alice", "--password-stdin")
    write(tmp_path / "files", make_series(1))
    for words in (["check"], ["push", str(tmp_path / "files")]):
        result = Shell(tmp_path, "nowhere", 8443).local(*words, *access, answer="secret\n")
        assert (result.code, result.out) == (1, "")
        assert result.err.splitlines() == [
            f"✗ {address}/dicom-web cannot be reached",
            "  [Errno 111] Connection refused",
        ]
    assert time.monotonic() - started < 20


# --- The first store ---


def test_the_first_up_tells_where_the_store_is_and_who_may_enter(shell: Shell, first: Result) -> None:
    assert first.code == 0, first.err
    assert first.table.keys() == {"Authority", "DICOMweb", "Password", "User", "Viewer"}
    assert first.table["DICOMweb"] == f"{shell.url}/dicom-web"
    session = requests.Session()
    session.trust_env = False
    session.verify = first.table["Authority"]
    session.auth = (first.table["User"], first.table["Password"])
    assert session.get(f"{first.table['DICOMweb']}/studies").status_code == 200
    assert "<html" in session.get(first.table["Viewer"]).text
    assert "… Waiting for the store to answer" in first.err
    assert first.table["Password"] not in first.err


def test_the_status_names_every_container(shell: Shell, first: Result) -> None:
    result = shell.local("status")
    assert result.code == 0
    assert result.table == dict.fromkeys(RUNNING, "running") | dict.fromkeys(ENDED, "exited")


def test_a_check_tells_what_it_tried(shell: Shell, first: Result) -> None:
    result = shell.local("check")
    assert result.code == 0, result.out + result.err
    assert result.out == ""
    assert [line[:2] for line in result.err.splitlines()] == ["✓ "] * 8


def test_push_sends_what_it_can_and_tells_the_rest(shell: Shell, first: Result, tmp_path: Path) -> None:
    folder = write(tmp_path / "files" / "deeper", make_series(25))
    unfit = folder / "unfit.dcm"
    unfit.write_bytes(bytes(128) + b"DICM" + b"\xff" * 100)
    (folder / "notes.txt").write_text("no image")
    result = shell.local("push", str(tmp_path))
    assert (result.code, result.out) == (1, f"{unfit}: HTTP status 400\n")
    assert result.err.splitlines() == [
        f"… {folder / 'notes.txt'} is passed over: it is no DICOM file of an object",
        "✓ 1 files passed over",
        "✓ 25 files stored",
        "✗ The store refused 1 files",
    ]


def test_push_of_nothing_is_told(shell: Shell, first: Result, tmp_path: Path) -> None:
    result = shell.local("push", str(tmp_path))
    assert (result.code, result.err) == (1, f"✗ There is no DICOM file below {tmp_path}\n")


def test_logs_are_those_of_the_container_that_is_named(shell: Shell, first: Result) -> None:
    shell.local("check")
    audit = [json.loads(line) for line in shell.local("logs").out.splitlines()]
    assert {"store", "search", "retrieve"} <= {line["action"] for line in audit}
    orthanc = shell.local("logs", "orthanc-1")
    assert "Orthanc has started" in orthanc.out + orthanc.err
    unknown = shell.local("logs", "orthanc-3")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.splitlines()[0] == "✗ There is no container orthanc-3"
    assert "orthanc-2" in unknown.err


def test_push_and_check_work_with_an_address_and_another_user(
    shell: Shell, first: Result, writer: str, tmp_path: Path
) -> None:
    write(tmp_path / "files", make_series(3))
    access = ("--url", shell.url, "--user", "ct-1", "--password-stdin")
    known = (*access, "--authority", first.table["Authority"])
    pushed = shell.local("push", str(tmp_path), *known, answer=f"{writer}\n")
    assert (pushed.code, pushed.err) == (0, "✓ 3 files stored\n")
    assert shell.local("check", *known, answer=f"{writer}\n").code == 0
    strange = shell.local("check", *access, answer=f"{writer}\n")
    assert (strange.code, strange.out) == (1, "")
    assert "certificate verify failed" in strange.err
    wrong = shell.local("push", str(tmp_path), *known, answer="guessed\n")
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err.splitlines() == [
        f"✗ {shell.url}/dicom-web lets this user store nothing",
        "  HTTP status 401",
    ]


def test_a_taken_port_leaves_the_store_as_it_is(shell: Shell, first: Result, taken_port: int) -> None:
    assert shell.local("up", "--port", str(taken_port)).code == 1
    assert shell.local("check").code == 0


def test_a_compose_file_leaves_the_store_as_it_is(shell: Shell, first: Result, tmp_path: Path) -> None:
    assert shell.local("compose", "--base", "debian", "--out", str(tmp_path / "compose")).code == 0
    assert shell.local("check").code == 0


def test_images_and_users_are_kept_until_they_are_deleted(
    shell: Shell, first: Result, writer: str, tmp_path: Path
) -> None:
    made = make_series(1)
    assert shell.local("push", str(write(tmp_path / "files", made))).code == 0
    assert_kept(shell.up(), writer, made)
    assert shell.local("down").err == "✓ The image store is down\n"
    assert shell.local("check").err.startswith(f"✗ The local store {shell.name} is not up")
    assert_kept(shell.up(), writer, made)
    assert shell.local("down", "--delete").err == "✓ The image store is down and deleted\n"
    assert not (shell.state / "orthanc-aws" / shell.name).exists()
    container_engine = engine.find()
    for kind in ("volume", "network"):
        assert shell.name not in container_engine.run(kind, "ls", "--format", "{{.Name}}")
    assert shell.name not in container_engine.run("ps", "--all", "--format", "{{.Names}}")


def assert_kept(up: Result, writer: str, made: Series) -> None:
    """Another `up` tells no password again, and what was stored and who could enter is as before."""
    assert up.code == 0, up.err
    assert up.table.keys() == {"Authority", "DICOMweb", "Viewer"}
    session = requests.Session()
    session.trust_env = False
    session.verify, session.auth = up.table["Authority"], ("ct-1", writer)
    found = session.get(f"{up.table['DICOMweb']}/studies", params={"StudyInstanceUID": made.study})
    assert len(found.json()) == 1


# --- Compose ---


@pytest.fixture
def composed(tmp_path: Path) -> Iterator[tuple[Shell, Path]]:
    """A store that a Compose tool brought up from the file that `local compose` wrote."""
    shell = Shell(tmp_path / "state", f"composed-{os.getpid()}", free_port())
    out = tmp_path / "compose"
    options = ("--port", str(shell.port), "--base", "debian", "--out", str(out))
    written = shell.local("compose", *options)
    assert (written.code, written.out) == (0, f"{out / 'compose.yaml'}\n"), written.err
    program = engine.find().program
    tool = [SCRIPTS / "podman-compose"] if program == "podman" else [Path(program), "compose"]
    command: list[str | Path] = [*tool, "--file", out / "compose.yaml"]
    try:
        started = run([*command, "up", "--detach"], "", {})
        assert started.code == 0, started.err
        yield shell, out
    finally:
        run([*command, "down", "--volumes", "--timeout", "1"], "", {})
        engine.find().succeeds("volume", "rm", "--force", f"orthanc-{shell.name}_database-1")
        shell.local("down", "--delete")


def test_the_compose_file_brings_the_same_store_up(composed: tuple[Shell, Path]) -> None:
    shell, out = composed
    assert {file.stat().st_mode & 0o077 for file in out.glob("*.env")} == {0}
    secrets = dict(line.split("=", 1) for line in (out / "nginx.env").read_text().splitlines())
    user, password = secrets["FIRST_USER"], secrets["FIRST_PASSWORD"]
    wait_until_answered(Access(f"{shell.url}/dicom-web", user, password, out / "authority.pem"))
    access = ("--url", shell.url, "--user", user, "--authority", str(out / "authority.pem"))
    checked = shell.local("check", *access, "--password-stdin", answer=f"{password}\n")
    assert checked.code == 0, checked.out + checked.err

"""Generated credentials are nowhere but where they are needed, and no container can do more than it must."""

import json
from pathlib import Path

import pytest
import requests

from tests.e2e.inside import logs
from tests.e2e.running import Running

# Apart from the tests of users, which a login that fails here would count against.
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-inside")]

# Containers of a shipped image, and those that stand in for what AWS runs.
SHIPPED = ("nginx", "orthanc-1", "orthanc-1-sidecar", "orthanc-2", "orthanc-2-sidecar")
EVERY = (*SHIPPED, "balancer", "database", "orthanc-1-database-role", "orthanc-2-database-role")
RUNNING = (*SHIPPED, "balancer", "database")


def passwords(store: Running) -> list[str]:
    made = store.credentials
    return [made.first_password, made.orthanc_password, made.database_password, made.master_password]


@pytest.fixture(scope="module")
def used_store(shared_store: Running) -> Running:
    """A store that has let somebody in, and has refused somebody."""
    assert shared_store.session().get(f"{shared_store.root}/studies?limit=1", timeout=30).status_code == 200
    refused = shared_store.session("admin", "not the password")
    assert refused.get(f"{shared_store.root}/studies?limit=1", timeout=30).status_code in (401, 429)
    return shared_store


@pytest.mark.parametrize("service", EVERY)
def test_no_log_holds_a_password(used_store: Running, service: str) -> None:
    text = logs(used_store, service)
    assert [password for password in [*passwords(used_store), "not the password"] if password in text] == []


def test_no_argument_list_holds_a_password(used_store: Running) -> None:
    lists = b"\0".join(
        (process / "cmdline").read_bytes()
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and (process / "cmdline").exists()
    )
    assert b"--env-file" in lists or b"conmon" in lists, "the containers' processes can be seen"
    assert [password for password in passwords(used_store) if password.encode() in lists] == []


@pytest.mark.parametrize("service", SHIPPED)
def test_no_image_holds_a_secret(used_store: Running, service: str) -> None:
    engine, container = used_store.store.engine, used_store.store.container(service)
    described = engine.inspect(container)
    assert described
    history = engine.run("history", "--no-trunc", described["ImageName"])
    image = engine.run("image", "inspect", described["ImageName"])
    configured = json.loads(image)[0]["Config"].get("Env") or []
    assert [name for name in map(variable, configured) if "PASSWORD" in name or "SECRET" in name] == []
    assert [password for password in passwords(used_store) if password in history + image] == []


def variable(pair: str) -> str:
    return pair.partition("=")[0]


def test_what_is_kept_on_this_machine_is_its_owners_alone(used_store: Running) -> None:
    folder = used_store.authority.parent.parent
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "credentials.json").stat().st_mode & 0o077 == 0
    assert list(folder.glob("*.env")) == [], "environment files go when the container has started"


@pytest.mark.parametrize("service", RUNNING)
def test_no_process_has_root_a_capability_or_a_way_to_get_one(used_store: Running, service: str) -> None:
    status = dict(
        line.split(":", 1)
        for line in inside(used_store, service, "cat", "/proc/self/status").splitlines()
        if ":" in line
    )
    assert "0" not in status["Uid"].split()
    assert "0" not in status["Gid"].split()
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize("service", RUNNING)
def test_the_root_file_system_cannot_be_written_to(used_store: Running, service: str) -> None:
    script = "for d in / /etc /usr/local /var/log /opt; do touch $d/probe 2>/dev/null && echo $d; done; true"
    assert inside(used_store, service, "sh", "-c", script) == ""


@pytest.mark.parametrize("service", ["nginx", "orthanc-1-sidecar"])
def test_keys_and_credentials_lie_in_memory_for_one_user(used_store: Running, service: str) -> None:
    found = inside(used_store, service, "find", "/dev/shm", "-type", "f", "-printf", "%m %p\\n").splitlines()
    assert any("key.pem" in line for line in found)
    assert [line for line in found if line[1:3] != "00" and not line.endswith("nginx.pid")] == []
    kind = inside(used_store, service, "stat", "--file-system", "--format=%T", "/dev/shm")
    assert kind == "tmpfs"
    assert inside(used_store, service, "find", "/tmp", "-type", "f") == ""


def inside(store: Running, service: str, *command: str) -> str:
    return store.store.engine.run("exec", store.store.container(service), *command)


def test_orthanc_answers_nobody_but_its_sidecar(used_store: Running) -> None:
    described = used_store.store.engine.inspect(used_store.store.container("orthanc-1"))
    assert described
    (network,) = described["NetworkSettings"]["Networks"].values()
    made = used_store.credentials
    answer = requests.get(
        f"http://{network['IPAddress']}:8042/system",
        auth=(made.orthanc_user, made.orthanc_password),
        timeout=10,
    )
    assert answer.status_code in (401, 403)

"""The Compose file: what may be seen stands in it, what may not stands beside it."""

import stat
from pathlib import Path

import yaml

from scripts.local import compose
from scripts.local.network import Network
from scripts.local.services import HOSTS, Service

IMAGES = {name: f"localhost/{name}:1" for name in ("balancer", "nginx", "orthanc", "postgresql")}


def test_no_secret_stands_in_the_file(planned: tuple[Service, ...], tmp_path: Path) -> None:
    file = compose.write(tmp_path / "out", planned, IMAGES, Network("orthanc-store", compose.SUBNET, HOSTS))
    text = file.read_text("utf-8")
    for service in planned:
        beside = (tmp_path / "out" / f"{service.name}.env").read_text("utf-8")
        for name, value in service.secrets.items():
            # The names of users are seen elsewhere anyway.
            assert name.endswith("_USER") or value not in text
            assert f"{name}={value}\n" in beside


def test_only_its_owner_can_read_what_is_written(planned: tuple[Service, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    compose.write(out, planned, IMAGES, Network("orthanc-store", compose.SUBNET, HOSTS))
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.iterdir()} == {0o600}


def test_the_containers_are_those_of_the_store_and_as_confined(
    planned: tuple[Service, ...], tmp_path: Path
) -> None:
    file = compose.write(tmp_path, planned, IMAGES, Network("orthanc-store", compose.SUBNET, HOSTS))
    described = yaml.safe_load(file.read_text("utf-8"))
    assert list(described["services"]) == [service.name for service in planned]
    for container in described["services"].values():
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
        assert container["security_opt"] == ["no-new-privileges"]

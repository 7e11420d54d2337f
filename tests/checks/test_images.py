"""What the task definitions hand to the containers is what the images ask for."""

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nginx.settings import Settings, read_settings
from tests.checks.deployment import deploy
from tests.checks.parameter_sets import PARAMETER_SETS

PROJECT = Path(__file__).parents[2]
# What only AWS knows, and what Fargate adds by itself.
KNOWN_TO_AWS = {
    "DATABASE_HOST": "orthanc-0123abcd-1.cluster-0123456789ab.eu-west-1.rds.amazonaws.com",
    "IMAGE_BUCKET": "orthanc-storage-imagebucket-0123456789ab",
    "USERS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orthanc-0123abcd/users-0aB1cD",
}
OF_FARGATE = {"AWS_REGION": "eu-west-1"}
SECRETS = {
    "USERS": '{"users": {}}',
    "DATABASE_USER": "orthanc_a",
    "DATABASE_MASTER_USER": "orthanc_master",
    "ORTHANC_USER": "nginx",
    "FIRST_USER": "admin",
}
EACH_SET = pytest.mark.parametrize("parameter_set", PARAMETER_SETS)


def containers(parameter_set: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The folder of its image, and the definition, of each container."""
    made = deploy(PARAMETER_SETS[parameter_set]).resources()
    for task in ("NginxTaskDefinition", "OrthancTaskDefinition"):
        for container in made[task]["Properties"]["ContainerDefinitions"]:
            yield "nginx" if container["Command"][0] in ("front", "sidecar") else "orthanc", container


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    plain = {
        variable["Name"]: variable["Value"]
        if isinstance(variable["Value"], str)
        else KNOWN_TO_AWS[variable["Name"]]
        for variable in container["Environment"]
    }
    secrets = {
        name: SECRETS.get(name, "Zp3kQ9w0") for name in (item["Name"] for item in container["Secrets"])
    }
    return plain | secrets


def of_command(parameter_set: str, command: str) -> dict[str, str]:
    (found,) = [environment(each) for _, each in containers(parameter_set) if each["Command"] == [command]]
    return found


def orthanc_settings() -> ModuleType:
    """The module of the Orthanc image, which is no package."""
    spec = importlib.util.spec_from_file_location("settings", PROJECT / "orthanc" / "program" / "settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@EACH_SET
def test_the_front_accepts_what_it_is_handed_and_knows_every_variable(parameter_set: str) -> None:
    handed = of_command(parameter_set, "front")
    assert handed.keys() <= {field.name.upper() for field in fields(Settings)}
    settings = read_settings({**handed, "INTERNAL_CA": __file__})
    assert settings.access_mode == PARAMETER_SETS[parameter_set].get("AccessMode", "basic")


@EACH_SET
@pytest.mark.parametrize("command", ["orthanc", "database-role"])
def test_orthanc_accepts_what_it_is_handed_and_knows_every_variable(parameter_set: str, command: str) -> None:
    settings, handed = orthanc_settings(), of_command(parameter_set, command)
    with_bucket = settings.BUCKET if handed.get("IMAGE_STORAGE") == "s3" else {}
    asked = {
        "orthanc": (settings.DATABASE, settings.ORTHANC, with_bucket),
        "database-role": (settings.DATABASE, settings.MASTER),
    }[command]
    settings.check({**handed, **OF_FARGATE, "DATABASE_AUTHORITIES": __file__}, *asked)
    assert handed.keys() <= {name for group in (*asked, settings.BUCKET) for name in group}


@EACH_SET
def test_images_declare_the_user_and_the_writable_directories_of_their_containers(parameter_set: str) -> None:
    for folder, container in containers(parameter_set):
        dockerfile = (PROJECT / folder / "Dockerfile").read_text("utf-8")
        assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)[-1] == container["User"]
        (volumes,) = re.findall(r"^VOLUME (\[.+\])$", dockerfile, re.MULTILINE)
        mounted = {mount["ContainerPath"] for mount in container["MountPoints"]}
        assert mounted <= set(json.loads(volumes))

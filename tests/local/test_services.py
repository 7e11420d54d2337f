"""A local store hands each image what the task definitions hand it; where not, that stands here with a reason."""

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.local.services import Service
from tests.checks.rendered import rendered_set

COMMANDS = ("front", "sidecar", "orthanc", "database-role")
ONLY_ON_AWS = {
    "front": {
        "USERS": "here the users stand in a file",
        "USERS_SECRET_ARN": "here the users stand in a file",
    },
    "orthanc": {"IMAGE_BUCKET": "here DICOM files are always kept in the database"},
}
ONLY_HERE = {
    "front": {
        "PUBLIC_PORT": "443 on AWS, which needs root here",
        "INTERNAL_PORT": "443 on AWS, where the two load balancers are not one process",
        "INTERNAL_CA": "on AWS a public authority, which the image knows",
        "USERS_FILE": "on AWS the users stand in a secret",
    },
    "orthanc": {"DATABASE_AUTHORITIES": "on AWS those of RDS, which the image brings"},
    "database-role": {"DATABASE_AUTHORITIES": "on AWS those of RDS, which the image brings"},
}
# Literal values that differ.
OTHER_VALUES = {"IMAGE_STORAGE": "on AWS the parameters choose"}
EACH_COMMAND = pytest.mark.parametrize("command", COMMANDS)


def on_aws(command: str) -> Mapping[str, Any]:
    """The container definition of a command."""
    (found,) = [
        container
        for template in ("nginx", "orthanc")
        for _, task in rendered_set()[template].resources("AWS::ECS::TaskDefinition")
        for container in task["Properties"]["ContainerDefinitions"]
        if container["Command"] == [command]
    ]
    return found


def here(planned: tuple[Service, ...], command: str) -> list[Service]:
    """The containers of a command: two of those of Orthanc's task."""
    return [service for service in planned if service.command == (command,)]


def test_every_command_of_the_task_definitions_runs_here(planned: tuple[Service, ...]) -> None:
    counts = {command: len(here(planned, command)) for command in COMMANDS}
    assert counts == {"front": 1, "sidecar": 2, "orthanc": 2, "database-role": 2}
    others = {service.name for service in planned} - {
        service.name for command in COMMANDS for service in here(planned, command)
    }
    assert others == {"balancer", "database"}


@EACH_COMMAND
def test_the_variables_are_the_same(planned: tuple[Service, ...], command: str) -> None:
    definition = on_aws(command)
    there = {item["Name"] for item in (*definition["Environment"], *definition["Secrets"])}
    for service in here(planned, command):
        names = {*service.environment, *service.secrets}
        assert there - names == ONLY_ON_AWS.get(command, {}).keys()
        assert names - there == ONLY_HERE.get(command, {}).keys()


@EACH_COMMAND
def test_what_is_secret_there_is_secret_here(planned: tuple[Service, ...], command: str) -> None:
    secret = {item["Name"] for item in on_aws(command)["Secrets"]} - ONLY_ON_AWS.get(command, {}).keys()
    for service in here(planned, command):
        assert service.secrets.keys() == secret


@EACH_COMMAND
def test_what_is_fixed_there_has_the_same_value_here(planned: tuple[Service, ...], command: str) -> None:
    fixed = {
        item["Name"]: item["Value"]
        for item in on_aws(command)["Environment"]
        if isinstance(item["Value"], str) and item["Name"] not in OTHER_VALUES
    }
    for service in here(planned, command):
        assert {name: service.environment[name] for name in fixed} == fixed


@EACH_COMMAND
def test_the_same_places_can_be_written_to(planned: tuple[Service, ...], command: str) -> None:
    # A database role is made in seconds, and writes nothing: there it is given no volume.
    places = {mount["ContainerPath"] for mount in on_aws(command)["MountPoints"]} | {"/tmp"}
    for service in here(planned, command):
        assert set(service.scratch) == places

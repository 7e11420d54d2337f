"""A container that was broken into can write nothing, become nobody and find no password lying about."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.operations.properties import values
from tests.checks.house_rules.rule import Finding, must, must_not, resources, rule
from tests.checks.rendered import Template

_TASK = "AWS::ECS::TaskDefinition"
_SECRET_NAME = re.compile(
    r"(PASS(WORD|WD|PHRASE)?$|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY)(?!.*_(ARN|NAME)$)", re.IGNORECASE
)


def _containers(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for logical_id, task in template.resources(_TASK):
        for container in values(task, "Properties/ContainerDefinitions/*"):
            if container is not None:
                yield logical_id, container


def user(template: Template) -> Iterator[Finding]:
    for logical_id, container in _containers(template):
        if re.match(r"(0|root)?(:|$)", str(container.get("User", ""))):
            yield Finding(logical_id, f"{container.get('Name')}/User", "is root")


def image_digest(template: Template) -> Iterator[Finding]:
    """A parameter whose pattern asks for a digest."""
    parameters = template.section("Parameters")
    for logical_id, container in _containers(template):
        image = container.get("Image")
        parameter = parameters.get(image["Ref"], {}) if isinstance(image, dict) and "Ref" in image else {}
        if "@sha256:[0-9a-f]{64}$" not in parameter.get("AllowedPattern", ""):
            yield Finding(logical_id, f"{container.get('Name')}/Image", "is not asked for by digest")


def logging(template: Template) -> Iterator[Finding]:
    for logical_id, container in _containers(template):
        options = container.get("LogConfiguration", {}).get("Options", {})
        path = f"{container.get('Name')}/LogConfiguration"
        if container.get("LogConfiguration", {}).get("LogDriver") != "awslogs":
            yield Finding(logical_id, path, "is not awslogs")
        elif options.get("mode") not in ("blocking", "non-blocking"):
            yield Finding(logical_id, path, "does not say its mode")
        elif options["mode"] == "non-blocking" and not _is_ample(options.get("max-buffer-size", "")):
            yield Finding(logical_id, path, "has a buffer of less than 10 MiB")


def _is_ample(size: str) -> bool:
    match = re.fullmatch(r"(\d+)m", size)
    return bool(match) and int(match[1]) >= 10  # type: ignore[index]


def secrets(template: Template) -> Iterator[Finding]:
    for logical_id, container in _containers(template):
        for variable in values(container, "Environment/*"):
            if variable is not None and _SECRET_NAME.search(variable["Name"]):
                yield Finding(
                    logical_id, f"{container.get('Name')}/Environment", f"{variable['Name']} is in clear"
                )


def _container(text: str) -> str:
    return resources(f"Task: {{Type: '{_TASK}', Properties: {{ContainerDefinitions: [{{{text}}}]}}}}")


def _each(path: str, reason: str, *allowed: Any) -> Any:
    return must(_TASK, f"ContainerDefinitions/*/{path}", reason, *allowed)


RULES = (
    _each("ReadonlyRootFilesystem", "What cannot be written cannot be replaced.", True),
    _each("LinuxParameters/Capabilities/Drop", "The servers need none of root's powers.", ["ALL"]),
    _each("LinuxParameters/InitProcessEnabled", "Somebody must collect ended processes.", True),
    must_not(_TASK, "ContainerDefinitions/*/Privileged", "A privileged container is the host.", True),
    rule(
        "TaskDefinition/user",
        "Root in a container is a step from root on the host.",
        user,
        _container("Name: nginx"),
        _container("Name: nginx, User: root"),
        _container("Name: nginx, User: '0:101'"),
    ),
    rule(
        "TaskDefinition/image",
        "A tag can be moved to another image; a digest cannot.",
        image_digest,
        _container("Name: nginx, Image: 'nginx:latest'"),
        "Parameters: {Image: {Type: String}}\n" + _container("Name: nginx, Image: !Ref Image"),
    ),
    rule(
        "TaskDefinition/logging",
        "The default mode drops lines of the audit log when its small buffer is full.",
        logging,
        _container("Name: nginx"),
        _container("Name: nginx, LogConfiguration: {LogDriver: awslogs, Options: {}}"),
        _container(
            "Name: nginx, LogConfiguration: "
            "{LogDriver: awslogs, Options: {mode: non-blocking, max-buffer-size: 1m}}"
        ),
    ),
    rule(
        "TaskDefinition/secrets",
        "Whoever may read a task definition may read its environment.",
        secrets,
        _container("Name: orthanc, Environment: [{Name: DATABASE_PASSWORD, Value: x}]"),
        _container("Name: orthanc, Environment: [{Name: PGPASS, Value: x}]"),
    ),
    must(_TASK, "NetworkMode", "Each task has its own security group.", "awsvpc"),
    must(_TASK, "TaskRoleArn", "What a task may do is said, not inherited."),
    must(_TASK, "ExecutionRoleArn", "Pulling and reading secrets is not the application's right."),
    must(
        "AWS::ECS::Service", "DeploymentConfiguration/DeploymentCircuitBreaker/Enable", "It must end.", True
    ),
    must(
        "AWS::ECS::Service",
        "DeploymentConfiguration/DeploymentCircuitBreaker/Rollback",
        "It must work.",
        True,
    ),
    must("AWS::ECS::Service", "DeploymentConfiguration/Alarms/Rollback", "Errors take it back.", True),
    must("AWS::ECS::Service", "AvailabilityZoneRebalancing", "One zone must not hold all.", "ENABLED"),
    must("AWS::ECS::Service", "PropagateTags", "Costs are told apart by tags.", "SERVICE"),
    must("AWS::ECS::Service", "EnableExecuteCommand", "A shell beside the data is for nobody.", False),
    must("AWS::ECR::Repository", "ImageTagMutability", "A tag that moves hides what runs.", "IMMUTABLE"),
    must("AWS::ECR::Repository", "ImageScanningConfiguration/ScanOnPush", "Known holes are told.", True),
    must("AWS::ECR::Repository", "LifecyclePolicy/LifecyclePolicyText", "Old images cost."),
    must("AWS::CodeBuild::Project", "LogsConfig/CloudWatchLogs/GroupName", "The log is ours to encrypt."),
    must("AWS::CodeBuild::Project", "Source/BuildSpec", "What a build runs is what was reviewed."),
)

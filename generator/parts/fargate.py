"""Fargate tasks and services as this project runs them: no root, nothing writable but scratch, no secret in sight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from awacs import ecr, kms, logs, secretsmanager
from awacs.aws import Statement, StringEquals
from troposphere import FindInMap, GetAtt, Join, Ref, Region, Sub, Template, applicationautoscaling, ecs, iam

from generator.core import Value
from generator.kinds import (
    ClusterName,
    Image,
    KeyArn,
    LogGroupName,
    SecretArn,
    SecurityGroupId,
    Span,
    SubnetIds,
    TargetGroupArn,
)
from generator.limits import STOP_SECONDS
from generator.names import arn
from generator.parts.notes import described
from generator.parts.policies import allow, service_role

# CPU units and MiB of memory that Fargate offers together. Source: ECS developer guide, "Task CPU and memory".
SIZES = {
    "0.25vcpu-0.5gib": (256, 512),
    "0.5vcpu-1gib": (512, 1024),
    "1vcpu-2gib": (1024, 2048),
    "1vcpu-4gib": (1024, 4096),
    "2vcpu-4gib": (2048, 4096),
    "2vcpu-8gib": (2048, 8192),
    "4vcpu-8gib": (4096, 8192),
    "4vcpu-16gib": (4096, 16384),
    "8vcpu-32gib": (8192, 32768),
}
ARCHITECTURES = ("ARM64", "X86_64")
CPU_TARGET_PERCENT = 60
TASK_SPANS = ("1-1", "1-2", "1-4", "2-2", "2-4", "2-6", "2-10", "3-6", "3-12", "4-8", "4-20", "6-20")


class TaskSize(Value):
    """A pair of CPU and memory that Fargate offers."""


class Architecture(Value):
    """The processors that tasks run on, which images must be built for."""

    constraints = {"AllowedValues": list(ARCHITECTURES)}  # noqa: RUF012 - a constant of the class


@dataclass(frozen=True)
class Container:
    """What one container of a task needs; `secrets` maps an environment variable to a secret and a key of its JSON."""

    name: str
    image: Image
    user: str
    command: Sequence[str]
    log_group: LogGroupName
    log_buffer: str
    environment: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, tuple[SecretArn, str]] = field(default_factory=dict)
    scratch: Sequence[str] = ()
    port: int | None = None
    essential: bool = True
    properties: Mapping[str, Any] = field(default_factory=dict)

    def definition(self) -> ecs.ContainerDefinition:
        """The container as a part of a task definition."""
        properties = dict(self.properties)
        if self.port:
            properties["PortMappings"] = [ecs.PortMapping(ContainerPort=self.port, Protocol="tcp")]
        return ecs.ContainerDefinition(
            Name=self.name,
            Image=self.image,
            Essential=self.essential,
            User=self.user,
            Command=list(self.command),
            ReadonlyRootFilesystem=True,
            Privileged=False,
            LinuxParameters=ecs.LinuxParameters(
                Capabilities=ecs.KernelCapabilities(Drop=["ALL"]), InitProcessEnabled=True
            ),
            StopTimeout=STOP_SECONDS,
            Environment=[ecs.Environment(Name=name, Value=value) for name, value in self.environment.items()],
            Secrets=[
                ecs.Secret(Name=name, ValueFrom=_secret_reference(secret, key))
                for name, (secret, key) in self.secrets.items()
            ],
            MountPoints=[
                ecs.MountPoint(SourceVolume=self.volume(path), ContainerPath=path, ReadOnly=False)
                for path in self.scratch
            ],
            LogConfiguration=self._log_configuration(),
            **properties,
        )

    def volume(self, path: str) -> str:
        """The name of the volume of a scratch directory: no two containers share one."""
        return f"{self.name}{path.replace('/', '-')}"

    def _log_configuration(self) -> ecs.LogConfiguration:
        """Buffered, so that an outage of CloudWatch stops nothing; the buffers span minutes of full load."""
        return ecs.LogConfiguration(
            LogDriver="awslogs",
            Options={
                "awslogs-group": self.log_group,
                "awslogs-region": Region,
                "awslogs-stream-prefix": self.name,
                "mode": "non-blocking",
                "max-buffer-size": self.log_buffer,
            },
        )


def _secret_reference(secret: SecretArn, key: str) -> Any:
    """A whole secret, or one key of its JSON. Source: ECS developer guide, "Pass Secrets Manager secrets"."""
    return Sub(f"{secret.in_sub}:{key}::") if key else secret


def task_definition(
    template: Template,
    containers: Sequence[Container],
    *,
    family: str,
    size: TaskSize,
    architecture: Architecture,
    task_role: iam.Role,
    data_key: KeyArn,
) -> ecs.TaskDefinition:
    """Adds a task definition, and the role by which ECS fetches its images and secrets and writes its logs."""
    template.add_mapping(
        "TaskSizes", {name: {"Cpu": str(cpu), "Memory": str(memory)} for name, (cpu, memory) in SIZES.items()}
    )
    execution_role = _add_execution_role(template, containers, data_key)
    return template.add_resource(
        ecs.TaskDefinition(
            "TaskDefinition",
            Family=Sub(f"${{Deployment}}-{family}"),
            RequiresCompatibilities=["FARGATE"],
            NetworkMode="awsvpc",
            Cpu=FindInMap("TaskSizes", size, "Cpu"),
            Memory=FindInMap("TaskSizes", size, "Memory"),
            RuntimePlatform=ecs.RuntimePlatform(CpuArchitecture=architecture, OperatingSystemFamily="LINUX"),
            ExecutionRoleArn=GetAtt(execution_role, "Arn"),
            TaskRoleArn=GetAtt(task_role, "Arn"),
            ContainerDefinitions=[container.definition() for container in containers],
            Volumes=[
                ecs.Volume(Name=container.volume(path))
                for container in containers
                for path in container.scratch
            ],
        )
    )


def _add_execution_role(template: Template, containers: Sequence[Container], data_key: KeyArn) -> iam.Role:
    groups = _unique(arn("logs", f"log-group:{container.log_group.in_sub}:*") for container in containers)
    secrets = _unique(secret for container in containers for secret, _ in container.secrets.values())
    return service_role(
        template,
        "ExecutionRole",
        "ecs-tasks",
        allow("FindRegistry", [ecr.GetAuthorizationToken], ["*"]),
        allow(
            "PullImages",
            [ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer],
            [arn("ecr", "repository/*", account="*")],
        ),
        allow("WriteLogs", [logs.CreateLogStream, logs.PutLogEvents], groups),
        *secrets_access(secrets, data_key),
    )


def secrets_access(secrets: Sequence[Any], data_key: KeyArn) -> list[Statement]:
    """Statements that let a role read secrets, and nothing else that their key encrypts."""
    return [
        allow("ReadSecrets", [secretsmanager.GetSecretValue], secrets),
        allow(
            "DecryptSecrets",
            [kms.Decrypt],
            [data_key],
            StringEquals("kms:ViaService", Sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}")),
        ),
    ]


def _unique(expressions: Any) -> list[Any]:
    """The expressions in their order, each once, told apart by what they render to."""
    return list({str(expression.to_dict()): expression for expression in expressions}.values())


@dataclass(frozen=True)
class Placement:
    """Where a service's tasks run, and what load balancer sends to them."""

    cluster: ClusterName
    subnets: SubnetIds
    group: SecurityGroupId
    targets: TargetGroupArn
    container: str
    port: int
    grace_seconds: int
    rollback_alarm: str


def service(template: Template, tier: str, task: ecs.TaskDefinition, place: Placement) -> ecs.Service:
    """Adds a service that replaces its tasks one by one, and goes back by itself when the new ones fail.

    The number of tasks is left to auto scaling: stated here, it would be set back with every deployment.
    """
    made = ecs.Service(
        "Service",
        Cluster=place.cluster,
        TaskDefinition=Ref(task),
        LaunchType="FARGATE",
        PlatformVersion="1.4.0",
        SchedulingStrategy="REPLICA",
        AvailabilityZoneRebalancing="ENABLED",
        EnableECSManagedTags=True,
        PropagateTags="SERVICE",
        EnableExecuteCommand=False,
        HealthCheckGracePeriodSeconds=place.grace_seconds,
        DeploymentConfiguration=ecs.DeploymentConfiguration(
            MinimumHealthyPercent=100,
            MaximumPercent=200,
            DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True),
            Alarms=ecs.DeploymentAlarms(AlarmNames=[Ref(place.rollback_alarm)], Enable=True, Rollback=True),
        ),
        LoadBalancers=[
            ecs.LoadBalancer(
                ContainerName=place.container, ContainerPort=place.port, TargetGroupArn=place.targets
            )
        ],
        NetworkConfiguration=ecs.NetworkConfiguration(
            AwsvpcConfiguration=ecs.AwsvpcConfiguration(
                AssignPublicIp="DISABLED", Subnets=place.subnets, SecurityGroups=[place.group]
            )
        ),
    )
    return template.add_resource(described(made, f"The {tier} service"))


def scale(
    template: Template, cluster: ClusterName, made: ecs.Service, tasks: Span
) -> applicationautoscaling.ScalableTarget:
    """Adds auto scaling of a service between two numbers of tasks, on its CPU."""
    target = template.add_resource(
        applicationautoscaling.ScalableTarget(
            "ScalableTarget",
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId=Join("/", ["service", cluster, GetAtt(made, "Name")]),
            MinCapacity=tasks.least,
            MaxCapacity=tasks.greatest,
        )
    )
    track(template, target, "CpuScaling", "ECSServiceAverageCPUUtilization", CPU_TARGET_PERCENT)
    return target


def track(
    template: Template,
    target: applicationautoscaling.ScalableTarget,
    title: str,
    metric: str,
    value: int,
    **specification: Any,
) -> None:
    """Adds a target-tracking policy: out within a minute, back in only after five."""
    template.add_resource(
        applicationautoscaling.ScalingPolicy(
            title,
            PolicyName=title,
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=Ref(target),
            TargetTrackingScalingPolicyConfiguration=applicationautoscaling.TargetTrackingScalingPolicyConfiguration(
                PredefinedMetricSpecification=applicationautoscaling.PredefinedMetricSpecification(
                    PredefinedMetricType=metric, **specification
                ),
                TargetValue=value,
                ScaleOutCooldown=60,
                ScaleInCooldown=300,
            ),
        )
    )


def sizes(*names: str) -> dict[str, Any]:
    """The constraints of a parameter that is one of these sizes, the first of them by default."""
    unknown = set(names) - SIZES.keys()
    if unknown:
        raise ValueError(f"Fargate has no size {', '.join(sorted(unknown))}")
    return {"Default": names[0], "AllowedValues": sorted(names, key=lambda name: SIZES[name])}

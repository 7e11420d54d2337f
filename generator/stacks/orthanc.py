"""The Orthanc tier: tasks of Orthanc behind an NGINX sidecar that ends TLS in front of it."""

from dataclasses import dataclass

from awacs import kms, s3
from awacs.aws import StringEquals
from troposphere import Equals, GetAtt, If, Not, Sub, Template, ecs, iam

from generator import ports
from generator.core import Stack, output, parameter
from generator.kinds import (
    ClusterName,
    DeploymentName,
    Image,
    KeyArn,
    LoadBalancerName,
    LogGroupName,
    OptionalBucketName,
    SecretArn,
    SecurityGroupId,
    ServiceName,
    Span,
    SubnetIds,
    TargetGroupArn,
    TargetGroupName,
    Text,
    TopicArn,
)
from generator.limits import INDEX_CONNECTIONS
from generator.parts.fargate import (
    TASK_SPANS,
    Architecture,
    Container,
    Placement,
    TaskSize,
    scale,
    service,
    sizes,
    task_definition,
)
from generator.parts.policies import allow, service_role
from generator.parts.tier import Tier, add_failure_alarm, add_tier_alarms
from generator.stacks.database import DATABASE_NAME
from generator.stacks.nginx import NGINX_USER

ORTHANC_USER = "999:999"
LOG_BUFFER = "25m"
SLOW_SECONDS = 10
# Loading the index of a large store and waiting for a database that fails over both take minutes.
START_SECONDS = 300


@dataclass(frozen=True)
class OrthancInputs:
    deployment: DeploymentName = parameter("The name that the tier's role and task family begin with.")
    cluster: ClusterName = parameter("The ECS cluster.")
    application_subnets: SubnetIds = parameter("The subnets that the tasks run in.")
    orthanc_group: SecurityGroupId = parameter("The security group of the tasks.")
    target_group: TargetGroupArn = parameter("The target group that the tasks join.")
    target_group_name: TargetGroupName = parameter("The target group as CloudWatch names it.")
    load_balancer_name: LoadBalancerName = parameter("The internal load balancer as CloudWatch names it.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")
    orthanc_log_group: LogGroupName = parameter("The log group of the tasks.")
    orthanc_image: Image = parameter(
        "The Orthanc image by its digest, built from the folder 'orthanc' of this project; `orthanc-aws deploy` makes"
        " it where none is given."
    )
    nginx_image: Image = parameter(
        "The NGINX image by its digest, built from the folder 'nginx' of this project; `orthanc-aws deploy` makes it"
        " where none is given."
    )
    architecture: Architecture = parameter(
        "The processors that tasks run on; the images must be built for them. ARM64 costs a fifth less.",
        Default="ARM64",
    )
    orthanc_task_size: TaskSize = parameter(
        "The size of each Orthanc task. Its caches take more than a gibibyte of memory.",
        **sizes("2vcpu-8gib", "1vcpu-4gib", "2vcpu-4gib", "4vcpu-8gib", "4vcpu-16gib", "8vcpu-32gib"),
    )
    orthanc_tasks: Span = parameter(
        "The least and the greatest number of Orthanc tasks. Two or more survive the loss of a zone; each holds 21"
        " connections to the database.",
        Default="2-6",
        AllowedValues=list(TASK_SPANS),
    )
    database_endpoint: Text = parameter("The host name of the database's writer.")
    database_master_secret: SecretArn = parameter(
        "The master user's credential, which each task's first step makes Orthanc's role with."
    )
    database_credential: SecretArn = parameter("What Orthanc shows to the database.")
    orthanc_credential: SecretArn = parameter("What NGINX shows to Orthanc.")
    data_key: KeyArn = parameter("The key that encrypts the secrets and the image bucket.")
    image_bucket: OptionalBucketName = parameter(
        "The bucket that DICOM files are kept in; empty to keep them in the database."
    )


@dataclass(frozen=True)
class OrthancOutputs:
    service: ServiceName = output("The ECS service of the Orthanc tasks.")


def build(template: Template, inputs: OrthancInputs) -> OrthancOutputs:
    """The Orthanc service: its tasks, roles, auto scaling and alarms."""
    template.add_condition("HasImageBucket", Not(Equals(inputs.image_bucket, "")))
    task_role = _add_task_role(template, inputs)
    task = task_definition(
        template,
        [_database_role(inputs), _orthanc(inputs), _sidecar(inputs)],
        family="orthanc",
        size=inputs.orthanc_task_size,
        architecture=inputs.architecture,
        task_role=task_role,
        data_key=inputs.data_key,
    )
    tier = Tier("Orthanc", inputs.load_balancer_name, inputs.target_group_name, inputs.topic)
    made = service(template, "Orthanc", task, _placement(inputs, add_failure_alarm(template, tier)))
    scale(template, inputs.cluster, made, inputs.orthanc_tasks)
    add_tier_alarms(template, tier, SLOW_SECONDS)
    return OrthancOutputs(service=ServiceName(GetAtt(made, "Name")))


def _placement(inputs: OrthancInputs, rollback_alarm: str) -> Placement:
    return Placement(
        cluster=inputs.cluster,
        subnets=inputs.application_subnets,
        group=inputs.orthanc_group,
        targets=inputs.target_group,
        container="sidecar",
        port=ports.ORTHANC_SIDECAR,
        grace_seconds=START_SECONDS,
        rollback_alarm=rollback_alarm,
    )


def _add_task_role(template: Template, inputs: OrthancInputs) -> iam.Role:
    """The one role that may touch the images in S3: the bucket's policy names it."""
    return service_role(
        template,
        "TaskRole",
        "ecs-tasks",
        allow("FindImages", [s3.ListBucket], [Sub("arn:${AWS::Partition}:s3:::${ImageBucket}")]),
        allow(
            "StoreImages",
            [s3.GetObject, s3.PutObject, s3.DeleteObject, s3.AbortMultipartUpload],
            [Sub("arn:${AWS::Partition}:s3:::${ImageBucket}/*")],
        ),
        allow(
            "EncryptImages",
            [kms.Decrypt, kms.GenerateDataKey],
            [inputs.data_key],
            StringEquals("kms:ViaService", Sub("s3.${AWS::Region}.${AWS::URLSuffix}")),
        ),
        condition="HasImageBucket",
        RoleName=Sub("${Deployment}-orthanc-task"),
    )


def _database_role(inputs: OrthancInputs) -> Container:
    """Makes the role that Orthanc logs in with, then ends: only this step ever sees the master's credential.

    ECS hands a task its secrets once, as it starts; RDS rotates the master's every week, which nothing that goes on
    running knows, and so cannot be cut off by.
    """
    return Container(
        name="database-role",
        image=inputs.orthanc_image,
        user=ORTHANC_USER,
        command=["database-role"],
        essential=False,
        log_group=inputs.orthanc_log_group,
        log_buffer=LOG_BUFFER,
        environment=_database_environment(inputs),
        secrets={
            "DATABASE_MASTER_USER": (inputs.database_master_secret, "username"),
            "DATABASE_MASTER_PASSWORD": (inputs.database_master_secret, "password"),
            **_database_secrets(inputs),
        },
    )


def _orthanc(inputs: OrthancInputs) -> Container:
    return Container(
        name="orthanc",
        image=inputs.orthanc_image,
        user=ORTHANC_USER,
        command=["orthanc"],
        log_group=inputs.orthanc_log_group,
        log_buffer=LOG_BUFFER,
        environment={
            **_database_environment(inputs),
            "INDEX_CONNECTIONS": str(INDEX_CONNECTIONS),
            "IMAGE_STORAGE": If("HasImageBucket", "s3", "database"),
            "IMAGE_BUCKET": inputs.image_bucket,
        },
        secrets={
            **_database_secrets(inputs),
            "ORTHANC_USER": (inputs.orthanc_credential, "username"),
            "ORTHANC_PASSWORD": (inputs.orthanc_credential, "password"),
        },
        scratch=["/tmp", "/var/lib/orthanc"],
        properties={
            "DependsOn": [ecs.ContainerDependency(ContainerName="database-role", Condition="SUCCESS")],
            "HealthCheck": ecs.HealthCheck(
                Command=["CMD", "/usr/local/bin/healthy"],
                Interval=30,
                Timeout=15,
                # A database that fails over must not cost the whole fleet.
                Retries=10,
                StartPeriod=START_SECONDS,
            ),
        },
    )


def _sidecar(inputs: OrthancInputs) -> Container:
    return Container(
        name="sidecar",
        image=inputs.nginx_image,
        user=NGINX_USER,
        command=["sidecar"],
        log_group=inputs.orthanc_log_group,
        log_buffer=LOG_BUFFER,
        scratch=["/tmp"],
        port=ports.ORTHANC_SIDECAR,
        properties={"DependsOn": [ecs.ContainerDependency(ContainerName="orthanc", Condition="START")]},
    )


def _database_environment(inputs: OrthancInputs) -> dict[str, object]:
    return {
        "DATABASE_HOST": inputs.database_endpoint,
        "DATABASE_PORT": str(ports.POSTGRESQL),
        "DATABASE_NAME": DATABASE_NAME,
    }


def _database_secrets(inputs: OrthancInputs) -> dict[str, tuple[SecretArn, str]]:
    return {
        "DATABASE_USER": (inputs.database_credential, "username"),
        "DATABASE_PASSWORD": (inputs.database_credential, "password"),
    }


ORTHANC = Stack("orthanc", OrthancInputs, OrthancOutputs, build)

"""The NGINX tier: the DICOMweb front that checks users, streams uploads and writes the audit log."""

from dataclasses import dataclass

from troposphere import GetAtt, Sub, Template

from generator import ports
from generator.core import Stack, output, parameter
from generator.kinds import (
    CidrBlock,
    ClusterName,
    DeploymentName,
    Flag,
    HostName,
    Image,
    KeyArn,
    LoadBalancerName,
    LogGroupName,
    Number,
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
from generator.limits import IDLE_SECONDS
from generator.parts.fargate import (
    TASK_SPANS,
    Architecture,
    Container,
    Placement,
    TaskSize,
    scale,
    secrets_access,
    service,
    sizes,
    task_definition,
    track,
)
from generator.parts.policies import service_role
from generator.parts.tier import Tier, add_failure_alarm, add_tier_alarms

NGINX_USER = "101:101"
AUDIT_LOG_BUFFER = "64m"
REQUESTS_PER_TASK_AND_MINUTE = 3000
SLOW_SECONDS = 10
GRACE_SECONDS = 60


@dataclass(frozen=True)
class NginxInputs:
    deployment: DeploymentName = parameter("The name that the tier's task family begins with.")
    cluster: ClusterName = parameter("The ECS cluster.")
    application_subnets: SubnetIds = parameter("The subnets that the tasks run in.")
    nginx_group: SecurityGroupId = parameter("The security group of the tasks.")
    target_group: TargetGroupArn = parameter("The target group that the tasks join.")
    target_group_name: TargetGroupName = parameter("The target group as CloudWatch names it.")
    load_balancer_name: LoadBalancerName = parameter("The public load balancer as CloudWatch names it.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")
    nginx_log_group: LogGroupName = parameter("The log group of the tasks: the audit log.")
    nginx_image: Image = parameter("The NGINX image by its digest.")
    architecture: Architecture = parameter("The processors that tasks run on.")
    nginx_task_size: TaskSize = parameter(
        "The size of each NGINX task.", **sizes("0.5vcpu-1gib", "0.25vcpu-0.5gib", "1vcpu-2gib", "2vcpu-4gib")
    )
    nginx_tasks: Span = parameter(
        "The least and the greatest number of NGINX tasks. Two or more survive the loss of a zone.",
        Default="2-6",
        AllowedValues=list(TASK_SPANS),
    )
    domain_name: HostName = parameter("The name that clients reach the image store by.")
    internal_name: HostName = parameter("The name that NGINX reaches Orthanc by.")
    access_mode: Text = parameter("How clients prove who they are.")
    jwt_read_scope: Text = parameter("The scope of a token that makes its bearer a reader.")
    jwt_write_scope: Text = parameter("The scope of a token that makes its bearer a writer.")
    vpc_cidr: CidrBlock = parameter("Where the load balancer lies, which tells the address of a client.")
    viewer: Flag = parameter(
        "Whether the OHIF viewer is at /viewer/, with the same login. With access mode jwt nobody can open it: a"
        " browser has no token to show.",
        Default="true",
    )
    orthanc_interface: Flag = parameter(
        "Whether administrators reach Orthanc's own interface, which can delete, at /orthanc/.",
        Default="false",
    )
    cors_allowed_origins: Text = parameter(
        "Web pages of these origins may use the store from a browser: up to ten, joined by commas, such as"
        " https://viewer.example.org; empty for none.",
        Default="",
        AllowedPattern=r"^(https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(,https://[A-Za-z0-9.-]+(:[0-9]{1,5})?){0,9})?$",
        ConstraintDescription="must be up to ten origins (https://HOST), joined by commas without spaces, or empty.",
    )
    largest_upload_gib: Number = parameter(
        "A single request may upload this many gibibytes. Files over 2 GiB cannot be read back from a database.",
        Default=4,
        MinValue=1,
        MaxValue=64,
        ConstraintDescription="must be a number of gibibytes from 1 to 64.",
    )
    first_user: SecretArn = parameter("Name and password of the first user.")
    users: SecretArn = parameter("The other users: names, roles and password hashes.")
    orthanc_credential: SecretArn = parameter("What NGINX shows to Orthanc.")
    data_key: KeyArn = parameter("The key that encrypts the secrets.")


@dataclass(frozen=True)
class NginxOutputs:
    service: ServiceName = output("The ECS service of the NGINX tasks.")


def build(template: Template, inputs: NginxInputs) -> NginxOutputs:
    """The NGINX service: its tasks, roles, auto scaling and alarms."""
    task_role = service_role(
        template, "TaskRole", "ecs-tasks", *secrets_access([inputs.users], inputs.data_key)
    )
    task = task_definition(
        template,
        [_nginx(inputs)],
        family="nginx",
        size=inputs.nginx_task_size,
        architecture=inputs.architecture,
        task_role=task_role,
        data_key=inputs.data_key,
    )
    tier = Tier("Nginx", inputs.load_balancer_name, inputs.target_group_name, inputs.topic)
    made = service(template, "NGINX", task, _placement(inputs, add_failure_alarm(template, tier)))
    target = scale(template, inputs.cluster, made, inputs.nginx_tasks)
    track(
        template,
        target,
        "RequestScaling",
        "ALBRequestCountPerTarget",
        REQUESTS_PER_TASK_AND_MINUTE,
        ResourceLabel=Sub(f"{inputs.load_balancer_name.in_sub}/{inputs.target_group_name.in_sub}"),
    )
    add_tier_alarms(template, tier, SLOW_SECONDS)
    return NginxOutputs(service=ServiceName(GetAtt(made, "Name")))


def _placement(inputs: NginxInputs, rollback_alarm: str) -> Placement:
    return Placement(
        cluster=inputs.cluster,
        subnets=inputs.application_subnets,
        group=inputs.nginx_group,
        targets=inputs.target_group,
        container="nginx",
        port=ports.NGINX,
        grace_seconds=GRACE_SECONDS,
        rollback_alarm=rollback_alarm,
    )


def _nginx(inputs: NginxInputs) -> Container:
    return Container(
        name="nginx",
        image=inputs.nginx_image,
        user=NGINX_USER,
        command=["front"],
        log_group=inputs.nginx_log_group,
        log_buffer=AUDIT_LOG_BUFFER,
        environment={
            "DOMAIN_NAME": inputs.domain_name,
            "INTERNAL_NAME": inputs.internal_name,
            "ACCESS_MODE": inputs.access_mode,
            "JWT_READ_SCOPE": inputs.jwt_read_scope,
            "JWT_WRITE_SCOPE": inputs.jwt_write_scope,
            "TRUSTED_PROXIES": inputs.vpc_cidr,
            "VIEWER": inputs.viewer,
            "ORTHANC_UI": inputs.orthanc_interface,
            "CORS_ALLOWED_ORIGINS": inputs.cors_allowed_origins,
            "LARGEST_UPLOAD": Sub("${LargestUploadGib}g"),
            "IDLE_SECONDS": str(IDLE_SECONDS),
            # Read again while NGINX runs, so that a change of users needs no new tasks.
            "USERS_SECRET_ARN": inputs.users,
        },
        secrets={
            "USERS": (inputs.users, ""),
            "FIRST_USER": (inputs.first_user, "username"),
            "FIRST_PASSWORD": (inputs.first_user, "password"),
            "ORTHANC_USER": (inputs.orthanc_credential, "username"),
            "ORTHANC_PASSWORD": (inputs.orthanc_credential, "password"),
        },
        scratch=["/tmp"],
        port=ports.NGINX,
    )


NGINX = Stack("nginx", NginxInputs, NginxOutputs, build)

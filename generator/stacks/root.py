"""The root: its parameters are the form that users fill in, and its resources are the other stacks, wired together."""

from dataclasses import dataclass
from typing import Any

from troposphere import And, Equals, FindInMap, Not, Partition, Sub, Template

from generator.core import InputsT, OutputsT, Stack, Value, gather, nest, output
from generator.form import RootInputs
from generator.kinds import DeploymentName, Text
from generator.names import unique_name
from generator.rules import add_rules
from generator.stacks.backup import BACKUP
from generator.stacks.budget import BUDGET
from generator.stacks.certificates import CERTIFICATES
from generator.stacks.cluster import CLUSTER
from generator.stacks.credentials import CREDENTIALS
from generator.stacks.database import DATABASE
from generator.stacks.firewall import FIREWALL
from generator.stacks.internal_balancer import INTERNAL_BALANCER
from generator.stacks.keys import KEYS
from generator.stacks.logs import LOGS
from generator.stacks.monitoring import MONITORING
from generator.stacks.network import NETWORK
from generator.stacks.nginx import NGINX
from generator.stacks.notifications import NOTIFICATIONS
from generator.stacks.orthanc import ORTHANC
from generator.stacks.public_balancer import PUBLIC_BALANCER
from generator.stacks.storage import STORAGE
from generator.stacks.trail import TRAIL


@dataclass(frozen=True)
class RootOutputs:
    dicom_web_url: Text = output("The DICOMweb root: give this to modalities, viewers and scripts.")
    viewer_url: Text = output("The OHIF viewer, where browsers can open it.")
    load_balancer_dns_name: Text = output(
        "The target of the domain name's DNS record, if you make it yourself."
    )
    first_user_secret: Text = output(
        "The secret with the name and password of the first user, an administrator."
    )
    users_secret: Text = output("The secret with the other users.")
    dashboard_url: Text = output("The CloudWatch dashboard.")
    alarm_topic: Text = output("The topic that alarms are sent to.")
    audit_log_group: Text = output("The log group that tells who asked for what.")
    firewall: Text = output("The web ACL in front of the store.")
    backup_vault: Text = output("The backup vault.")
    archive_bucket: Text = output("The bucket of the trail's files.")
    export_bucket: Text = output("The bucket of the database's exports.")
    image_bucket: Text = output("The bucket of the DICOM files, where they are not kept in the database.")
    trail: Text = output("The CloudTrail trail, where this deployment has one of its own.")
    trail_log_group: Text = output("The log group of the trail's events.")
    budget: Text = output("The budget, where one is set.")
    vpc: Text = output("The VPC, to connect other networks to.")
    application_route_tables: Text = output(
        "The route tables of the application subnets: routes to networks that you connect go here."
    )
    template_source: Text = output("Where this deployment's templates lie.")


@dataclass(frozen=True)
class _Named:
    """What the stacks that name their resources after the deployment are handed."""

    deployment: DeploymentName


def build(template: Template, inputs: RootInputs) -> RootOutputs:
    """Orthanc as a secure DICOMweb image store: the root of the nested stacks."""
    named = _Named(DeploymentName(unique_name()))

    def add(stack: Stack[InputsT, OutputsT], *sources: Any, condition: str = "", **wires: Value) -> OutputsT:
        """Every stack may show inputs of its own in the form; `sources` are the others whose outputs it takes."""
        return nest(template, stack, gather(stack.inputs, inputs, named, *sources, **wires), condition)

    add_rules(template, inputs)
    _add_conditions(template, inputs)
    keys = add(KEYS)
    notifications = add(NOTIFICATIONS, keys)
    logs = add(LOGS, keys)
    network = add(NETWORK, logs)
    credentials = add(CREDENTIALS, keys)
    storage = add(STORAGE, keys, logs, condition="StoresInS3")
    database = add(DATABASE, keys, network, notifications)
    trail = add(TRAIL, keys, notifications, logs, storage, condition="HasTrail")
    certificates = add(CERTIFICATES)
    public_balancer = add(PUBLIC_BALANCER, network, logs, certificates, notifications)
    internal_balancer = add(INTERNAL_BALANCER, network, logs, certificates, notifications)
    firewall = add(FIREWALL, logs, public_balancer)
    cluster = add(CLUSTER, keys)
    tier = (keys, notifications, logs, network, credentials, cluster)
    orthanc = add(ORTHANC, *tier, storage, database, internal_balancer)
    nginx = add(NGINX, *tier, certificates, public_balancer)
    backup = add(BACKUP, keys, logs, database, storage, notifications)
    monitoring = add(
        MONITORING,
        *(logs, notifications, cluster, database),
        public_balancer=public_balancer.load_balancer_name,
        nginx_targets=public_balancer.target_group_name,
        internal_balancer=internal_balancer.load_balancer_name,
        orthanc_targets=internal_balancer.target_group_name,
        nginx_service=nginx.service,
        orthanc_service=orthanc.service,
    )
    budget = add(BUDGET, notifications, condition="HasBudget")
    return RootOutputs(
        dicom_web_url=Text(Sub("https://${DomainName}/dicom-web/")),
        viewer_url=Text(Sub("https://${DomainName}/viewer/"), condition="HasViewer"),
        load_balancer_dns_name=public_balancer.dns_name,
        first_user_secret=_as_text(credentials.first_user),
        users_secret=_as_text(credentials.users),
        dashboard_url=_dashboard_url(template, monitoring.dashboard),
        alarm_topic=_as_text(notifications.topic),
        audit_log_group=_as_text(logs.nginx_log_group),
        firewall=firewall.web_acl,
        backup_vault=backup.vault,
        archive_bucket=_as_text(logs.archive_bucket),
        export_bucket=_as_text(backup.export_bucket),
        image_bucket=_as_text(storage.image_bucket),
        trail=trail.trail,
        trail_log_group=_as_text(logs.trail_log_group),
        budget=budget.budget,
        vpc=_as_text(network.vpc),
        application_route_tables=_as_text(network.application_route_tables),
        template_source=Text(Sub("s3://${TemplateBucket}/${TemplateKeyPrefix} (${TemplateRegion})")),
    )


def _add_conditions(template: Template, inputs: RootInputs) -> None:
    template.add_condition("HasTrail", Equals(inputs.create_trail, "true"))
    template.add_condition("StoresInS3", Equals(inputs.image_storage, "s3"))
    template.add_condition("HasBudget", Not(Equals(inputs.monthly_budget, "0")))
    template.add_condition(
        "HasViewer", And(Equals(inputs.viewer, "true"), Not(Equals(inputs.access_mode, "jwt")))
    )


def _as_text(value: Value) -> Text:
    """An output of another kind, for people to read."""
    return Text(value.unconditional, value.origin, condition=value.condition)


def _dashboard_url(template: Template, dashboard: Text) -> Text:
    template.add_mapping(
        "Console",
        {
            "aws": {"Domain": "console.aws.amazon.com"},
            "aws-us-gov": {"Domain": "console.amazonaws-us-gov.com"},
            "aws-cn": {"Domain": "console.amazonaws.cn"},
        },
    )
    return Text(
        Sub(
            "https://${Domain}/cloudwatch/home?region=${AWS::Region}#dashboards:name=${Dashboard}",
            Domain=FindInMap("Console", Partition, "Domain"),
            Dashboard=dashboard.data,
        )
    )


ROOT = Stack("root", RootInputs, RootOutputs, build)

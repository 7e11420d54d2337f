"""The root: its parameters are the form that users fill in, and its resources are the other stacks, wired together."""

from dataclasses import dataclass

from troposphere import (
    And,
    Equals,
    FindInMap,
    Not,
    Or,
    Partition,
    Sub,
    Template,
)

from generator.core import Stack, Value, gather, nest, output, parameter, shown
from generator.kinds import (
    BucketName,
    CidrBlock,
    CidrBlocks,
    DeploymentName,
    Flag,
    HostName,
    Image,
    Number,
    OptionalBucketName,
    OptionalCertificateArn,
    OptionalHostedZoneId,
    OptionalHostName,
    OptionalVaultArn,
    RetentionDays,
    Span,
    SslPolicy,
    Text,
)
from generator.names import unique_name
from generator.parts.fargate import Architecture, TaskSize
from generator.parts.location import LocationInputs
from generator.stacks.backup import BACKUP, BackupInputs
from generator.stacks.budget import BUDGET, BudgetInputs
from generator.stacks.certificates import CERTIFICATES, CertificatesInputs
from generator.stacks.cluster import CLUSTER, ClusterInputs
from generator.stacks.credentials import CREDENTIALS, CredentialsInputs
from generator.stacks.database import DATABASE, DatabaseInputs
from generator.stacks.firewall import FIREWALL, FirewallInputs
from generator.stacks.internal_balancer import INTERNAL_BALANCER, InternalBalancerInputs
from generator.stacks.keys import KEYS, KeysInputs
from generator.stacks.logs import LOGS, LogsInputs
from generator.stacks.monitoring import MONITORING, MonitoringInputs
from generator.stacks.network import NETWORK, NetworkInputs
from generator.stacks.nginx import NGINX, NginxInputs
from generator.stacks.notifications import NOTIFICATIONS, NotificationsInputs
from generator.stacks.orthanc import ORTHANC, OrthancInputs
from generator.stacks.public_balancer import PUBLIC_BALANCER, PublicBalancerInputs
from generator.stacks.storage import STORAGE, StorageInputs
from generator.stacks.trail import TRAIL, TrailInputs

ADDRESS = "Address and certificates"
ACCESS = "Who may connect"
IMAGES = "Container images"
STORE = "Image storage and database"
CAPACITY = "Capacity"
NETWORK_GROUP = "Network"
RECORDS = "Logs and archive"
BACKUPS = "Backup"
WATCH = "Alarms and budget"
SOURCE = "Where the templates lie (filled in by the deploy tool and by launch links)"


@dataclass(frozen=True)
class RootInputs:
    domain_name: HostName = shown(CertificatesInputs, group=ADDRESS, label="Domain name")
    hosted_zone_id: OptionalHostedZoneId = shown(
        CertificatesInputs, group=ADDRESS, label="Route 53 hosted zone"
    )
    certificate_arn: OptionalCertificateArn = shown(CertificatesInputs, group=ADDRESS, label="Certificate")
    internal_domain_name: OptionalHostName = shown(
        CertificatesInputs, group=ADDRESS, label="Internal domain name"
    )
    internal_certificate_arn: OptionalCertificateArn = shown(
        CertificatesInputs, group=ADDRESS, label="Internal certificate"
    )
    ssl_policy: SslPolicy = shown(PublicBalancerInputs, group=ADDRESS, label="TLS security policy")

    scheme: Text = shown(PublicBalancerInputs, group=ACCESS, label="Where clients come from")
    client_ranges: CidrBlocks = shown(NetworkInputs, group=ACCESS, label="Client address ranges")
    access_mode: Text = shown(PublicBalancerInputs, group=ACCESS, label="Access mode")
    jwt_issuer: Text = shown(PublicBalancerInputs, group=ACCESS, label="Token issuer (jwt)")
    jwt_jwks_url: Text = shown(PublicBalancerInputs, group=ACCESS, label="Token keys (jwt)")
    jwt_read_scope: Text = shown(PublicBalancerInputs, group=ACCESS, label="Scope for reading (jwt)")
    jwt_write_scope: Text = shown(PublicBalancerInputs, group=ACCESS, label="Scope for storing (jwt)")
    trust_store_bucket: OptionalBucketName = shown(
        PublicBalancerInputs, group=ACCESS, label="Bucket of client authorities (mtls)"
    )
    trust_store_key: Text = shown(
        PublicBalancerInputs, group=ACCESS, label="Key of client authorities (mtls)"
    )
    viewer: Flag = shown(NginxInputs, group=ACCESS, label="Viewer in the browser")
    orthanc_interface: Flag = shown(NginxInputs, group=ACCESS, label="Orthanc's own interface")
    cors_allowed_origins: Text = shown(NginxInputs, group=ACCESS, label="Web origins (CORS)")
    rate_limit: Number = shown(FirewallInputs, group=ACCESS, label="Requests per address in five minutes")

    orthanc_image: Image = shown(OrthancInputs, group=IMAGES, label="Orthanc image")
    nginx_image: Image = shown(OrthancInputs, group=IMAGES, label="NGINX image")
    architecture: Architecture = shown(OrthancInputs, group=IMAGES, label="Processor architecture")

    image_storage: Text = parameter(
        "Where DICOM files are kept: in the database, with one point-in-time recovery for index and images, or in S3,"
        " which is cheaper from some terabytes on. It cannot be changed once files are stored.",
        group=STORE,
        label="DICOM files",
        Default="database",
        AllowedValues=["database", "s3"],
    )
    database_capacity: Span = shown(DatabaseInputs, group=STORE, label="Database capacity")
    database_reader: Flag = shown(DatabaseInputs, group=STORE, label="Second database instance")
    deletion_protection: Flag = shown(DatabaseInputs, group=STORE, label="Deletion protection")
    database_snapshot: Text = shown(DatabaseInputs, group=STORE, label="Snapshot to begin from")
    database_generation: Number = shown(DatabaseInputs, group=STORE, label="Database generation")
    database_credential_generation: Text = shown(
        CredentialsInputs, group=STORE, label="Generation of Orthanc's database credential"
    )

    orthanc_task_size: TaskSize = shown(OrthancInputs, group=CAPACITY, label="Orthanc task size")
    orthanc_tasks: Span = shown(OrthancInputs, group=CAPACITY, label="Orthanc tasks")
    nginx_task_size: TaskSize = shown(NginxInputs, group=CAPACITY, label="NGINX task size")
    nginx_tasks: Span = shown(NginxInputs, group=CAPACITY, label="NGINX tasks")
    largest_upload_gib: Number = shown(NginxInputs, group=CAPACITY, label="Largest upload (GiB)")

    vpc_cidr: CidrBlock = shown(NetworkInputs, group=NETWORK_GROUP, label="VPC address range")
    internet_egress: Text = shown(NetworkInputs, group=NETWORK_GROUP, label="Way out for tasks")

    log_retention_days: RetentionDays = shown(LogsInputs, group=RECORDS, label="Days that logs are kept")
    archive_lock_days: Number = shown(LogsInputs, group=RECORDS, label="Days that the archive is locked")
    create_trail: Flag = parameter(
        "Whether to create a CloudTrail trail of all regions; choose false where the account has one already, as a"
        " second one costs twice.",
        group=RECORDS,
        label="Create a trail",
        Default="true",
    )

    daily_backup_days: Number = shown(BackupInputs, group=BACKUPS, label="Days that daily snapshots are kept")
    monthly_backup_days: Number = shown(
        BackupInputs, group=BACKUPS, label="Days that monthly snapshots are kept"
    )
    backup_copy_vault_arn: OptionalVaultArn = shown(KeysInputs, group=BACKUPS, label="Vault for copies")
    database_export: Text = shown(BackupInputs, group=BACKUPS, label="Export of the database to S3")

    alarm_email: Text = shown(NotificationsInputs, group=WATCH, label="E-mail address for alarms")
    monthly_budget: Number = shown(BudgetInputs, group=WATCH, label="Monthly budget (USD)")

    template_bucket: BucketName = shown(LocationInputs, group=SOURCE, label="Bucket")
    template_region: Text = shown(LocationInputs, group=SOURCE, label="Region")
    template_key_prefix: Text = shown(LocationInputs, group=SOURCE, label="Key prefix")


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


def build(template: Template, inputs: RootInputs) -> RootOutputs:
    """Orthanc as a secure DICOMweb image store: the root of the nested stacks."""
    _add_rules(template, inputs)
    template.add_condition("HasTrail", Equals(inputs.create_trail, "true"))
    template.add_condition("StoresInS3", Equals(inputs.image_storage, "s3"))
    template.add_condition("HasBudget", Not(Equals(inputs.monthly_budget, "0")))
    template.add_condition(
        "HasViewer", And(Equals(inputs.viewer, "true"), Not(Equals(inputs.access_mode, "jwt")))
    )
    deployment = DeploymentName(unique_name())

    keys = nest(template, KEYS, gather(KeysInputs, inputs, deployment=deployment))
    notifications = nest(template, NOTIFICATIONS, gather(NotificationsInputs, inputs, keys))
    logs = nest(template, LOGS, gather(LogsInputs, inputs, keys, deployment=deployment))
    network = nest(template, NETWORK, gather(NetworkInputs, inputs, logs, deployment=deployment))
    credentials = nest(template, CREDENTIALS, gather(CredentialsInputs, inputs, keys, deployment=deployment))
    storage = nest(
        template, STORAGE, gather(StorageInputs, keys, logs, deployment=deployment), condition="StoresInS3"
    )
    database = nest(
        template,
        DATABASE,
        gather(DatabaseInputs, inputs, keys, network, notifications, deployment=deployment),
    )
    trail = nest(
        template,
        TRAIL,
        gather(TrailInputs, keys, notifications, logs, storage, deployment=deployment),
        condition="HasTrail",
    )
    certificates = nest(template, CERTIFICATES, gather(CertificatesInputs, inputs))
    public_balancer = nest(
        template,
        PUBLIC_BALANCER,
        gather(PublicBalancerInputs, inputs, network, logs, certificates, notifications),
    )
    internal_balancer = nest(
        template,
        INTERNAL_BALANCER,
        gather(InternalBalancerInputs, inputs, network, logs, certificates, notifications),
    )
    firewall = nest(template, FIREWALL, gather(FirewallInputs, inputs, logs, public_balancer))
    cluster = nest(template, CLUSTER, gather(ClusterInputs, keys, deployment=deployment))
    orthanc = nest(
        template,
        ORTHANC,
        gather(
            OrthancInputs,
            *(
                inputs,
                keys,
                notifications,
                logs,
                network,
                credentials,
                storage,
                database,
                internal_balancer,
                cluster,
            ),
            deployment=deployment,
        ),
    )
    nginx = nest(
        template,
        NGINX,
        gather(
            NginxInputs,
            *(
                inputs,
                keys,
                notifications,
                logs,
                network,
                credentials,
                certificates,
                public_balancer,
                cluster,
            ),
            deployment=deployment,
        ),
    )
    backup = nest(
        template,
        BACKUP,
        gather(BackupInputs, inputs, keys, logs, database, storage, notifications, deployment=deployment),
    )
    monitoring = nest(
        template,
        MONITORING,
        gather(
            MonitoringInputs,
            *(logs, notifications, cluster, database),
            deployment=deployment,
            public_balancer=public_balancer.load_balancer_name,
            nginx_targets=public_balancer.target_group_name,
            internal_balancer=internal_balancer.load_balancer_name,
            orthanc_targets=internal_balancer.target_group_name,
            nginx_service=nginx.service,
            orthanc_service=orthanc.service,
        ),
    )
    budget = nest(
        template,
        BUDGET,
        gather(BudgetInputs, inputs, notifications, deployment=deployment),
        condition="HasBudget",
    )
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


def _add_rules(template: Template, inputs: RootInputs) -> None:
    """What must hold between parameters, told before anything is created."""

    def is_set(value: Text | OptionalHostedZoneId | OptionalCertificateArn | OptionalBucketName) -> Not:
        return Not(Equals(value, ""))

    def rule(name: str, description: str, assertion: object, condition: object = None) -> None:
        made: dict[str, object] = {"RuleCondition": condition} if condition else {}
        template.add_rule(
            name, {**made, "Assertions": [{"Assert": assertion, "AssertDescription": description}]}
        )

    rule(
        "CertificatesOrHostedZone",
        "Give either a Route 53 hosted zone or the ARNs of both certificates (CertificateArn and"
        " InternalCertificateArn).",
        Or(
            is_set(inputs.hosted_zone_id),
            And(is_set(inputs.certificate_arn), is_set(inputs.internal_certificate_arn)),
        ),
    )
    rule(
        "NotBothCertificatesAndHostedZone",
        "With a Route 53 hosted zone both certificates are issued for you: leave CertificateArn and"
        " InternalCertificateArn empty.",
        And(Equals(inputs.certificate_arn, ""), Equals(inputs.internal_certificate_arn, "")),
        is_set(inputs.hosted_zone_id),
    )
    rule(
        "InternalNameIsAnother",
        "InternalDomainName must not be DomainName: inside the VPC it leads to Orthanc and not to the store's front.",
        Not(Equals(inputs.internal_domain_name, inputs.domain_name)),
    )
    rule(
        "AnotherDatabaseBeginsFromASnapshot",
        "DatabaseGeneration replaces the database; give the snapshot that the new one begins from in DatabaseSnapshot.",
        Or(Equals(inputs.database_generation, "1"), is_set(inputs.database_snapshot)),
    )
    rule(
        "TokenKeysMustBeReachable",
        "An internal load balancer fetches the token issuer's keys through a NAT gateway: with access mode jwt,"
        " InternetEgress cannot be none.",
        Or(Not(Equals(inputs.access_mode, "jwt")), Not(Equals(inputs.internet_egress, "none"))),
        Equals(inputs.scheme, "internal"),
    )
    rule(
        "TokensNeedAnIssuer",
        "Access mode jwt needs JwtIssuer and JwtJwksUrl.",
        And(is_set(inputs.jwt_issuer), is_set(inputs.jwt_jwks_url)),
        Equals(inputs.access_mode, "jwt"),
    )
    rule(
        "ClientCertificatesNeedATrustStore",
        "Access mode mtls needs TrustStoreBucket and TrustStoreKey.",
        And(is_set(inputs.trust_store_bucket), is_set(inputs.trust_store_key)),
        Equals(inputs.access_mode, "mtls"),
    )


ROOT = Stack("root", RootInputs, RootOutputs, build)

"""The form that users fill in: the root's parameters, each in its group and with its label."""

from dataclasses import dataclass

from generator.core import parameter, shown
from generator.kinds import (
    BucketName,
    CidrBlock,
    CidrBlocks,
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
from generator.parts.fargate import Architecture, TaskSize
from generator.parts.location import LocationInputs
from generator.stacks.backup import BackupInputs
from generator.stacks.budget import BudgetInputs
from generator.stacks.certificates import CertificatesInputs
from generator.stacks.credentials import CredentialsInputs
from generator.stacks.database import DatabaseInputs
from generator.stacks.firewall import FirewallInputs
from generator.stacks.keys import KeysInputs
from generator.stacks.logs import LogsInputs
from generator.stacks.network import NetworkInputs
from generator.stacks.nginx import NginxInputs
from generator.stacks.notifications import NotificationsInputs
from generator.stacks.orthanc import OrthancInputs
from generator.stacks.public_balancer import PublicBalancerInputs

ADDRESS = "Address and certificates"
ACCESS = "Who may connect"
IMAGES = "Container images"
STORE = "Image storage and database"
CAPACITY = "Capacity"
NETWORK = "Network"
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

    vpc_cidr: CidrBlock = shown(NetworkInputs, group=NETWORK, label="VPC address range")
    internet_egress: Text = shown(NetworkInputs, group=NETWORK, label="Way out for tasks")

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

"""Aurora Serverless v2 PostgreSQL: Orthanc's index and, unless S3 is chosen, the DICOM files themselves."""

from dataclasses import dataclass
from typing import Any

from troposphere import Equals, FindInMap, GetAtt, If, Not, NoValue, Ref, Sub, Template, iam, logs, rds

from generator import ports
from generator.core import Stack, output, parameter
from generator.kinds import (
    DatabaseClusterArn,
    DatabaseClusterName,
    DeploymentName,
    Flag,
    KeyArn,
    Number,
    RetentionDays,
    SecretArn,
    SecurityGroupId,
    Span,
    SubnetIds,
    Text,
    TopicArn,
    ZoneName,
)
from generator.parts.alarms import GREATER_OR_EQUAL, LESS, alarm
from generator.parts.notes import HIPAA, NIST, Waiver, described, waived
from generator.parts.policies import service_role

ENGINE = "aurora-postgresql"
ENGINE_VERSION = "17.7"
PARAMETER_FAMILY = "aurora-postgresql17"
DATABASE_NAME = "orthanc"
CA = "rds-ca-rsa2048-g1"
POINT_IN_TIME_DAYS = 35
MONITORING_SECONDS = 60
# Spans of capacity, and the connections that Aurora allows with each. Source: Aurora user guide, "Maximum connections
# for Aurora Serverless v2": they follow from the greatest capacity, at most 2000 where the least is 0.5 or less.
CAPACITIES = {
    "0.5-2": 400,
    "0.5-4": 823,
    "1-8": 1669,
    "1-16": 3360,
    "2-16": 3360,
    "2-32": 5000,
    "4-32": 5000,
    "4-64": 5000,
    "8-64": 5000,
    "8-128": 5000,
    "16-256": 5000,
}
PARAMETERS = {
    "rds.force_ssl": "1",
    "ssl_min_protocol_version": "TLSv1.2",
    "shared_preload_libraries": "pg_stat_statements,pgaudit",
    # Statements on data carry patients' names, so that only changes of structure and of roles are audited.
    "pgaudit.log": "ddl,role",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    # The text and the details of a statement that failed could carry them too.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True)
class DatabaseInputs:
    deployment: DeploymentName = parameter("The name that the cluster's identifier begins with.")
    data_subnets: SubnetIds = parameter("The subnets that the database's instances lie in.")
    first_zone: ZoneName = parameter("The availability zone of the writer.")
    second_zone: ZoneName = parameter("The availability zone of the reader.")
    database_group: SecurityGroupId = parameter("The security group of the database.")
    data_key: KeyArn = parameter("The key that encrypts the database and its master secret.")
    logs_key: KeyArn = parameter("The key that encrypts the database's log group.")
    log_retention_days: RetentionDays = parameter("The database's logs are kept for this many days.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")
    database_capacity: Span = parameter(
        "The least and the greatest capacity of each database instance, in Aurora capacity units of about 2 GiB of"
        " memory. The least is paid for at all times.",
        Default="1-16",
        AllowedValues=list(CAPACITIES),
    )
    database_reader: Flag = parameter(
        "Whether a second instance in another zone stands by to take over, usually within a minute.",
        Default="true",
    )
    deletion_protection: Flag = parameter(
        "Whether AWS refuses to delete the database and the load balancers until this is set to false.",
        Default="true",
    )
    database_snapshot: Text = parameter(
        "The ARN of a cluster snapshot to begin from, empty for an empty database. Once deployed, leave it as it is,"
        " and change it only together with the database generation.",
        Default="",
        AllowedPattern=r"^(arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:cluster-snapshot:[A-Za-z0-9:_-]+)?$",
        ConstraintDescription="must be the ARN of a database cluster snapshot, or empty.",
    )
    database_generation: Number = parameter(
        "Counts the database clusters that this deployment has had. Raise it by one to put a restored cluster in the"
        " place of the present one; AWS refuses to change the snapshot alone, as the cluster's name is taken.",
        Default=1,
        MinValue=1,
        MaxValue=999,
        ConstraintDescription="must be a whole number from 1 to 999.",
    )


@dataclass(frozen=True)
class DatabaseOutputs:
    database: DatabaseClusterName = output("The identifier of the cluster.")
    database_arn: DatabaseClusterArn = output("The ARN of the cluster.")
    database_endpoint: Text = output("The host name of the writer.")
    database_master_secret: SecretArn = output("The master user's credential, which RDS rotates every week.")


def build(template: Template, inputs: DatabaseInputs) -> DatabaseOutputs:
    """The Aurora Serverless v2 PostgreSQL cluster with its writer, its reader and its alarms."""
    template.add_condition("HasReader", Equals(inputs.database_reader, "true"))
    template.add_condition("HasSnapshot", Not(Equals(inputs.database_snapshot, "")))
    log_group = _add_log_group(template, inputs)
    cluster = _add_cluster(template, inputs, log_group)
    role = _add_monitoring_role(template)
    _add_instance(template, inputs, cluster, role, "Writer", 0, AvailabilityZone=inputs.first_zone)
    # The instance that is there first becomes the writer.
    _add_instance(
        template,
        inputs,
        cluster,
        role,
        "Reader",
        1,
        AvailabilityZone=inputs.second_zone,
        Condition="HasReader",
        DependsOn="Writer",
    )
    _add_alarms(template, inputs, cluster)
    return DatabaseOutputs(
        database=DatabaseClusterName(Ref(cluster)),
        database_arn=DatabaseClusterArn(GetAtt(cluster, "DBClusterArn")),
        database_endpoint=Text(GetAtt(cluster, "Endpoint.Address")),
        database_master_secret=SecretArn(GetAtt(cluster, "MasterUserSecret.SecretArn")),
    )


def _add_log_group(template: Template, inputs: DatabaseInputs) -> logs.LogGroup:
    """RDS would create this group itself, unencrypted and kept for ever."""
    return template.add_resource(
        logs.LogGroup(
            "PostgresqlLogGroup",
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            LogGroupName=Sub("/aws/rds/cluster/${Deployment}-${DatabaseGeneration}/postgresql"),
            KmsKeyId=inputs.logs_key,
            RetentionInDays=inputs.log_retention_days,
        )
    )


def _add_subnet_group(template: Template, inputs: DatabaseInputs) -> rds.DBSubnetGroup:
    return template.add_resource(
        rds.DBSubnetGroup(
            "SubnetGroup",
            DBSubnetGroupDescription="The data subnets, which have no route out of the VPC",
            SubnetIds=inputs.data_subnets,
        )
    )


def _add_parameter_group(template: Template) -> rds.DBClusterParameterGroup:
    return template.add_resource(
        rds.DBClusterParameterGroup(
            "ClusterParameters",
            Description="TLS only, and an audit of structure and roles",
            Family=PARAMETER_FAMILY,
            Parameters=PARAMETERS,
        )
    )


def _add_cluster(template: Template, inputs: DatabaseInputs, log_group: logs.LogGroup) -> rds.DBCluster:
    subnets = _add_subnet_group(template, inputs)
    settings = _add_parameter_group(template)
    cluster = rds.DBCluster(
        "Cluster",
        DependsOn=log_group,
        DeletionPolicy="Snapshot",
        UpdateReplacePolicy="Snapshot",
        # The name makes a replacement by accident impossible: CloudFormation creates the new cluster before it deletes
        # the old one, and two cannot have the same name.
        DBClusterIdentifier=Sub("${Deployment}-${DatabaseGeneration}"),
        Engine=ENGINE,
        # A snapshot may be of a later version than this, as AWS applies minor versions by itself.
        EngineVersion=If("HasSnapshot", NoValue, ENGINE_VERSION),
        EngineLifecycleSupport="open-source-rds-extended-support-disabled",
        DatabaseName=If("HasSnapshot", NoValue, DATABASE_NAME),
        MasterUsername=If("HasSnapshot", NoValue, "orthanc_master"),
        SnapshotIdentifier=If("HasSnapshot", inputs.database_snapshot, NoValue),
        ManageMasterUserPassword=True,
        MasterUserSecret=rds.MasterUserSecret(KmsKeyId=inputs.data_key),
        EnableIAMDatabaseAuthentication=True,
        Port=ports.POSTGRESQL,
        DBSubnetGroupName=Ref(subnets),
        VpcSecurityGroupIds=[inputs.database_group],
        DBClusterParameterGroupName=Ref(settings),
        ServerlessV2ScalingConfiguration=rds.ServerlessV2ScalingConfiguration(
            MinCapacity=inputs.database_capacity.least, MaxCapacity=inputs.database_capacity.greatest
        ),
        StorageEncrypted=True,
        KmsKeyId=inputs.data_key,
        # The same as AWS Backup's continuous rule asks for, which sets retention and window from then on.
        BackupRetentionPeriod=POINT_IN_TIME_DAYS,
        # Between the backups: none of them can start while AWS maintains the cluster.
        PreferredMaintenanceWindow="sun:03:00-sun:04:00",
        CopyTagsToSnapshot=True,
        DeletionProtection=inputs.deletion_protection,
        EnableCloudwatchLogsExports=["postgresql"],
    )
    return template.add_resource(described(cluster, "The database cluster"))


def _add_monitoring_role(template: Template) -> iam.Role:
    return service_role(
        template,
        "MonitoringRole",
        "monitoring.rds",
        managed=["service-role/AmazonRDSEnhancedMonitoringRole"],
    )


def _add_instance(
    template: Template,
    inputs: DatabaseInputs,
    cluster: rds.DBCluster,
    monitoring_role: iam.Role,
    title: str,
    promotion_tier: int,
    **properties: Any,
) -> None:
    instance = rds.DBInstance(
        title,
        # An Aurora instance holds no data of its own.
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
        DBClusterIdentifier=Ref(cluster),
        DBInstanceClass="db.serverless",
        Engine=ENGINE,
        CACertificateIdentifier=CA,
        PubliclyAccessible=False,
        PromotionTier=promotion_tier,
        AutoMinorVersionUpgrade=True,
        EnablePerformanceInsights=True,
        PerformanceInsightsKMSKeyId=inputs.data_key,
        PerformanceInsightsRetentionPeriod=7,
        MonitoringInterval=MONITORING_SECONDS,
        MonitoringRoleArn=GetAtt(monitoring_role, "Arn"),
        **properties,
    )
    waived(
        instance,
        Waiver(
            "Aurora is backed up as a cluster, and the cluster is in the backup plan.",
            rule="RDSInBackupPlan",
            packs=(HIPAA, NIST),
        ),
    )
    template.add_resource(described(instance, f"The database's {title.lower()}"))


def _add_alarms(template: Template, inputs: DatabaseInputs, cluster: rds.DBCluster) -> None:
    template.add_mapping("Connections", {span: {"Alarm": most * 4 // 5} for span, most in CAPACITIES.items()})
    place: dict[str, Any] = {"namespace": "AWS/RDS", "dimensions": {"DBClusterIdentifier": Ref(cluster)}}
    alarm(
        template,
        "DatabaseAtItsCapacity",
        "The database has used nearly all of its maximum capacity for 15 minutes: raise DatabaseCapacity.",
        inputs.topic,
        metric="ACUUtilization",
        threshold=90,
        comparison=GREATER_OR_EQUAL,
        statistic="Average",
        periods=15,
        **place,
    )
    alarm(
        template,
        "DatabaseConnectionsTooMany",
        "The database has four fifths of the connections that its greatest capacity allows: raise DatabaseCapacity.",
        inputs.topic,
        metric="DatabaseConnections",
        threshold=FindInMap("Connections", inputs.database_capacity, "Alarm"),
        comparison=GREATER_OR_EQUAL,
        **place,
    )
    alarm(
        template,
        "DatabaseMemoryTooLow",
        "A database instance has less than 256 MiB of free memory.",
        inputs.topic,
        metric="FreeableMemory",
        threshold=256 * 1024 * 1024,
        comparison=LESS,
        statistic="Minimum",
        periods=15,
        **place,
    )


DATABASE = Stack("database", DatabaseInputs, DatabaseOutputs, build)

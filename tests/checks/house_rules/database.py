"""Database settings that CloudFormation and the linters take unread."""

from collections.abc import Iterator

from tests.checks.house_rules.rule import Finding, must, resources, rule
from tests.checks.rendered import Template

# Cluster parameters of the family aurora-postgresql17 that are in use, with the values that are right for
# patient data. Source: "Amazon Aurora PostgreSQL parameters" of the Aurora user guide; pgaudit's README.
_PARAMETERS = {
    "rds.force_ssl": ("1",),
    "ssl_min_protocol_version": ("TLSv1.2", "TLSv1.3"),
    "shared_preload_libraries": ("pg_stat_statements,pgaudit",),
    "pgaudit.log": ("ddl,role",),  # `read`, `write` and `all` write patient data to the log
    "log_connections": ("1",),
    "log_disconnections": ("1",),
    "log_error_verbosity": ("terse",),  # DETAIL lines quote keys
    "log_min_duration_statement": ("-1",),  # statements hold patient data
    "log_min_error_statement": ("fatal", "panic"),
    "log_parameter_max_length": ("0",),
    "log_parameter_max_length_on_error": ("0",),
    "log_statement": ("none", "ddl"),
}
_REQUIRED = (
    "rds.force_ssl",
    "ssl_min_protocol_version",
    "pgaudit.log",
    "shared_preload_libraries",
    "log_statement",
)

# Source: "Certificate authorities" of the RDS user guide; the one of 2019 expired in 2024.
_AUTHORITIES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")


def parameters(template: Template) -> Iterator[Finding]:
    for logical_id, group in template.resources("AWS::RDS::DBClusterParameterGroup"):
        settings = group["Properties"].get("Parameters", {})
        for name, value in settings.items():
            if name not in _PARAMETERS:
                yield Finding(logical_id, name, "is not known; is it spelt right?")
            elif value not in _PARAMETERS[name]:
                yield Finding(logical_id, name, f"is {value!r}")
        for name in _REQUIRED:
            if name not in settings:
                yield Finding(logical_id, name, "is missing")


def parameter_group(template: Template) -> Iterator[Finding]:
    groups = [{"Ref": name} for name, _ in template.resources("AWS::RDS::DBClusterParameterGroup")]
    for logical_id, cluster in template.resources("AWS::RDS::DBCluster"):
        if cluster["Properties"].get("DBClusterParameterGroupName") not in groups:
            yield Finding(logical_id, "DBClusterParameterGroupName", "is none of this template's")


RULES = (
    rule(
        "DBClusterParameterGroup/parameters",
        "A misspelt parameter changes nothing, and nobody says so before the deployment.",
        parameters,
        resources(
            "Group: {Type: AWS::RDS::DBClusterParameterGroup, Properties: {Parameters: {rds.force_tls: '1'}}}"
        ),
        resources(
            "Group: {Type: AWS::RDS::DBClusterParameterGroup, Properties: {Parameters: {pgaudit.log: all}}}"
        ),
        resources("Group: {Type: AWS::RDS::DBClusterParameterGroup, Properties: {}}"),
    ),
    rule(
        "DBCluster/parameter-group",
        "AWS's default group lets clients in without TLS.",
        parameter_group,
        resources("Cluster: {Type: AWS::RDS::DBCluster, Properties: {Engine: aurora-postgresql}}"),
    ),
    must("AWS::RDS::DBClusterParameterGroup", "Family", "That is the engine's.", "aurora-postgresql17"),
    must(
        "AWS::RDS::DBInstance",
        "CACertificateIdentifier",
        "Clients verify the server by it; AWS takes any text until the deployment.",
        *_AUTHORITIES,
    ),
    must(
        "AWS::RDS::DBCluster",
        "EngineLifecycleSupport",
        "Extended support is charged for without a question.",
        "open-source-rds-extended-support-disabled",
    ),
    must(
        "AWS::RDS::DBCluster", "EnableCloudwatchLogsExports/*", "The audit log must outlive it.", "postgresql"
    ),
    must("AWS::RDS::DBCluster", "ManageMasterUserPassword", "No password passes through a template.", True),
)

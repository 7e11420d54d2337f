"""Mends what single resource types return."""

import json
from typing import Any

from ministack.services import alb, rds
from ministack.services.cloudformation import provisioners

from scripts.emulator import api
from scripts.emulator.patching import Function, replace, replace_drift_reader, replace_handler

Attributes = dict[str, Any]


def install() -> None:
    """Applies every fix of this module to the ministack of this process."""
    replace("_rds_db_cluster_attrs", (provisioners,), arn_of_master_secret)
    replace_handler("AWS::RDS::DBCluster", "create", cluster_with_secret)
    replace_handler("AWS::RDS::DBCluster", "delete", cluster_and_its_secret)
    replace("_target_group_full_name_from_arn", (alb,), full_name_of_target_group)
    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"] |= secret_by_arn()
    replace_drift_reader("AWS::SecretsManager::Secret", drift_of_secret)
    replace("_sync_tag_list_to_resource", (rds,), tags_of_cluster_snapshots)


def cluster_with_secret(original: Function) -> Function:
    """The secret of a DBCluster with `ManageMasterUserPassword`, which RDS owns and names; ministack makes none."""

    def create(logical_id: str, properties: Attributes, stack_name: str) -> tuple[str, Attributes]:
        physical_id, _ = original(logical_id, properties, stack_name)
        cluster = rds._clusters[physical_id]
        if str(properties.get("ManageMasterUserPassword")).lower() == "true":
            cluster["MasterUserSecret"] = _master_secret(cluster, properties)
        return physical_id, provisioners._rds_db_cluster_attrs(cluster)

    return create


def cluster_and_its_secret(original: Function) -> Function:
    """The secret goes with its cluster."""

    def delete(physical_id: str, properties: Attributes) -> None:
        secret = (rds._clusters.get(physical_id) or {}).get("MasterUserSecret")
        original(physical_id, properties)
        if secret:
            known = {"SecretId": secret["SecretArn"], "ForceDeleteWithoutRecovery": True}
            api.call("secretsmanager", "DeleteSecret", known)

    return delete


def tags_of_cluster_snapshots(original: Function) -> Function:
    """A cluster snapshot is described with the tags that it has now, by ministack with those it was made with."""

    def sync(arn: str) -> None:
        original(arn)
        for snapshot in rds._db_cluster_snapshots.values():
            if snapshot["DBClusterSnapshotArn"] == arn:
                snapshot["TagList"] = list(rds._tags.get(arn, []))

    return sync


def _master_secret(cluster: Attributes, properties: Attributes) -> Attributes:
    key = properties.get("MasterUserSecret", {}).get("KmsKeyId", "")
    user = properties.get("MasterUsername", "")
    secret = api.call(
        "secretsmanager",
        "CreateSecret",
        {"KmsKeyId": key} if key else {},
        Name=f"rds!cluster-{cluster['DbClusterResourceId'].lower()}",
        SecretString=json.dumps({"username": user, "password": "emulated"}),
    )
    return {"SecretArn": secret["ARN"], "SecretStatus": "active", "KmsKeyId": key}


def arn_of_master_secret(original: Function) -> Function:
    """`MasterUserSecret.SecretArn` of a DBCluster, which ministack does not return."""

    def attributes(cluster: Attributes) -> Attributes:
        secret = cluster.get("MasterUserSecret")
        arn = {"MasterUserSecret.SecretArn": secret["SecretArn"]} if secret else {}
        return {**original(cluster), **arn}

    return attributes


def full_name_of_target_group(original: Function) -> Function:
    """`TargetGroupFullName`, which CloudWatch wants with `targetgroup/` before it; ministack leaves that away."""
    return lambda arn: f"targetgroup/{original(arn)}"


def secret_by_arn() -> dict[str, Function]:
    """Ref of a secret, which is its ARN on AWS and its name in ministack."""
    handler = dict(provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"])

    def create(logical_id: str, properties: Attributes, stack_name: str) -> tuple[str, Attributes]:
        _, attributes = handler["create"](logical_id, properties, stack_name)
        return attributes["Id"], attributes

    def update(arn: str, old: Attributes, new: Attributes, stack_name: str, logical_id: str) -> Any:
        _, attributes = handler["update"](_secret_name(arn), old, new, stack_name, logical_id)
        return attributes["Id"], attributes

    def delete(arn: str, properties: Attributes) -> None:
        handler["delete"](_secret_name(arn), properties)

    return {"create": create, "update": update, "delete": delete}


def drift_of_secret(original: Function) -> Function:
    """Drift of a secret, which is looked for by its name."""
    return lambda arn, properties: original(_secret_name(arn), properties)


def _secret_name(arn: str) -> str:
    return arn.partition(":secret:")[2].rpartition("-")[0]

"""What ministack does differently from AWS, and the emulator as AWS does."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import BUCKET, Account

Template = dict[str, Any]
TOPIC: Template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


@pytest.mark.parametrize(
    "address",
    [
        "https://{bucket}.s3.us-east-1.amazonaws.com/{key}",
        "https://{bucket}.s3.amazonaws.com/{key}",
        "https://{bucket}.s3.cn-north-1.amazonaws.com.cn/{key}",
        "https://s3.us-east-1.amazonaws.com/{bucket}/{key}",
    ],
)
def test_a_template_is_found_by_both_styles_of_address(account: Account, address: str) -> None:
    key = f"prefix/{uuid.uuid4()}.json"
    account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(TOPIC))

    url = address.format(bucket=BUCKET, key=key)

    assert account.client("cloudformation").validate_template(TemplateURL=url)["Parameters"] == []


def cluster(**properties: Any) -> Template:
    resource = {
        "Type": "AWS::RDS::DBCluster",
        "DeletionPolicy": "Delete",
        "Properties": {
            "Engine": "aurora-postgresql",
            "MasterUsername": "orthanc",
            "ManageMasterUserPassword": True,
            **properties,
        },
    }
    secret = {"Fn::GetAtt": ["Cluster", "MasterUserSecret.SecretArn"]}
    return {"Resources": {"Cluster": resource}, "Outputs": {"Secret": {"Value": secret}}}


def test_a_managed_master_secret_lives_and_dies_with_its_cluster(account: Account) -> None:
    stack_id = account.create(cluster())
    arn = account.outputs(stack_id)["Secret"]
    secrets = account.client("secretsmanager")
    assert json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["username"] == "orthanc"
    described = account.client("rds").describe_db_clusters()["DBClusters"]
    assert arn in {item["MasterUserSecret"]["SecretArn"] for item in described if "MasterUserSecret" in item}

    account.update(stack_id, cluster(BackupRetentionPeriod=7))
    assert account.outputs(stack_id)["Secret"] == arn

    account.delete(stack_id)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        secrets.get_secret_value(SecretId=arn)


def test_a_create_only_property_replaces_a_type_that_ministack_does_not_know(account: Account) -> None:
    def trust_store(name: str) -> Template:
        resource = {"Type": "AWS::ElasticLoadBalancingV2::TrustStore", "Properties": {"Name": name}}
        return {"Resources": {"Store": resource}, "Outputs": {"Arn": {"Value": {"Ref": "Store"}}}}

    stack_id = account.create(trust_store("before"))
    arn = account.outputs(stack_id)["Arn"]
    client = account.client("cloudformation")
    answer = client.create_change_set(
        StackName=stack_id, ChangeSetName="replace", TemplateBody=json.dumps(trust_store("after"))
    )
    changes = client.describe_change_set(ChangeSetName=answer["Id"])["Changes"]
    assert [change["ResourceChange"]["Replacement"] for change in changes] == ["True"]

    account.update(stack_id, trust_store("after"))
    assert account.status(stack_id) == "UPDATE_COMPLETE"
    assert account.outputs(stack_id)["Arn"] != arn


def test_a_request_that_is_repeated_with_its_token_is_answered_as_the_first_time(account: Account) -> None:
    client = account.client("cloudformation")
    name = f"test-{uuid.uuid4().hex[:8]}"
    proposal = {
        "StackName": name,
        "ChangeSetName": "set",
        "ChangeSetType": "CREATE",
        "TemplateBody": json.dumps(TOPIC),
        "ClientToken": name,
    }

    first, second = client.create_change_set(**proposal), client.create_change_set(**proposal)
    assert first["Id"] == second["Id"]

    for _ in range(2):
        client.execute_change_set(ChangeSetName=first["Id"], ClientRequestToken=name)
    assert account.status(account.wait(first["StackId"])) == "CREATE_COMPLETE"


def test_events_of_an_update_name_the_resource_from_the_start(account: Account) -> None:
    stack_id = account.create(TOPIC)
    changed = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x"}}}}

    account.update(stack_id, changed)

    events = account.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    updates = [event for event in events if event["ResourceStatus"] == "UPDATE_IN_PROGRESS"]
    assert all(event["PhysicalResourceId"] for event in updates)

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

    account.update(stack_id, cluster(DBClusterIdentifier=f"another-{uuid.uuid4().hex[:8]}"))
    replaced = account.outputs(stack_id)["Secret"]
    assert replaced != arn
    account.delete(stack_id)
    for gone in (arn, replaced):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            secrets.get_secret_value(SecretId=gone)


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


def test_an_update_reports_what_it_changes_and_nothing_else(account: Account) -> None:
    def topic(display_name: str) -> Template:
        return {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": display_name}}

    before = {"Kept": topic("x"), "Changed": topic("x"), "Removed": topic("x")}
    stack_id = account.create({"Resources": before})
    known = len(account.events(stack_id))

    account.update(stack_id, {"Resources": {"Kept": topic("x"), "Changed": topic("y"), "Added": topic("x")}})

    name = account.stack(stack_id)["StackName"]
    events = [event[:2] for event in account.events(stack_id)[known:]]
    assert [status for logical_id, status in events if logical_id == name] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
    assert sorted(event for event in events if event[0] != name) == [
        ("Added", "CREATE_COMPLETE"),
        ("Added", "CREATE_IN_PROGRESS"),
        ("Changed", "UPDATE_COMPLETE"),
        ("Changed", "UPDATE_IN_PROGRESS"),
        ("Removed", "DELETE_COMPLETE"),
        ("Removed", "DELETE_IN_PROGRESS"),
    ]
    listed = account.client("cloudformation").list_stack_resources(StackName=stack_id)[
        "StackResourceSummaries"
    ]
    statuses = {item["LogicalResourceId"]: item["ResourceStatus"] for item in listed}
    assert statuses["Added"] == "CREATE_COMPLETE"


def test_a_new_resource_that_fails_in_an_update_failed_to_be_created(account: Account) -> None:
    stack_id = account.create(TOPIC)
    bad = {"Type": "AWS::SNS::Topic", "Properties": {"Typo": "x"}}

    account.update(stack_id, {"Resources": {**TOPIC["Resources"], "Bad": bad}})

    assert ("Bad", "CREATE_FAILED") in [event[:2] for event in account.events(stack_id)]
    assert account.status(stack_id) == "UPDATE_ROLLBACK_COMPLETE"


def test_events_of_an_update_name_the_resource_from_the_start(account: Account) -> None:
    stack_id = account.create(TOPIC)
    changed = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x"}}}}

    account.update(stack_id, changed)

    events = account.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    updates = [event for event in events if event["ResourceStatus"] == "UPDATE_IN_PROGRESS"]
    assert all(event["PhysicalResourceId"] for event in updates)


def test_conditions_understand_functions_and_pseudo_parameters(account: Account) -> None:
    conditions = {
        "HasSecond": {
            "Fn::Not": [
                {"Fn::Equals": [{"Fn::Select": [1, {"Fn::Split": [",", {"Fn::Sub": "${Ranges},"}]}]}, ""]},
            ]
        },
        "IsHere": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
        "IsMapped": {"Fn::Equals": [{"Fn::FindInMap": ["Sizes", "small", "Readers"]}, "0"]},
        "IsAll": {"Fn::And": [{"Condition": "IsHere"}, {"Condition": "IsMapped"}]},
    }
    template = {
        "Parameters": {"Ranges": {"Type": "String"}},
        "Mappings": {"Sizes": {"small": {"Readers": "0"}}},
        "Conditions": conditions,
        **TOPIC,
        "Outputs": {name: {"Value": {"Fn::If": [name, "yes", "no"]}} for name in conditions},
    }

    def evaluated(ranges: str) -> dict[str, str]:
        parameters = [{"ParameterKey": "Ranges", "ParameterValue": ranges}]
        return account.outputs(account.create(template, Parameters=parameters))

    always = {"IsHere": "yes", "IsMapped": "yes", "IsAll": "yes"}
    assert evaluated("10.0.0.0/8") == {"HasSecond": "no", **always}
    assert evaluated("10.0.0.0/8,172.16.0.0/12") == {"HasSecond": "yes", **always}


def test_a_secret_is_referred_to_by_its_arn(account: Account) -> None:
    def template(description: str, name: str) -> Template:
        properties = {"Description": description, "Name": name, "SecretString": "{}"}
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": properties}
        return {"Resources": {"Secret": secret}, "Outputs": {"Arn": {"Value": {"Ref": "Secret"}}}}

    names = [f"test/{uuid.uuid4().hex[:8]}" for _ in range(2)]
    stack_id = account.create(template("before", names[0]))
    arn = account.outputs(stack_id)["Arn"]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:test/")

    account.update(stack_id, template("after", names[0]))
    secrets = account.client("secretsmanager")
    assert account.outputs(stack_id)["Arn"] == arn
    assert secrets.describe_secret(SecretId=arn)["Description"] == "after"

    account.update(stack_id, template("after", names[1]))
    assert account.status(stack_id) == "UPDATE_COMPLETE"
    account.delete(stack_id)
    for name in names:
        with pytest.raises(ClientError, match="ResourceNotFound"):
            secrets.describe_secret(SecretId=name)


def test_a_target_group_has_the_name_that_metrics_are_filed_under(account: Account) -> None:
    group = {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {"Port": 443, "Protocol": "HTTPS", "TargetType": "ip"},
    }
    outputs = {"Name": {"Value": {"Fn::GetAtt": ["Group", "TargetGroupFullName"]}}}

    stack_id = account.create({"Resources": {"Group": group}, "Outputs": outputs})

    assert account.outputs(stack_id)["Name"].startswith("targetgroup/")


def test_a_hosted_zone_that_a_record_names_exists(account: Account) -> None:
    record = {"HostedZoneId": "Z0123456789", "Name": "images.example.org", "Type": "CNAME", "TTL": "60"}
    record |= {"ResourceRecords": ["example.org"]}

    stack_id = account.create(
        {"Resources": {"Record": {"Type": "AWS::Route53::RecordSet", "Properties": record}}}
    )

    assert account.status(stack_id) == "CREATE_COMPLETE", account.reasons(stack_id)
    zone = account.client("route53").get_hosted_zone(Id="Z0123456789")["HostedZone"]
    assert zone["Name"] == "example.org."

"""What AWS refuses is refused."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account

Template = dict[str, Any]
TOPIC: Template = {"Topic": {"Type": "AWS::SNS::Topic"}}


def resource(kind: str, **properties: Any) -> Template:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def refusal(account: Account, template: Template, **more: Any) -> str:
    """The message with which CreateStack refuses a template."""
    with pytest.raises(ClientError) as refused:
        account.create(template, **more)
    return str(refused.value)


def test_a_parameter_that_the_template_does_not_declare(account: Account) -> None:
    message = refusal(
        account, {"Resources": TOPIC}, Parameters=[{"ParameterKey": "Typo", "ParameterValue": "x"}]
    )

    assert "Parameters: [Typo] do not exist in the template" in message


def test_a_parameter_outside_of_its_constraint(account: Account) -> None:
    template = {"Parameters": {"Days": {"Type": "Number", "MinValue": 1}}, "Resources": TOPIC}

    assert "Days" in refusal(account, template, Parameters=[{"ParameterKey": "Days", "ParameterValue": "0"}])


def test_a_rule_that_does_not_hold(account: Account) -> None:
    assertion = {
        "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Zone"}, ""]}]},
        "AssertDescription": "Give a zone.",
    }
    template = {
        "Parameters": {"Zone": {"Type": "String", "Default": ""}},
        "Rules": {"NeedsZone": {"Assertions": [assertion]}},
        "Resources": TOPIC,
    }

    assert "Give a zone." in refusal(account, template)


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Missing"},
        {"Fn::GetAtt": ["Missing", "Arn"]},
        {"Fn::Sub": "x-${Missing}"},
        {"Fn::Sub": ["x-${y}", {"y": {"Ref": "Missing"}}]},
        {"Fn::If": ["No", "x", {"Ref": "Missing"}]},
        {"Ref": "LeftOut"},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("section", ["Resources", "Outputs"])
def test_a_reference_to_what_is_not_there(account: Account, value: Any, section: str) -> None:
    template: Template = {
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Resources": {**TOPIC, "LeftOut": {"Type": "AWS::SNS::Topic", "Condition": "No"}},
    }
    if section == "Resources":
        template["Resources"]["Bad"] = resource("SNS::Topic", DisplayName=value)
    else:
        template["Outputs"] = {"Bad": {"Value": value}}

    assert "Unresolved resource dependencies [" in refusal(account, template)


def test_a_reference_in_the_branch_that_is_not_taken_does_no_harm(account: Account) -> None:
    value = {"Fn::If": ["No", {"Ref": "LeftOut"}, {"Fn::Sub": "${AWS::Region}-${!Literal}"}]}
    template = {
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Resources": {**TOPIC, "LeftOut": {"Type": "AWS::SNS::Topic", "Condition": "No"}},
        "Outputs": {"Out": {"Value": value}},
    }

    assert account.outputs(account.create(template)) == {"Out": "us-east-1-${Literal}"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (resource("SNS::Topic", DisplayNam="x"), "#: extraneous key [DisplayNam] is not permitted"),
        (resource("EC2::Subnet", CidrBlock="10.0.0.0/24"), "#: required key [VpcId] not found"),
        (resource("SNS::Topic", Tags=[{"Key": "a"}]), "#/Tags/0: required key [Value] not found"),
        (resource("SNS::Topic", DisplayName=["x"]), "#/DisplayName: expected type: String, found: JSONArray"),
        (resource("SNS::Topic", Subscription={}), "#/Subscription: expected type: Array, found: JSONObject"),
        (resource("KMS::Key", KeySpec="AES"), "#/KeySpec: AES is not a valid enum value"),
        (resource("SNS::Topic", TopicArn="arn"), "#: extraneous key [TopicArn] is not permitted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_properties_against_the_schema(account: Account, bad: Template, reason: str) -> None:
    stack_id = account.create({"Resources": {"Bad": bad}})

    assert account.status(stack_id) == "ROLLBACK_COMPLETE"
    assert (
        account.reasons(stack_id) == f"Properties validation failed for resource Bad with message: {reason}"
    )


def test_an_update_with_a_bad_property_is_rolled_back(account: Account) -> None:
    stack_id = account.create({"Resources": TOPIC})

    account.update(stack_id, {"Resources": {"Topic": resource("SNS::Topic", DisplayNam="x")}})

    assert account.status(stack_id) == "UPDATE_ROLLBACK_COMPLETE"


def test_an_attribute_that_the_type_does_not_have(account: Account) -> None:
    stack_id = account.create(
        {"Resources": TOPIC, "Outputs": {"Bad": {"Value": {"Fn::GetAtt": ["Topic", "Nonsense"]}}}}
    )

    assert account.status(stack_id) == "ROLLBACK_COMPLETE"


def test_a_named_role_without_its_capability(account: Account) -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = resource("IAM::Role", RoleName=f"r-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=trust)

    message = refusal(account, {"Resources": {"Role": role}}, Capabilities=["CAPABILITY_IAM"])

    assert "CAPABILITY_NAMED_IAM" in message


def test_a_stack_whose_creation_was_rolled_back_must_be_deleted_first(account: Account) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    client = account.client("cloudformation")
    broken = {"Resources": {"Bad": resource("SNS::Topic", DisplayNam="x")}}
    client.create_stack(StackName=name, TemplateBody=json.dumps(broken))
    account.wait(name)
    template = {"StackName": name, "TemplateBody": json.dumps({"Resources": TOPIC})}

    with pytest.raises(ClientError, match="AlreadyExists"):
        client.create_stack(**template)
    with pytest.raises(ClientError, match="AlreadyExists"):
        client.create_change_set(**template, ChangeSetName="c", ChangeSetType="CREATE")

    account.delete(account.stack(name)["StackId"])
    client.create_stack(**template)
    assert account.status(account.wait(name)) == "CREATE_COMPLETE"


def test_a_stack_under_termination_protection_is_not_deleted(account: Account) -> None:
    stack_id = account.create({"Resources": TOPIC}, EnableTerminationProtection=True)

    with pytest.raises(ClientError, match="TerminationProtection"):
        account.delete(stack_id)


def test_a_bucket_with_objects_is_not_deleted(account: Account) -> None:
    stack_id = account.create({"Resources": {"Bucket": resource("S3::Bucket")}})
    bucket = account.resources(stack_id)["Bucket"]
    account.client("s3").put_object(Bucket=bucket, Key="image.dcm", Body=b"DICM")

    account.delete(stack_id)
    assert account.status(stack_id) == "DELETE_FAILED"
    assert "not empty" in account.reasons(stack_id)

    account.client("s3").delete_object(Bucket=bucket, Key="image.dcm")
    account.delete(stack_id)
    assert account.status(stack_id) == "DELETE_COMPLETE"


def test_old_versions_keep_a_bucket_from_deletion(account: Account) -> None:
    bucket = resource("S3::Bucket", VersioningConfiguration={"Status": "Enabled"})
    stack_id = account.create({"Resources": {"Bucket": bucket}})
    name = account.resources(stack_id)["Bucket"]
    account.client("s3").put_object(Bucket=name, Key="image.dcm", Body=b"DICM")
    account.client("s3").delete_object(Bucket=name, Key="image.dcm")

    account.delete(stack_id)

    assert account.status(stack_id) == "DELETE_FAILED"


SUBNETS = {
    "Vpc": resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
    "One": resource("EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.0.0/24"),
    "Two": resource("EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.1.0/24"),
}


def balancer(protected: str) -> Template:
    attributes = [{"Key": "deletion_protection.enabled", "Value": protected}]
    subnets = [{"Ref": "One"}, {"Ref": "Two"}]
    return resource(
        "ElasticLoadBalancingV2::LoadBalancer", Subnets=subnets, LoadBalancerAttributes=attributes
    )


def cluster(protected: str) -> Template:
    properties = {"Engine": "aurora-postgresql", "MasterUsername": "u", "MasterUserPassword": "p" * 12}
    properties["DeletionProtection"] = protected
    return resource("RDS::DBCluster", **properties) | {"DeletionPolicy": "Delete"}


@pytest.mark.parametrize("make", [balancer, cluster], ids=["load balancer", "database"])
def test_deletion_protection_protects(account: Account, make: Any) -> None:
    stack_id = account.create({"Resources": {**SUBNETS, "Protected": make("true")}})
    assert account.status(stack_id) == "CREATE_COMPLETE", account.reasons(stack_id)

    account.delete(stack_id)
    assert account.status(stack_id) == "DELETE_FAILED"
    assert "protect" in account.reasons(stack_id)

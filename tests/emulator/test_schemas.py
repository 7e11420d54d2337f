"""The emulator reads cfn-lint's schemas as cfn-lint itself does."""

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from scripts.emulator import schemas

TYPES = [
    "AWS::EC2::EIP",
    "AWS::RDS::DBCluster",
    "AWS::S3::Bucket",
    "AWS::ECS::Service",
    "AWS::CloudTrail::Trail",
]


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_schema_is_the_one_that_cfn_lint_uses(resource_type: str) -> None:
    theirs = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema

    assert schemas.schema(resource_type)["properties"].keys() == theirs["properties"].keys()
    assert schemas.schema(resource_type)["primaryIdentifier"] == theirs["primaryIdentifier"]


def test_the_types_are_those_of_cfn_lint() -> None:
    theirs = set(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"))

    assert {name for name in theirs - schemas.types() if not name.startswith("AWS::Serverless::")} <= {
        "Module"
    }


@pytest.mark.parametrize(
    ("resource_type", "name", "recreation"),
    [
        ("AWS::EC2::FlowLog", "ResourceId", "Always"),
        ("AWS::EC2::FlowLog", "Tags", "Never"),
        ("AWS::EC2::EIP", "NetworkBorderGroup", "Always"),
    ],
)
def test_create_only_properties_require_recreation(resource_type: str, name: str, recreation: str) -> None:
    assert schemas.requires_recreation(resource_type, name) == recreation


def test_a_nested_property_is_described_by_what_its_reference_says() -> None:
    assert schemas.definition("AWS::RDS::DBCluster", ["Endpoint", "Port"])["type"] == "string"


def test_a_type_without_a_schema_is_unknown() -> None:
    with pytest.raises(KeyError):
        schemas.schema("AWS::Nothing::AtAll")


def test_mistakes_name_the_place() -> None:
    tag = {"Key": "a", "Value": "b", "Colour": "c"}

    assert schemas.mistakes("AWS::EC2::EIP", {"Tags": [tag]}) == [
        "#/Tags/0: extraneous key [Colour] is not permitted"
    ]
    assert schemas.mistakes("AWS::EC2::EIP", {"Domain": "vpc", "Tags": []}) == []

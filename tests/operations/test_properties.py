"""A path into a template finds whatever can stand there."""

from typing import Any

import pytest

from scripts.operations.properties import values

RESOURCE = {
    "Properties": {
        "Mode": {"Fn::If": ["IsMtls", "verify", {"Ref": "AWS::NoValue"}]},
        "Rules": [{"Status": "Enabled"}, {"Fn::If": ["IsShort", {"Status": "Disabled"}, {"Status": None}]}],
        "Attributes": [{"Key": "logs.enabled", "Value": "true"}, {"Key": "logs.bucket", "Value": "x"}],
        "Policy": '{"Statement": [{"Sid": "Nobody", "Effect": "Deny"}]}',
        "Empty": [],
    }
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Mode", ["verify", None]),
        ("Rules/*/Status", ["Enabled", "Disabled", None]),
        ("Rules/0/Status", ["Enabled"]),
        ("Rules/7/Status", [None]),
        ("Attributes/Key=logs.bucket/Value", ["x"]),
        ("Attributes/Key=logs.prefix/Value", [None]),
        ("Policy/Statement/Sid=Nobody/Effect", ["Deny"]),
        ("Empty/*", []),
        ("Missing/*/Status", [None]),
    ],
)
def test_a_path_finds_both_branches_and_what_is_missing(path: str, found: list[Any]) -> None:
    assert values(RESOURCE, f"Properties/{path}") == found


def test_of_a_condition_that_is_given_only_one_branch_is_found() -> None:
    assert values(RESOURCE, "Properties/Mode", {"IsMtls": True}) == ["verify"]
    assert values(RESOURCE, "Properties/Mode", {"IsMtls": False}) == [None]

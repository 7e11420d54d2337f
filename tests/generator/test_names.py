"""Names hold in every partition of AWS."""

import pytest

from generator.names import arn, logical, service_principal, substituted


@pytest.mark.parametrize(
    ("name", "expected"), [("vpc", "Vpc"), ("log_group_arn", "LogGroupArn"), ("jwt_jwks_url", "JwtJwksUrl")]
)
def test_a_logical_id_is_the_python_name_in_camel_case(name: str, expected: str) -> None:
    assert logical(name) == expected


def test_an_arn_names_no_partition() -> None:
    assert arn("s3", "bucket", region="", account="").to_dict() == {
        "Fn::Sub": "arn:${AWS::Partition}:s3:::bucket"
    }


def test_service_principals_are_the_same_in_all_partitions_but_for_logs() -> None:
    assert service_principal("ecs-tasks") == "ecs-tasks.amazonaws.com"
    logs = service_principal("logs")
    assert not isinstance(logs, str)
    assert logs.to_dict() == {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}


def test_a_text_without_variables_is_not_substituted() -> None:
    assert substituted("plain") == "plain"
    assert not isinstance(substituted("${A}"), str)

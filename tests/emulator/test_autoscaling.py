"""The API of Application Auto Scaling, which ministack lacks."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account


@pytest.fixture
def target() -> dict[str, str]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/cluster/{uuid.uuid4().hex[:8]}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }


@pytest.fixture
def client(account: Account) -> Any:
    return account.client("application-autoscaling")


def described(client: Any, target: dict[str, str]) -> list[dict[str, Any]]:
    answer = client.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[target["ResourceId"]])
    return list(answer["ScalableTargets"])


def test_a_target_is_registered_and_changed_in_part(client: Any, target: dict[str, str]) -> None:
    client.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)
    client.register_scalable_target(**target, MaxCapacity=6)

    [found] = described(client, target)
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 6)
    assert found["RoleARN"].startswith("arn:aws:iam::")


@pytest.mark.parametrize("capacity", [{"MinCapacity": 1}, {"MinCapacity": 3, "MaxCapacity": 2}])
def test_a_target_without_a_valid_capacity_is_refused(
    client: Any, target: dict[str, str], capacity: dict[str, int]
) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        client.register_scalable_target(**target, **capacity)


def test_a_policy_needs_its_target(client: Any, target: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        client.put_scaling_policy(**target, PolicyName="cpu", PolicyType="TargetTrackingScaling")


def test_a_policy_keeps_its_arn_when_it_is_put_again(client: Any, target: dict[str, str]) -> None:
    client.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)

    arns = {
        client.put_scaling_policy(**target, PolicyName="cpu", PolicyType="TargetTrackingScaling")["PolicyARN"]
        for _ in range(2)
    }

    assert len(arns) == 1


def test_policies_go_with_their_target(client: Any, target: dict[str, str]) -> None:
    client.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)
    client.put_scaling_policy(**target, PolicyName="cpu", PolicyType="TargetTrackingScaling")

    client.deregister_scalable_target(**target)

    assert described(client, target) == []
    policies = client.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=target["ResourceId"])
    assert policies["ScalingPolicies"] == []
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        client.deregister_scalable_target(**target)


def test_an_operation_that_is_not_emulated_says_so(client: Any) -> None:
    with pytest.raises(ClientError, match="DescribeScalingActivities is not emulated"):
        client.describe_scaling_activities(ServiceNamespace="ecs")

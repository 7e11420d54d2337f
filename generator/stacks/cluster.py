"""The ECS cluster that both tiers run in."""

from dataclasses import dataclass

from troposphere import Ref, Template, ecs

from generator.core import Stack, output, parameter
from generator.kinds import ClusterName, DeploymentName, KeyArn


@dataclass(frozen=True)
class ClusterInputs:
    deployment: DeploymentName = parameter(
        "The cluster's name, which the policy of its storage key names too."
    )
    compute_key: KeyArn = parameter("The key that encrypts the tasks' ephemeral storage.")


@dataclass(frozen=True)
class ClusterOutputs:
    cluster: ClusterName = output("The ECS cluster.")


def build(template: Template, inputs: ClusterInputs) -> ClusterOutputs:
    """The ECS cluster, with detailed metrics and encrypted task storage."""
    cluster = template.add_resource(
        ecs.Cluster(
            "Cluster",
            ClusterName=inputs.deployment,
            ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value="enhanced")],
            Configuration=ecs.ClusterConfiguration(
                ManagedStorageConfiguration=ecs.ManagedStorageConfiguration(
                    FargateEphemeralStorageKmsKeyId=inputs.compute_key
                )
            ),
        )
    )
    return ClusterOutputs(cluster=ClusterName(Ref(cluster)))


CLUSTER = Stack("cluster", ClusterInputs, ClusterOutputs, build)

"""The role with which AWS Service Catalog creates, changes and deletes stores for people who may not themselves.

Beside the catalog, because each account that the portfolio is shared with needs a role of the same name.
"""

from dataclasses import dataclass

from awacs import cloudformation, s3, sts
from awacs.aws import Statement, StringEquals
from troposphere import Ref, Sub, Template, iam

from generator.core import Stack, output, parameter
from generator.kinds import BucketName, Text
from generator.parts.launch_permissions import STACK_PREFIX, add_global_region, in_region, packed, statements
from generator.parts.notes import Waiver, waived
from generator.parts.policies import allow, allow_service, document

# Where `orthanc-aws publish` puts templates.
PUBLISHED_PREFIX = "orthanc-aws/"
ROLE = "The launch role"
SOURCE = "Where the templates lie (filled in by the deploy tool)"


@dataclass(frozen=True)
class LaunchRoleInputs:
    launch_role_name: Text = parameter(
        "The role's name, which must be the same in every account that the portfolio is shared with.",
        group=ROLE,
        label="Name",
        Default="orthanc-aws-launch",
        AllowedPattern="^[A-Za-z0-9+=,.@_-]{1,64}$",
        ConstraintDescription="must be the name of a role.",
    )
    published_bucket: BucketName = parameter(
        "The S3 bucket of the published templates, which the role may read.", group=SOURCE, label="Bucket"
    )


@dataclass(frozen=True)
class LaunchRoleOutputs:
    launch_role: Text = output("The name of the role.")


def build(template: Template, inputs: LaunchRoleInputs) -> LaunchRoleOutputs:
    """The role that AWS Service Catalog launches stores with: what the templates' resources need, and no more."""
    add_global_region(template)
    policies = [
        template.add_resource(_policy(number, wanted))
        for number, wanted in enumerate(packed([*_launching(), *statements()]), 1)
    ]
    role = template.add_resource(
        iam.Role(
            "LaunchRole",
            RoleName=inputs.launch_role_name,
            Description="AWS Service Catalog creates, changes and deletes image stores with it",
            # Bound to no source account: the guide names no key of that kind that Service Catalog would send.
            AssumeRolePolicyDocument=document(
                allow_service("Assume", "servicecatalog", [sts.AssumeRole], None)
            ),
            ManagedPolicyArns=[Ref(policy) for policy in policies],
        )
    )
    return LaunchRoleOutputs(launch_role=Text(Ref(role)))


def _policy(number: int, wanted: list[Statement]) -> iam.ManagedPolicy:
    policy = iam.ManagedPolicy(f"LaunchPolicy{number}", PolicyDocument=document(*wanted))
    return waived(
        policy,
        Waiver(
            "Creating an image store takes keys, roles, secrets and buckets whose names nobody knows before. What can"
            " be bound to the names of Service Catalog's stacks is, and the rest to the Region. Only Service Catalog"
            " takes the role on, for templates that its administrators published.",
            checkov=["CKV_AWS_107", "CKV_AWS_108", "CKV_AWS_109", "CKV_AWS_110", "CKV_AWS_111"],
        ),
    )


def _launching() -> list[Statement]:
    """Source: Service Catalog administrator guide, "AWS Service Catalog Launch Constraints"."""
    stacks = Sub(
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/" + f"{STACK_PREFIX}*"
    )
    return [
        allow(
            "LaunchStacks",
            [
                cloudformation.CreateStack,
                cloudformation.DeleteStack,
                cloudformation.DescribeStackEvents,
                cloudformation.DescribeStacks,
                cloudformation.ListStackResources,
                cloudformation.SetStackPolicy,
                cloudformation.UpdateStack,
            ],
            [stacks],
        ),
        allow(
            "LookAtTemplates",
            [cloudformation.GetTemplateSummary, cloudformation.ValidateTemplate],
            ["*"],
            in_region(),
        ),
        # The copy of the root template that Service Catalog keeps, in a bucket of its own.
        allow(
            "ReadRoot",
            [s3.GetObject],
            ["*"],
            StringEquals("s3:ExistingObjectTag/servicecatalog:provisioning", "true"),
        ),
        allow(
            "ReadNested",
            [s3.GetObject],
            [Sub(f"arn:${{AWS::Partition}}:s3:::${{PublishedBucket}}/{PUBLISHED_PREFIX}*")],
        ),
    ]


LAUNCH_ROLE = Stack("launch_role", LaunchRoleInputs, LaunchRoleOutputs, build)

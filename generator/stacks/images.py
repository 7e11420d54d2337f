"""Container images: repositories, and a project that builds into them for whoever has no container engine.

A stack beside the root, one for each account and region: every deployment there can use its images.
"""

import json
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from awacs import ecr as ecr_actions
from awacs import kms, s3
from awacs import logs as logs_actions
from awacs.aws import Action, Allow, Condition, Principal, Statement, StringEquals
from troposphere import (
    Equals,
    GetAtt,
    If,
    Not,
    NoValue,
    Ref,
    Sub,
    Template,
    codebuild,
    ecr,
    iam,
    logs,
)

from generator.core import Stack, output, parameter
from generator.kinds import BucketName, KeyArn, LogGroupName, RetentionDays, Text
from generator.names import unique_name
from generator.parts.fargate import Architecture
from generator.parts.keys import customer_key, log_groups
from generator.parts.notes import HIPAA, PCI, Waiver, described, waived
from generator.parts.policies import allow, document, service_role

IMAGES_BUILT = ("orthanc", "nginx")
# Type and image of the build machine. Source: CodeBuild user guide, "Docker images provided by CodeBuild".
BUILD_MACHINES = {
    "ARM64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
    "X86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
}
# Where, in the bucket of the source archive, the deploy tool puts archives and builds put the lists of parts.
SOURCE_PREFIX = "images/"
PARTS_PREFIX = f"{SOURCE_PREFIX}parts/"
# Between the tag of an Orthanc image and the version of its PostgreSQL plugin, in a second tag of the same image.
PLUGIN_MARK = "-postgresql-"
KEPT_IMAGES = 100
KEPT_UNTAGGED_DAYS = 30
BUILD_MINUTES = 60

ACCOUNT = "Who may use the images"
BUILD = "Builds"
SOURCE = "What is built (filled in by the deploy tool and by launch links)"

# The archive holds a folder for each image, `images` with a name and a digest on each line, and `list-parts`. A tag
# that is there already was made of the same folder, so it is not built again, even if its base or a Debian package has
# had fixes since: the date in the folder's file `refreshed` is there to be changed then. What is left to chance, a
# base's registry that answers "too many requests" above all, is tried three times. With attestations an image would be
# an index, which ECR does not scan. The tag of the content comes last, as a build that finds it does nothing more.
_BUILD = """\
set -euo pipefail
export BUILDX_NO_DEFAULT_ATTESTATIONS=1
aws s3 cp --quiet "s3://$SOURCE_BUCKET/$SOURCE_KEY" - | tar --extract --gzip
aws ecr get-login-password | docker login --username AWS --password-stdin "${ORTHANC_REPOSITORY%%/*}"
architecture=$(docker version --format '{{.Server.Arch}}')
digest_of() {
  aws ecr describe-images --repository-name "${1#*/}" --image-ids "imageTag=$2" \\
    --query 'imageDetails[0].imageDigest' --output text
}
while read -r name digest <&3; do
  variable=${name^^}_REPOSITORY
  repository=${!variable}
  tag=$digest-$architecture
  if digest_of "$repository" "$tag" >digest 2>/dev/null; then
    echo "$name:$tag is there already"
  else
    for attempt in 1 2 3; do
      docker build --tag "$repository:$tag" "$name" && break
      [ "$attempt" != 3 ]
      sleep 30
    done
    docker run --rm --interactive --network none --entrypoint /bin/sh "$repository:$tag" <list-parts >parts
    aws s3 cp --quiet parts "s3://$SOURCE_BUCKET/$PARTS_PREFIX$name-$tag" || echo "The list of parts is not kept"
    plugin=$(sed -n 's/^orthanc\\tpostgresql-index\\t//p' parts)
    if [ -n "$plugin" ]; then
      docker tag "$repository:$tag" "$repository:$tag$PLUGIN_MARK$plugin"
      docker push --quiet "$repository:$tag$PLUGIN_MARK$plugin" || echo "Not pushed, unless it is there already"
    fi
    docker push --quiet "$repository:$tag" || echo "Not pushed, unless another build was faster"
    digest_of "$repository" "$tag" >digest
  fi
  echo "${name^}Image: $repository@$(cat digest)"
done 3<images
"""
_BUILDSPEC = """\
version: 0.2
env:
  shell: bash
phases:
  build:
    commands:
      - |
"""


@dataclass(frozen=True)
class ImagesInputs:
    organization_id: Text = parameter(
        "The accounts of this AWS Organization may pull the images; empty for this account alone.",
        group=ACCOUNT,
        label="Organization",
        Default="",
        AllowedPattern="^(o-[a-z0-9]{10,32})?$",
        ConstraintDescription="must be the id of an AWS Organization, such as o-a1b2c3d4e5, or empty.",
    )
    architecture: Architecture = parameter(
        "The processors that images are built for unless a build is told otherwise: that of the tasks.",
        group=BUILD,
        label="Processor architecture",
        Default="ARM64",
    )
    log_retention_days: RetentionDays = parameter(
        "The logs of builds are kept for this many days.",
        group=BUILD,
        label="Days that logs are kept",
        Default=400,
    )
    source_bucket: BucketName = parameter(
        "The S3 bucket that holds the archive of the images' sources.", group=SOURCE, label="Bucket"
    )
    source_key: Text = parameter(
        "The key of that archive.",
        group=SOURCE,
        label="Key",
        AllowedPattern=r"^[A-Za-z0-9._/-]{1,512}\.tar\.gz$",
        ConstraintDescription="must be the key of a .tar.gz archive.",
    )


@dataclass(frozen=True)
class ImagesOutputs:
    orthanc_repository: Text = output("The repository of the Orthanc image.")
    nginx_repository: Text = output("The repository of the NGINX image.")
    project: Text = output(
        "The CodeBuild project that builds both images: start a build of it without changes."
    )
    build_log_group: LogGroupName = output("The log group of the builds.")


def build(template: Template, inputs: ImagesInputs) -> ImagesOutputs:
    """Repositories for the container images, and a CodeBuild project that builds them in the account."""
    template.add_condition("IsArm", Equals(inputs.architecture, "ARM64"))
    template.add_condition("HasOrganization", Not(Equals(inputs.organization_id, "")))
    alias = Sub("alias/${Name}-images", Name=unique_name())
    key = customer_key(template, "Images", alias, "The image store's container images", log_groups())
    repositories = {name: _repository(template, inputs, name, key) for name in IMAGES_BUILT}
    group = template.add_resource(
        logs.LogGroup(
            "BuildLogGroup",
            # Even of a creation that failed: they may tell why.
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            LogGroupName=Sub("/orthanc/${Name}/image-builds", Name=unique_name()),
            KmsKeyId=key,
            RetentionInDays=inputs.log_retention_days,
        )
    )
    role = _role(template, repositories, group, key)
    project = _project(template, inputs, repositories, role, group, key)
    return ImagesOutputs(
        orthanc_repository=Text(GetAtt(repositories["orthanc"], "RepositoryUri")),
        nginx_repository=Text(GetAtt(repositories["nginx"], "RepositoryUri")),
        project=Text(Ref(project)),
        build_log_group=LogGroupName(Ref(group)),
    )


def _repository(template: Template, inputs: ImagesInputs, name: str, key: KeyArn) -> ecr.Repository:
    return template.add_resource(
        ecr.Repository(
            f"{name.capitalize()}Repository",
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
            RepositoryName=Sub(f"${{Name}}/{name}", Name=unique_name()),
            ImageTagMutability="IMMUTABLE",
            ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True),
            EncryptionConfiguration=ecr.EncryptionConfiguration(EncryptionType="KMS", KmsKey=key),
            LifecyclePolicy=ecr.LifecyclePolicy(LifecyclePolicyText=_lifecycle()),
            RepositoryPolicyText=If("HasOrganization", document(_organization_pulls(inputs)), NoValue),
        )
    )


def _lifecycle() -> str:
    """Untagged images go soon. Tagged ones go when so many newer ones are there that no task can need them.

    It is images that are counted, whether they have one tag or two.
    """
    rules = [
        {
            "rulePriority": 1,
            "description": "Untagged images",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": KEPT_UNTAGGED_DAYS,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": f"All but the latest {KEPT_IMAGES}",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": KEPT_IMAGES,
            },
            "action": {"type": "expire"},
        },
    ]
    return json.dumps({"rules": rules})


def _organization_pulls(inputs: ImagesInputs) -> Statement:
    return Statement(
        Sid="OrganizationPulls",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[
            ecr_actions.BatchCheckLayerAvailability,
            ecr_actions.BatchGetImage,
            ecr_actions.DescribeImages,
            ecr_actions.GetDownloadUrlForLayer,
        ],
        Condition=Condition(StringEquals("aws:PrincipalOrgID", inputs.organization_id)),
    )


def _role(
    template: Template, repositories: dict[str, ecr.Repository], group: logs.LogGroup, key: KeyArn
) -> iam.Role:
    """What a build may do: read its archive, write into two repositories and one log group."""
    objects = "arn:${AWS::Partition}:s3:::${SourceBucket}/"
    return service_role(
        template,
        "BuildRole",
        "codebuild",
        allow("FindRegistry", [ecr_actions.GetAuthorizationToken], ["*"]),
        allow(
            "PushImages",
            [
                ecr_actions.BatchCheckLayerAvailability,
                ecr_actions.BatchGetImage,
                ecr_actions.CompleteLayerUpload,
                ecr_actions.DescribeImages,
                ecr_actions.GetDownloadUrlForLayer,
                ecr_actions.InitiateLayerUpload,
                ecr_actions.PutImage,
                ecr_actions.UploadLayerPart,
            ],
            [GetAtt(repository, "Arn") for repository in repositories.values()],
        ),
        allow(
            "ReadSource",
            [s3.GetObject],
            [Sub(f"{objects}${{SourceKey}}"), Sub(f"{objects}{SOURCE_PREFIX}*.tar.gz")],
        ),
        allow("KeepParts", [s3.PutObject], [Sub(f"{objects}{PARTS_PREFIX}*")]),
        allow("WriteLogs", [logs_actions.CreateLogStream, logs_actions.PutLogEvents], [GetAtt(group, "Arn")]),
        # Source: CodeBuild user guide, "Encrypt build outputs using a customer managed key".
        allow(
            "UseKey",
            [
                kms.Decrypt,
                kms.Encrypt,
                Action("kms", "GenerateDataKey*"),
                Action("kms", "ReEncrypt*"),
                kms.DescribeKey,
            ],
            [key],
        ),
    )


def _project(
    template: Template,
    inputs: ImagesInputs,
    repositories: dict[str, ecr.Repository],
    role: iam.Role,
    group: logs.LogGroup,
    key: KeyArn,
) -> codebuild.Project:
    (arm_type, arm_image), (intel_type, intel_image) = BUILD_MACHINES["ARM64"], BUILD_MACHINES["X86_64"]
    variables: dict[str, Any] = {
        f"{name.upper()}_REPOSITORY": GetAtt(repository, "RepositoryUri")
        for name, repository in repositories.items()
    } | {
        "SOURCE_BUCKET": inputs.source_bucket,
        "SOURCE_KEY": inputs.source_key,
        "PARTS_PREFIX": PARTS_PREFIX,
        "PLUGIN_MARK": PLUGIN_MARK,
    }
    project = codebuild.Project(
        "Project",
        # Where the service does not exist, images are pushed from elsewhere; the parameter of the store takes any.
        Metadata={"cfn-lint": {"config": {"ignore_checks": ["E3006"]}}},
        Description="Builds the image store's container images",
        ServiceRole=GetAtt(role, "Arn"),
        EncryptionKey=key,
        TimeoutInMinutes=BUILD_MINUTES,
        Artifacts=codebuild.Artifacts(Type="NO_ARTIFACTS"),
        # Fetched by the build itself: CodeBuild's own unpacking does not promise to keep the files' modes.
        Source=codebuild.Source(Type="NO_SOURCE", BuildSpec=buildspec()),
        Environment=codebuild.Environment(
            Type=If("IsArm", arm_type, intel_type),
            Image=If("IsArm", arm_image, intel_image),
            ComputeType="BUILD_GENERAL1_SMALL",
            # Docker builds in nothing less. Each build has a machine of its own, and builds this project's own source.
            PrivilegedMode=True,
            EnvironmentVariables=[
                codebuild.EnvironmentVariable(Name=name, Value=value, Type="PLAINTEXT")
                for name, value in variables.items()
            ],
        ),
        LogsConfig=codebuild.LogsConfig(
            CloudWatchLogs=codebuild.CloudWatchLogs(Status="ENABLED", GroupName=Ref(group))
        ),
    )
    waived(
        project,
        Waiver(
            "The source is an archive in S3 that the role may read: there is no GitHub or Bitbucket to log in to.",
            rule="CodeBuildProjectSourceRepoUrl",
            packs=(HIPAA, PCI),
        ),
    )
    return template.add_resource(described(project, "The project that builds the container images"))


def buildspec() -> str:
    """What CodeBuild runs, as a build specification."""
    return _BUILDSPEC + indent(_BUILD, " " * 8)


IMAGES = Stack("images", ImagesInputs, ImagesOutputs, build)

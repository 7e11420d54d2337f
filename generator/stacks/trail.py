"""CloudTrail, for accounts that have no trail of their own."""

from dataclasses import dataclass

from awacs import logs as actions
from troposphere import Equals, GetAtt, If, Not, NoValue, Ref, Sub, Template, cloudtrail, iam

from generator.core import Stack, output, parameter
from generator.kinds import (
    BucketName,
    DeploymentName,
    KeyArn,
    LogGroupName,
    OptionalBucketName,
    Text,
    TopicArn,
)
from generator.names import arn
from generator.parts.alarms import add_silence_alarm
from generator.parts.policies import allow, service_role


@dataclass(frozen=True)
class TrailInputs:
    deployment: DeploymentName = parameter(
        "The trail's name; bucket and key policies let only this trail in."
    )
    archive_bucket: BucketName = parameter("The bucket that the trail's files are kept in.")
    archive_key: KeyArn = parameter("The key that encrypts the trail's files.")
    trail_log_group: LogGroupName = parameter("The log group that the trail's events are sent to.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")
    image_bucket: OptionalBucketName = parameter(
        "Every read and write of an object in this bucket is recorded; empty where there is none."
    )


@dataclass(frozen=True)
class TrailOutputs:
    trail: Text = output("The name of the trail.")


def build(template: Template, inputs: TrailInputs) -> TrailOutputs:
    """A trail of all regions with validated files, sent to S3 and to CloudWatch Logs."""
    template.add_condition("HasImageBucket", Not(Equals(inputs.image_bucket, "")))
    role = _add_role(template)
    trail = cloudtrail.Trail(
        "Trail",
        TrailName=inputs.deployment,
        IsLogging=True,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        S3BucketName=inputs.archive_bucket,
        S3KeyPrefix="trail",
        KMSKeyId=inputs.archive_key,
        CloudWatchLogsLogGroupArn=arn("logs", "log-group:${TrailLogGroup}:*"),
        CloudWatchLogsRoleArn=GetAtt(role, "Arn"),
        AdvancedEventSelectors=[
            _management_events(),
            If("HasImageBucket", _image_events(), NoValue),
        ],
    )
    template.add_resource(trail)
    add_silence_alarm(template, "TrailLog", inputs.trail_log_group, inputs.topic)
    return TrailOutputs(trail=Text(Ref(trail)))


def _add_role(template: Template) -> iam.Role:
    return service_role(
        template,
        "TrailRole",
        "cloudtrail",
        allow(
            "Write",
            [actions.CreateLogStream, actions.PutLogEvents],
            [arn("logs", "log-group:${TrailLogGroup}:log-stream:${AWS::AccountId}_CloudTrail_*")],
        ),
    )


def _management_events() -> cloudtrail.AdvancedEventSelector:
    """Advanced selectors replace the default ones, so that management events must be asked for."""
    return cloudtrail.AdvancedEventSelector(
        Name="Management events",
        FieldSelectors=[cloudtrail.AdvancedFieldSelector(Field="eventCategory", Equals=["Management"])],
    )


def _image_events() -> cloudtrail.AdvancedEventSelector:
    return cloudtrail.AdvancedEventSelector(
        Name="Objects of the image bucket",
        FieldSelectors=[
            cloudtrail.AdvancedFieldSelector(Field="eventCategory", Equals=["Data"]),
            cloudtrail.AdvancedFieldSelector(Field="resources.type", Equals=["AWS::S3::Object"]),
            cloudtrail.AdvancedFieldSelector(
                Field="resources.ARN", StartsWith=[Sub("arn:${AWS::Partition}:s3:::${ImageBucket}/")]
            ),
        ],
    )


TRAIL = Stack("trail", TrailInputs, TrailOutputs, build)

"""The kinds of values that stacks hand to each other, and what a parameter of each kind must look like."""

from typing import Any, ClassVar

from troposphere import Select, Split

from generator.core import Value

SSL_POLICIES = (
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09",
)
_ARN = r"arn:aws[a-z-]*:{service}:[a-z0-9-]*:[0-9]*:{resource}"


def _matching(pattern: str, meaning: str) -> dict[str, Any]:
    return {"AllowedPattern": f"^{pattern}$", "ConstraintDescription": f"must be {meaning}."}


def _arn(service: str, resource: str, meaning: str) -> dict[str, Any]:
    return _matching(_ARN.format(service=service, resource=resource), meaning)


class Text(Value):
    """A string that its field constrains."""


class Number(Value):
    parameter_type = "Number"


class Flag(Value):
    """`true` or `false`."""

    constraints: ClassVar = {"AllowedValues": ["true", "false"]}


class DeploymentName(Value):
    """The prefix of every physical name, which ends in eight digits of the root stack's own id."""

    constraints: ClassVar = _matching("orthanc-[0-9a-f]{8}", "'orthanc-' and eight hex digits")


class CidrBlock(Value):
    constraints: ClassVar = _matching(
        r"([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}", "an IPv4 range such as 10.20.0.0/16"
    )


class CidrBlocks(Value):
    """One to five IPv4 ranges in one string: the length of a list cannot be constrained, that of a string can."""

    _RANGE = r"([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}"
    constraints: ClassVar = _matching(
        rf"{_RANGE}(,{_RANGE}){{0,4}}", "one to five IPv4 ranges, joined by commas without spaces"
    )


class ZoneName(Value):
    parameter_type = "AWS::EC2::AvailabilityZone::Name"


class VpcId(Value):
    parameter_type = "AWS::EC2::VPC::Id"


class SubnetIds(Value):
    parameter_type = "List<AWS::EC2::Subnet::Id>"


class RouteTableIds(Value):
    parameter_type = "CommaDelimitedList"


class SecurityGroupId(Value):
    parameter_type = "AWS::EC2::SecurityGroup::Id"


class HostName(Value):
    """A fully qualified domain name in lower case."""

    PATTERN = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
    constraints: ClassVar = _matching(PATTERN, "a domain name in lower case, such as images.example.org")


class OptionalHostName(Value):
    constraints: ClassVar = _matching(f"({HostName.PATTERN})?", "a domain name in lower case, or empty")


class OptionalHostedZoneId(Value):
    constraints: ClassVar = _matching("(Z[A-Z0-9]{1,31})?", "the id of a public hosted zone (Z…), or empty")


class OptionalCertificateArn(Value):
    constraints: ClassVar = _matching(
        f"({_ARN.format(service='acm', resource='certificate/[A-Za-z0-9-]+')})?",
        "the ARN of an ACM certificate, or empty",
    )


class CertificateArn(Value):
    constraints: ClassVar = _arn("acm", "certificate/[A-Za-z0-9-]+", "the ARN of an ACM certificate")


class KeyArn(Value):
    constraints: ClassVar = _arn("kms", "key/[A-Za-z0-9-]+", "the ARN of a KMS key")


class LogGroupName(Value):
    constraints: ClassVar = _matching(r"[A-Za-z0-9_./#-]{1,512}", "the name of a log group")


class BucketName(Value):
    constraints: ClassVar = _matching("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket")


class OptionalBucketName(Value):
    constraints: ClassVar = _matching(
        "([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?", "the name of an S3 bucket, or empty"
    )


class OptionalVaultArn(Value):
    constraints: ClassVar = _matching(
        f"({_ARN.format(service='backup', resource='backup-vault:[A-Za-z0-9_-]{2,50}')})?",
        "the ARN of a backup vault, or empty",
    )


class TopicArn(Value):
    constraints: ClassVar = _arn("sns", "[A-Za-z0-9_-]+", "the ARN of an SNS topic")


class SecretArn(Value):
    constraints: ClassVar = _arn("secretsmanager", "secret:[A-Za-z0-9/_+=.@!-]+", "the ARN of a secret")


class LoadBalancerArn(Value):
    constraints: ClassVar = _arn(
        "elasticloadbalancing", "loadbalancer/app/.+", "the ARN of an Application Load Balancer"
    )


class LoadBalancerName(Value):
    """A load balancer as CloudWatch names it: app/NAME/ID."""

    constraints: ClassVar = _matching("app/.+/.+", "the full name of a load balancer")


class SslPolicy(Value):
    """A security policy of a load balancer's TLS listener, TLS 1.2 or better."""

    constraints: ClassVar = {"AllowedValues": list(SSL_POLICIES)}


class TargetGroupArn(Value):
    constraints: ClassVar = _arn("elasticloadbalancing", "targetgroup/.+", "the ARN of a target group")


class TargetGroupName(Value):
    """A target group as CloudWatch names it: targetgroup/NAME/ID."""

    constraints: ClassVar = _matching("targetgroup/.+/.+", "the full name of a target group")


class ClusterName(Value):
    """The name of an ECS cluster."""


class ServiceName(Value):
    """The name of an ECS service."""


class DatabaseClusterName(Value):
    """The identifier of an Aurora cluster."""


class DatabaseClusterArn(Value):
    constraints: ClassVar = _arn("rds", "cluster:.+", "the ARN of an Aurora cluster")


class Image(Value):
    """A container image pinned by its digest."""

    constraints: ClassVar = _matching(
        r"[a-z0-9][a-z0-9.:/_-]*@sha256:[0-9a-f]{64}",
        "an image with its digest, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/orthanc@sha256:…",
    )


class PortfolioId(Value):
    constraints: ClassVar = _matching("port-[a-z0-9]{1,90}", "the id of a portfolio of Service Catalog")


class AccountIds(Value):
    """Accounts of AWS, possibly none."""

    parameter_type = "CommaDelimitedList"
    constraints: ClassVar = _matching("([0-9]{12})?", "the twelve digits of an account, or several, or empty")


class OrganizationNodes(Value):
    """Organizational units and organizations, possibly none. Source: AWS Organizations API reference."""

    parameter_type = "CommaDelimitedList"
    constraints: ClassVar = _matching(
        "(ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|o-[a-z0-9]{10,32})?",
        "an organizational unit (ou-…), an organization (o-…), several of them, or empty",
    )


class RetentionDays(Value):
    """A number of days for which CloudWatch Logs can keep a log group."""

    parameter_type = "Number"
    constraints: ClassVar = {
        "AllowedValues": [
            30,
            60,
            90,
            120,
            150,
            180,
            365,
            400,
            545,
            731,
            1096,
            1827,
            2192,
            2557,
            2922,
            3288,
            3653,
        ]
    }


class Span(Value):
    """The least and the greatest of something in one value, such as 2-6: a form cannot then have them crossed."""

    @property
    def least(self) -> Select:
        return Select(0, Split("-", self.data))

    @property
    def greatest(self) -> Select:
        return Select(1, Split("-", self.data))

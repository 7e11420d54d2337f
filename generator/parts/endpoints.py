"""Endpoints of AWS services inside the VPC, and what may be reached through them."""

from awacs.aws import Action, Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import AccountId, FindInMap, Join, Partition, Ref, Region, Sub, Template, ec2

from generator import ports
from generator.parts.policies import document
from generator.parts.security_groups import TASKS, Groups, add_group, connect, group_id

# Without a way to the Internet, tasks reach these through endpoints. Source: ECS developer guide, "Amazon ECS interface
# VPC endpoints". The first word is the key of the service name's prefix.
ENDPOINTS = {
    "EcrApi": ("Exception", "ecr.api"),
    "EcrDocker": ("Exception", "ecr.dkr"),
    "Logs": ("Usual", "logs"),
    "SecretsManager": ("Usual", "secretsmanager"),
    "S3": ("Exception", "s3"),
}
# Source of the China prefix: the AWS CDK's InterfaceVpcEndpointAwsService.
PREFIXES = {
    "aws": {"Usual": "com.amazonaws", "Exception": "com.amazonaws"},
    "aws-us-gov": {"Usual": "com.amazonaws", "Exception": "com.amazonaws"},
    "aws-cn": {"Usual": "com.amazonaws", "Exception": "cn.com.amazonaws"},
}


def add_s3_gateway(template: Template, vpc: ec2.VPC, tables: list[ec2.RouteTable], condition: str) -> None:
    """Adds the endpoint that keeps traffic with S3 off the NAT gateways, in the route tables given."""
    template.add_resource(
        ec2.VPCEndpoint(
            "S3GatewayEndpoint",
            Condition=condition,
            VpcId=Ref(vpc),
            VpcEndpointType="Gateway",
            ServiceName=Sub("com.amazonaws.${AWS::Region}.s3"),
            RouteTableIds=[Ref(table) for table in tables],
            PolicyDocument=_s3_policy(),
        )
    )


def add_interfaces(
    template: Template, vpc: ec2.VPC, subnets: list[ec2.Subnet], groups: Groups, condition: str
) -> None:
    """Adds the private endpoints of `ENDPOINTS` in the subnets given, open to tasks only."""
    template.add_mapping("EndpointPrefix", PREFIXES)
    group = _add_endpoints_group(template, vpc, groups, condition)
    for title, (prefix, service) in ENDPOINTS.items():
        endpoint = ec2.VPCEndpoint(
            f"{title}Endpoint",
            Condition=condition,
            VpcId=Ref(vpc),
            VpcEndpointType="Interface",
            PrivateDnsEnabled=True,
            ServiceName=Join(".", [FindInMap("EndpointPrefix", Partition, prefix), Region, service]),
            SubnetIds=[Ref(subnet) for subnet in subnets],
            SecurityGroupIds=[group_id(group)],
            PolicyDocument=_s3_policy() if service == "s3" else _policy(service),
        )
        if service == "s3":
            # Its private name serves on-premises resolvers only, unless told otherwise.
            endpoint.DnsOptions = ec2.DnsOptionsSpecification(
                PrivateDnsOnlyForInboundResolverEndpoint="AllResolvers"
            )
        template.add_resource(endpoint)


def _add_endpoints_group(
    template: Template, vpc: ec2.VPC, groups: Groups, condition: str
) -> ec2.SecurityGroup:
    purpose = "The private endpoints of AWS services"
    group = add_group(template, vpc, "Endpoints", purpose, Condition=condition)
    every = {**groups, "Endpoints": group}
    for name in TASKS:
        connect(template, every, name, "Endpoints", ports.HTTPS, Condition=condition)
    return group


def _policy(service: str) -> PolicyDocument:
    """Only this account's identities may use an endpoint, and only for what this account owns.

    What a task holds can then not be carried out to somebody else's account. Images may lie in another account's
    registry.
    """
    own = {"aws:PrincipalAccount": AccountId}
    if not service.startswith("ecr."):
        own["aws:ResourceAccount"] = AccountId
    return document(
        Statement(
            Sid="ThisAccount",
            Effect=Allow,
            Principal=Principal("*"),
            Action=[Action("*")],
            Resource=["*"],
            Condition=Condition(StringEquals(own)),
        )
    )


def _s3_policy() -> PolicyDocument:
    """This account's buckets, and the one that ECR keeps image layers in, which it hands out by signed URLs.

    Source: ECR user guide, "Minimum Amazon S3 bucket permissions for Amazon ECR".
    """
    return document(
        Statement(
            Sid="ThisAccountsBuckets",
            Effect=Allow,
            Principal=Principal("*"),
            Action=[Action("s3", "*")],
            Resource=["*"],
            Condition=Condition(StringEquals("aws:ResourceAccount", AccountId)),
        ),
        Statement(
            Sid="ImageLayers",
            Effect=Allow,
            Principal=Principal("*"),
            Action=[Action("s3", "GetObject")],
            Resource=[Sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")],
        ),
    )

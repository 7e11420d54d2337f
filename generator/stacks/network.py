"""The VPC: public, application and data subnets in two zones, and who may speak to whom."""

from dataclasses import dataclass

from awacs.aws import Action, Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import (
    AccountId,
    Cidr,
    Equals,
    FindInMap,
    GetAtt,
    GetAZs,
    If,
    Join,
    Not,
    NoValue,
    Or,
    Partition,
    Ref,
    Region,
    Select,
    Split,
    Sub,
    Tags,
    Template,
    ec2,
    scheduler,
)
from troposphere import Condition as Named

from generator import ports
from generator.core import Stack, output, parameter
from generator.kinds import (
    CidrBlock,
    CidrBlocks,
    DeploymentName,
    LogGroupName,
    RouteTableIds,
    SecurityGroupId,
    SubnetIds,
    Text,
    VpcId,
    ZoneName,
)
from generator.names import arn
from generator.parts.notes import Waiver, described, waived
from generator.parts.policies import allow, document, service_role

ZONES = 2
MOST_CLIENT_RANGES = 5
NO_RANGE = "-"
SUBNET_ADDRESS_BITS = 8
# Without a way to the Internet, tasks reach these through endpoints. Source: ECS developer guide, "Amazon ECS interface
# VPC endpoints". The first word is the key of the service name's prefix.
ENDPOINTS = {
    "EcrApi": ("Exception", "ecr.api"),
    "EcrDocker": ("Exception", "ecr.dkr"),
    "Logs": ("Usual", "logs"),
    "SecretsManager": ("Usual", "secretsmanager"),
    "S3": ("Exception", "s3"),
}
# Who opens connections to whom, and on which port: every such pair is two rules, one at each end.
FLOWS = (
    ("PublicBalancer", "Nginx", ports.NGINX),
    ("Nginx", "InternalBalancer", ports.HTTPS),
    ("InternalBalancer", "Orthanc", ports.ORTHANC_SIDECAR),
    ("Orthanc", "Database", ports.POSTGRESQL),
)
TASKS = ("Nginx", "Orthanc")


@dataclass(frozen=True)
class NetworkInputs:
    deployment: DeploymentName = parameter("The name that the network's parts are tagged with.")
    vpc_cidr: CidrBlock = parameter(
        "The VPC's IPv4 range, from /16 to /21; choose one that nothing you may peer with uses.",
        Default="10.60.0.0/20",
        AllowedPattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}/(16|17|18|19|20|21)$",
        ConstraintDescription="must be an IPv4 range from /16 to /21, such as 10.60.0.0/20.",
    )
    internet_egress: Text = parameter(
        "How tasks reach AWS and image registries: through a NAT gateway in every zone, through a single one"
        " (cheaper, but a zone's failure cuts it), or not at all: then through private endpoints only.",
        Default="nat-per-zone",
        AllowedValues=["nat-per-zone", "single-nat", "none"],
    )
    scheme: Text = parameter("Whether the public load balancer is internet-facing or internal.")
    client_ranges: CidrBlocks = parameter(
        "Only clients in these IPv4 ranges can connect: one to five, joined by commas. 0.0.0.0/0 opens the store to"
        " the Internet, guarded by its access control.",
    )
    flow_log_group: LogGroupName = parameter("The log group that flow logs are written to.")


@dataclass(frozen=True)
class NetworkOutputs:
    vpc: VpcId = output("The VPC.")
    public_subnets: SubnetIds = output("Hold the public load balancer and the NAT gateways.")
    application_subnets: SubnetIds = output("Hold the tasks and the internal load balancer.")
    data_subnets: SubnetIds = output("Hold the database; they have no route out of the VPC.")
    application_route_tables: RouteTableIds = output(
        "The application subnets' route tables: routes to networks that you connect to the VPC go here."
    )
    first_zone: ZoneName = output("The availability zone of the first subnet of each tier.")
    second_zone: ZoneName = output("The availability zone of the second subnet of each tier.")
    public_balancer_group: SecurityGroupId = output("The security group of the public load balancer.")
    nginx_group: SecurityGroupId = output("The security group of the NGINX tasks.")
    internal_balancer_group: SecurityGroupId = output("The security group of the internal load balancer.")
    orthanc_group: SecurityGroupId = output("The security group of the Orthanc tasks.")
    database_group: SecurityGroupId = output("The security group of the database.")


def build(template: Template, inputs: NetworkInputs) -> NetworkOutputs:
    """The VPC with its subnets, ways out, security groups and flow logs."""
    _add_conditions(template, inputs)
    vpc = _add_vpc(template, inputs)
    public = _add_subnets(template, vpc, "Public", 0)
    application = _add_subnets(template, vpc, "Application", 1)
    data = _add_subnets(template, vpc, "Data", 2)
    _route_public_subnets(template, vpc, public)
    application_tables = _route_application_subnets(template, vpc, public, application)
    _route_data_subnets(template, vpc, data)
    groups = {
        name: _add_security_group(template, vpc, name, purpose)
        for name, purpose in (
            ("PublicBalancer", "The public load balancer"),
            ("Nginx", "The NGINX tasks"),
            ("InternalBalancer", "The internal load balancer"),
            ("Orthanc", "The Orthanc tasks"),
            ("Database", "The Aurora database"),
        )
    }
    _admit_clients(template, inputs, groups)
    for source, destination, port in FLOWS:
        _connect(template, groups, source, destination, port)
    _open_the_way_out(template, groups)
    _add_endpoints(template, vpc, application, groups)
    _add_flow_log(template, inputs, vpc)
    _keep_default_group_closed(template, vpc)
    return NetworkOutputs(
        vpc=VpcId(Ref(vpc)),
        public_subnets=SubnetIds([Ref(subnet) for subnet in public]),
        application_subnets=SubnetIds([Ref(subnet) for subnet in application]),
        data_subnets=SubnetIds([Ref(subnet) for subnet in data]),
        application_route_tables=RouteTableIds([Ref(table) for table in application_tables]),
        first_zone=ZoneName(GetAtt(data[0], "AvailabilityZone")),
        second_zone=ZoneName(GetAtt(data[1], "AvailabilityZone")),
        public_balancer_group=_group_id(groups["PublicBalancer"]),
        nginx_group=_group_id(groups["Nginx"]),
        internal_balancer_group=_group_id(groups["InternalBalancer"]),
        orthanc_group=_group_id(groups["Orthanc"]),
        database_group=_group_id(groups["Database"]),
    )


def _add_conditions(template: Template, inputs: NetworkInputs) -> None:
    template.add_condition("HasNatPerZone", Equals(inputs.internet_egress, "nat-per-zone"))
    template.add_condition("HasNat", Or(Named("HasNatPerZone"), Equals(inputs.internet_egress, "single-nat")))
    template.add_condition("HasNoEgress", Equals(inputs.internet_egress, "none"))
    template.add_condition("HasInternet", Or(Named("HasNat"), Equals(inputs.scheme, "internet-facing")))
    for index in range(1, MOST_CLIENT_RANGES):
        template.add_condition(
            f"HasClientRange{index + 1}", Not(Equals(Select(index, _padded_ranges(inputs)), NO_RANGE))
        )


def _padded_ranges(inputs: NetworkInputs) -> Split:
    """The client ranges as a list that is long enough for every index."""
    return Split(",", Sub(inputs.client_ranges.in_sub + f",{NO_RANGE}" * (MOST_CLIENT_RANGES - 1)))


def _add_vpc(template: Template, inputs: NetworkInputs) -> ec2.VPC:
    vpc = ec2.VPC(
        "Vpc",
        CidrBlock=inputs.vpc_cidr,
        EnableDnsSupport=True,
        EnableDnsHostnames=True,
        Tags=_named("vpc"),
    )
    closed = Waiver(
        "CloudFormation cannot change the default group; the schedules CloseDefaultGroupIngress and"
        " CloseDefaultGroupEgress take out the rules that it is made with.",
        rule="VPCDefaultSecurityGroupClosed",
    )
    return template.add_resource(waived(vpc, closed))


def _add_subnets(template: Template, vpc: ec2.VPC, tier: str, number: int) -> list[ec2.Subnet]:
    """One subnet of a tier in each zone; the ranges of the tier with this number follow those of the one before."""
    ranges = Cidr(GetAtt(vpc, "CidrBlock"), 4 * ZONES, SUBNET_ADDRESS_BITS)
    return [
        template.add_resource(
            ec2.Subnet(
                f"{tier}Subnet{zone + 1}",
                VpcId=Ref(vpc),
                AvailabilityZone=Select(zone, GetAZs()),
                CidrBlock=Select(number * ZONES + zone, ranges),
                MapPublicIpOnLaunch=False,
                Tags=_named(f"{tier.lower()}-{zone + 1}"),
            )
        )
        for zone in range(ZONES)
    ]


def _add_route_table(
    template: Template, vpc: ec2.VPC, title: str, subnets: list[ec2.Subnet]
) -> ec2.RouteTable:
    table = template.add_resource(
        ec2.RouteTable(f"{title}RouteTable", VpcId=Ref(vpc), Tags=_named(f"{title.lower()}-routes"))
    )
    for subnet in subnets:
        template.add_resource(
            ec2.SubnetRouteTableAssociation(
                f"{subnet.title}Routes", SubnetId=Ref(subnet), RouteTableId=Ref(table)
            )
        )
    return table


def _route_public_subnets(template: Template, vpc: ec2.VPC, public: list[ec2.Subnet]) -> None:
    gateway = template.add_resource(ec2.InternetGateway("InternetGateway", Tags=_named("internet")))
    attachment = template.add_resource(
        ec2.VPCGatewayAttachment("InternetGatewayAttachment", VpcId=Ref(vpc), InternetGatewayId=Ref(gateway))
    )
    table = _add_route_table(template, vpc, "Public", public)
    route = ec2.Route(
        "PublicInternetRoute",
        Condition="HasInternet",
        DependsOn=attachment,
        RouteTableId=Ref(table),
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=Ref(gateway),
    )
    public_only = Waiver(
        "The route of the public subnets, which hold the internet-facing load balancer and the NAT gateways, and"
        " nothing else.",
        rule="VPCNoUnrestrictedRouteToIGW",
    )
    template.add_resource(waived(route, public_only))


def _route_application_subnets(
    template: Template, vpc: ec2.VPC, public: list[ec2.Subnet], application: list[ec2.Subnet]
) -> list[ec2.RouteTable]:
    """Each zone's subnet has a table of its own, so that it can leave through the NAT gateway of its zone."""
    gateways = [_add_nat_gateway(template, zone, subnet) for zone, subnet in enumerate(public)]
    tables = []
    for zone, subnet in enumerate(application):
        table = _add_route_table(template, vpc, f"Application{zone + 1}", [subnet])
        own, first = Ref(gateways[zone]), Ref(gateways[0])
        template.add_resource(
            ec2.Route(
                f"Application{zone + 1}InternetRoute",
                Condition="HasNat",
                RouteTableId=Ref(table),
                DestinationCidrBlock="0.0.0.0/0",
                NatGatewayId=own if zone == 0 else If("HasNatPerZone", own, first),
            )
        )
        tables.append(table)
    template.add_resource(
        ec2.VPCEndpoint(
            "S3GatewayEndpoint",
            Condition="HasNat",
            VpcId=Ref(vpc),
            VpcEndpointType="Gateway",
            ServiceName=Sub("com.amazonaws.${AWS::Region}.s3"),
            RouteTableIds=[Ref(table) for table in tables],
            PolicyDocument=_s3_endpoint_policy(),
        )
    )
    return tables


def _add_nat_gateway(template: Template, zone: int, subnet: ec2.Subnet) -> ec2.NatGateway:
    condition = "HasNat" if zone == 0 else "HasNatPerZone"
    address = template.add_resource(
        ec2.EIP(
            f"NatAddress{zone + 1}",
            Condition=condition,
            DependsOn="InternetGatewayAttachment",
            Domain="vpc",
            Tags=_named(f"nat-{zone + 1}"),
        )
    )
    gateway = ec2.NatGateway(
        f"NatGateway{zone + 1}",
        Condition=condition,
        AllocationId=GetAtt(address, "AllocationId"),
        SubnetId=Ref(subnet),
        Tags=_named(f"nat-{zone + 1}"),
    )
    return template.add_resource(described(gateway, f"The NAT gateway of zone {zone + 1}"))


def _route_data_subnets(template: Template, vpc: ec2.VPC, data: list[ec2.Subnet]) -> None:
    _add_route_table(template, vpc, "Data", data)


def _add_security_group(template: Template, vpc: ec2.VPC, name: str, purpose: str) -> ec2.SecurityGroup:
    """A group without any rule: AWS would let everything out if it found none, so one leads nowhere."""
    return template.add_resource(
        ec2.SecurityGroup(
            f"{name}Group",
            GroupDescription=purpose,
            VpcId=Ref(vpc),
            SecurityGroupEgress=[
                ec2.SecurityGroupRule(
                    IpProtocol="icmp",
                    FromPort=252,
                    ToPort=86,
                    CidrIp="255.255.255.255/32",
                    Description="Nothing: it takes the place of the rule that lets everything out",
                )
            ],
            Tags=_named(name.lower()),
        )
    )


def _admit_clients(template: Template, inputs: NetworkInputs, groups: dict[str, ec2.SecurityGroup]) -> None:
    """Clients come from a prefix list, so that the ranges stand in one place for both ports."""

    def entry(index: int) -> ec2.Entry:
        return ec2.Entry(Cidr=Select(index, _padded_ranges(inputs)), Description=f"Client range {index + 1}")

    others = [
        If(f"HasClientRange{index + 1}", entry(index), NoValue) for index in range(1, MOST_CLIENT_RANGES)
    ]
    clients = template.add_resource(
        ec2.PrefixList(
            "ClientRangesList",
            PrefixListName=Sub("${Deployment}-clients"),
            AddressFamily="IPv4",
            MaxEntries=MOST_CLIENT_RANGES,
            Entries=[entry(0), *others],
        )
    )
    for name, port, purpose in (
        ("Https", ports.HTTPS, "Clients over TLS"),
        ("Http", ports.HTTP, "Clients that are redirected to TLS"),
    ):
        template.add_resource(
            ec2.SecurityGroupIngress(
                f"PublicBalancerFromClients{name}",
                GroupId=_group_id(groups["PublicBalancer"]),
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                SourcePrefixListId=GetAtt(clients, "PrefixListId"),
                Description=purpose,
            )
        )


def _connect(
    template: Template,
    groups: dict[str, ec2.SecurityGroup],
    source: str,
    destination: str,
    port: int,
    condition: str = "",
) -> None:
    def rule(kind: type, title: str, at: str, other: str, peer: str) -> None:
        made = kind(
            title,
            GroupId=_group_id(groups[at]),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=f"{source} to {destination}",
            **{peer: _group_id(groups[other])},
        )
        if condition:
            made.Condition = condition
        template.add_resource(made)

    rule(
        ec2.SecurityGroupEgress, f"{source}To{destination}", source, destination, "DestinationSecurityGroupId"
    )
    rule(ec2.SecurityGroupIngress, f"{destination}From{source}", destination, source, "SourceSecurityGroupId")


def _open_the_way_out(template: Template, groups: dict[str, ec2.SecurityGroup]) -> None:
    """With a NAT gateway, tasks pull images and reach AWS over TLS at addresses that cannot be told beforehand."""
    for name in TASKS:
        template.add_resource(
            ec2.SecurityGroupEgress(
                f"{name}ToInternet",
                Condition="HasNat",
                GroupId=_group_id(groups[name]),
                IpProtocol="tcp",
                FromPort=ports.HTTPS,
                ToPort=ports.HTTPS,
                CidrIp="0.0.0.0/0",
                Description="AWS services and image registries, through the NAT gateway",
            )
        )


def _add_endpoints(
    template: Template, vpc: ec2.VPC, application: list[ec2.Subnet], groups: dict[str, ec2.SecurityGroup]
) -> None:
    # Source of the China prefix: the AWS CDK's InterfaceVpcEndpointAwsService.
    template.add_mapping(
        "EndpointPrefix",
        {
            "aws": {"Usual": "com.amazonaws", "Exception": "com.amazonaws"},
            "aws-us-gov": {"Usual": "com.amazonaws", "Exception": "com.amazonaws"},
            "aws-cn": {"Usual": "com.amazonaws", "Exception": "cn.com.amazonaws"},
        },
    )
    group = _add_security_group(template, vpc, "Endpoints", "The private endpoints of AWS services")
    group.Condition = "HasNoEgress"
    for name in TASKS:
        _connect(
            template, {**groups, "Endpoints": group}, name, "Endpoints", ports.HTTPS, condition="HasNoEgress"
        )
    for title, (prefix, service) in ENDPOINTS.items():
        endpoint = ec2.VPCEndpoint(
            f"{title}Endpoint",
            Condition="HasNoEgress",
            VpcId=Ref(vpc),
            VpcEndpointType="Interface",
            PrivateDnsEnabled=True,
            ServiceName=Join(".", [FindInMap("EndpointPrefix", Partition, prefix), Region, service]),
            SubnetIds=[Ref(subnet) for subnet in application],
            SecurityGroupIds=[_group_id(group)],
            PolicyDocument=_s3_endpoint_policy() if service == "s3" else _endpoint_policy(service),
        )
        if service == "s3":
            # Its private name serves on-premises resolvers only, unless told otherwise.
            endpoint.DnsOptions = ec2.DnsOptionsSpecification(
                PrivateDnsOnlyForInboundResolverEndpoint="AllResolvers"
            )
        template.add_resource(endpoint)


def _endpoint_policy(service: str) -> PolicyDocument:
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


def _s3_endpoint_policy() -> PolicyDocument:
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


def _add_flow_log(template: Template, inputs: NetworkInputs, vpc: ec2.VPC) -> None:
    role = service_role(
        template,
        "FlowLogRole",
        "vpc-flow-logs",
        allow(
            "Write",
            [
                Action("logs", "CreateLogStream"),
                Action("logs", "PutLogEvents"),
                Action("logs", "DescribeLogStreams"),
            ],
            [arn("logs", "log-group:${FlowLogGroup}:*")],
        ),
        allow("Find", [Action("logs", "DescribeLogGroups")], [arn("logs", "log-group:*")]),
    )
    template.add_resource(
        ec2.FlowLog(
            "FlowLog",
            ResourceId=Ref(vpc),
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName=inputs.flow_log_group,
            DeliverLogsPermissionArn=GetAtt(role, "Arn"),
            MaxAggregationInterval=60,
            Tags=_named("flow-log"),
        )
    )


def _keep_default_group_closed(template: Template, vpc: ec2.VPC) -> None:
    """Takes the rules that AWS makes the VPC's default security group with out, and looks for them again every day.

    CloudFormation cannot change that group; EventBridge Scheduler calls the API without any code of ours. A call that
    finds no such rule fails, to no harm; the few tries more are for a role that IAM does not know everywhere yet.
    """
    group = GetAtt(vpc, "DefaultSecurityGroup")
    role = service_role(
        template,
        "DefaultGroupRole",
        "scheduler",
        allow(
            "Revoke",
            [Action("ec2", "RevokeSecurityGroupIngress"), Action("ec2", "RevokeSecurityGroupEgress")],
            [
                Sub(
                    f"arn:${{AWS::Partition}}:ec2:${{AWS::Region}}:${{AWS::AccountId}}:security-group/${{{vpc.title}.DefaultSecurityGroup}}"
                )
            ],
        ),
    )
    for direction, peers in (
        ("Ingress", '"UserIdGroupPairs":[{"GroupId":"${Group}"}]'),
        ("Egress", '"IpRanges":[{"CidrIp":"0.0.0.0/0"}]'),
    ):
        template.add_resource(
            scheduler.Schedule(
                f"CloseDefaultGroup{direction}",
                Description=f"Takes the first {direction.lower()} rule out of the default security group",
                ScheduleExpression="rate(1 day)",
                FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
                Target=scheduler.Target(
                    Arn=Sub(
                        f"arn:${{AWS::Partition}}:scheduler:::aws-sdk:ec2:revokeSecurityGroup{direction}"
                    ),
                    RoleArn=GetAtt(role, "Arn"),
                    Input=Sub(
                        f'{{"GroupId":"${{Group}}","IpPermissions":[{{"IpProtocol":"-1",{peers}}}]}}',
                        Group=group,
                    ),
                    RetryPolicy=scheduler.RetryPolicy(MaximumRetryAttempts=3),
                ),
            )
        )


def _group_id(group: ec2.SecurityGroup) -> SecurityGroupId:
    return SecurityGroupId(GetAtt(group, "GroupId"))


def _named(name: str) -> Tags:
    return Tags(Name=Sub(f"${{Deployment}}-{name}"))


NETWORK = Stack("network", NetworkInputs, NetworkOutputs, build)

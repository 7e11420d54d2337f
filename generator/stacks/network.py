"""The VPC: public, application and data subnets in two zones, and their ways out."""

from dataclasses import dataclass

from awacs.aws import Action
from troposphere import Cidr, Equals, GetAtt, GetAZs, If, Or, Ref, Select, Template, ec2
from troposphere import Condition as Named

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
from generator.names import arn, name_tag
from generator.parts import endpoints
from generator.parts.default_group import keep_default_group_closed
from generator.parts.notes import Waiver, described, waived
from generator.parts.policies import allow, service_role
from generator.parts.security_groups import (
    add_tier_groups,
    admit_clients,
    connect_tiers,
    group_id,
    open_the_way_out,
)

ZONES = 2
SUBNET_ADDRESS_BITS = 8


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
    endpoints.add_s3_gateway(template, vpc, application_tables, condition="HasNat")
    _route_data_subnets(template, vpc, data)
    groups = add_tier_groups(template, vpc)
    admit_clients(template, inputs.client_ranges, groups)
    connect_tiers(template, groups)
    open_the_way_out(template, groups, condition="HasNat")
    endpoints.add_interfaces(template, vpc, application, groups, condition="HasNoEgress")
    _add_flow_log(template, inputs, vpc)
    keep_default_group_closed(template, vpc)
    return NetworkOutputs(
        vpc=VpcId(Ref(vpc)),
        public_subnets=SubnetIds([Ref(subnet) for subnet in public]),
        application_subnets=SubnetIds([Ref(subnet) for subnet in application]),
        data_subnets=SubnetIds([Ref(subnet) for subnet in data]),
        application_route_tables=RouteTableIds([Ref(table) for table in application_tables]),
        first_zone=ZoneName(GetAtt(data[0], "AvailabilityZone")),
        second_zone=ZoneName(GetAtt(data[1], "AvailabilityZone")),
        public_balancer_group=group_id(groups["PublicBalancer"]),
        nginx_group=group_id(groups["Nginx"]),
        internal_balancer_group=group_id(groups["InternalBalancer"]),
        orthanc_group=group_id(groups["Orthanc"]),
        database_group=group_id(groups["Database"]),
    )


def _add_conditions(template: Template, inputs: NetworkInputs) -> None:
    template.add_condition("HasNatPerZone", Equals(inputs.internet_egress, "nat-per-zone"))
    template.add_condition("HasNat", Or(Named("HasNatPerZone"), Equals(inputs.internet_egress, "single-nat")))
    template.add_condition("HasNoEgress", Equals(inputs.internet_egress, "none"))
    template.add_condition("HasInternet", Or(Named("HasNat"), Equals(inputs.scheme, "internet-facing")))


def _add_vpc(template: Template, inputs: NetworkInputs) -> ec2.VPC:
    vpc = ec2.VPC(
        "Vpc",
        CidrBlock=inputs.vpc_cidr,
        EnableDnsSupport=True,
        EnableDnsHostnames=True,
        Tags=name_tag("vpc"),
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
                Tags=name_tag(f"{tier.lower()}-{zone + 1}"),
            )
        )
        for zone in range(ZONES)
    ]


def _add_route_table(
    template: Template, vpc: ec2.VPC, title: str, subnets: list[ec2.Subnet]
) -> ec2.RouteTable:
    table = template.add_resource(
        ec2.RouteTable(f"{title}RouteTable", VpcId=Ref(vpc), Tags=name_tag(f"{title.lower()}-routes"))
    )
    for subnet in subnets:
        template.add_resource(
            ec2.SubnetRouteTableAssociation(
                f"{subnet.title}Routes", SubnetId=Ref(subnet), RouteTableId=Ref(table)
            )
        )
    return table


def _route_public_subnets(template: Template, vpc: ec2.VPC, public: list[ec2.Subnet]) -> None:
    gateway = template.add_resource(ec2.InternetGateway("InternetGateway", Tags=name_tag("internet")))
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
    return tables


def _add_nat_gateway(template: Template, zone: int, subnet: ec2.Subnet) -> ec2.NatGateway:
    condition = "HasNat" if zone == 0 else "HasNatPerZone"
    address = template.add_resource(
        ec2.EIP(
            f"NatAddress{zone + 1}",
            Condition=condition,
            DependsOn="InternetGatewayAttachment",
            Domain="vpc",
            Tags=name_tag(f"nat-{zone + 1}"),
        )
    )
    gateway = ec2.NatGateway(
        f"NatGateway{zone + 1}",
        Condition=condition,
        AllocationId=GetAtt(address, "AllocationId"),
        SubnetId=Ref(subnet),
        Tags=name_tag(f"nat-{zone + 1}"),
    )
    return template.add_resource(described(gateway, f"The NAT gateway of zone {zone + 1}"))


def _route_data_subnets(template: Template, vpc: ec2.VPC, data: list[ec2.Subnet]) -> None:
    _add_route_table(template, vpc, "Data", data)


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
            Tags=name_tag("flow-log"),
        )
    )


NETWORK = Stack("network", NetworkInputs, NetworkOutputs, build)

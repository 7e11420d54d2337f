"""Who may speak to whom inside the VPC: a security group for each tier, and rules for the connections they open."""

from typing import Any

from troposphere import Equals, GetAtt, If, Not, NoValue, Ref, Select, Split, Sub, Template, ec2

from generator import ports
from generator.kinds import CidrBlocks, SecurityGroupId
from generator.names import name_tag

Groups = dict[str, ec2.SecurityGroup]

MOST_CLIENT_RANGES = 5
NO_RANGE = "-"
# The groups, and whose each is.
PURPOSES = {
    "PublicBalancer": "The public load balancer",
    "Nginx": "The NGINX tasks",
    "InternalBalancer": "The internal load balancer",
    "Orthanc": "The Orthanc tasks",
    "Database": "The Aurora database",
}
# Who opens connections to whom, and on which port: every such pair is two rules, one at each end.
FLOWS = (
    ("PublicBalancer", "Nginx", ports.NGINX),
    ("Nginx", "InternalBalancer", ports.HTTPS),
    ("InternalBalancer", "Orthanc", ports.ORTHANC_SIDECAR),
    ("Orthanc", "Database", ports.POSTGRESQL),
)
TASKS = ("Nginx", "Orthanc")


def add_tier_groups(template: Template, vpc: ec2.VPC) -> Groups:
    """Adds the groups of the load balancers, of the tasks and of the database, by the names of `PURPOSES`."""
    return {name: add_group(template, vpc, name, purpose) for name, purpose in PURPOSES.items()}


def add_group(
    template: Template, vpc: ec2.VPC, name: str, purpose: str, **properties: Any
) -> ec2.SecurityGroup:
    """Adds a group without any rule: AWS would let everything out if it found none, so one leads nowhere."""
    nothing = ec2.SecurityGroupRule(
        IpProtocol="icmp",
        FromPort=252,
        ToPort=86,
        CidrIp="255.255.255.255/32",
        Description="Nothing: it takes the place of the rule that lets everything out",
    )
    return template.add_resource(
        ec2.SecurityGroup(
            f"{name}Group",
            GroupDescription=purpose,
            VpcId=Ref(vpc),
            SecurityGroupEgress=[nothing],
            Tags=name_tag(name.lower()),
            **properties,
        )
    )


def group_id(group: ec2.SecurityGroup) -> SecurityGroupId:
    """The id of a group."""
    return SecurityGroupId(GetAtt(group, "GroupId"))


def admit_clients(template: Template, ranges: CidrBlocks, groups: Groups) -> None:
    """Adds the rules that let clients in, from a prefix list, so that the ranges stand in one place for both ports."""
    clients = _add_client_list(template, ranges)
    for name, port, purpose in (
        ("Https", ports.HTTPS, "Clients over TLS"),
        ("Http", ports.HTTP, "Clients that are redirected to TLS"),
    ):
        template.add_resource(
            ec2.SecurityGroupIngress(
                f"PublicBalancerFromClients{name}",
                GroupId=group_id(groups["PublicBalancer"]),
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                SourcePrefixListId=GetAtt(clients, "PrefixListId"),
                Description=purpose,
            )
        )


def _add_client_list(template: Template, ranges: CidrBlocks) -> ec2.PrefixList:
    """The list has an entry for each range that is given; only the first must be."""
    padded = Split(",", Sub(ranges.in_sub + f",{NO_RANGE}" * (MOST_CLIENT_RANGES - 1)))

    def entry(index: int) -> ec2.Entry:
        return ec2.Entry(Cidr=Select(index, padded), Description=f"Client range {index + 1}")

    entries: list[Any] = [entry(0)]
    for index in range(1, MOST_CLIENT_RANGES):
        given = f"HasClientRange{index + 1}"
        template.add_condition(given, Not(Equals(Select(index, padded), NO_RANGE)))
        entries.append(If(given, entry(index), NoValue))
    return template.add_resource(
        ec2.PrefixList(
            "ClientRangesList",
            PrefixListName=Sub("${Deployment}-clients"),
            AddressFamily="IPv4",
            MaxEntries=MOST_CLIENT_RANGES,
            Entries=entries,
        )
    )


def connect_tiers(template: Template, groups: Groups) -> None:
    """Adds the rules of every connection of `FLOWS`."""
    for source, destination, port in FLOWS:
        connect(template, groups, source, destination, port)


def connect(
    template: Template, groups: Groups, source: str, destination: str, port: int, **properties: Any
) -> None:
    """Adds the two rules of one connection: the source's group lets it out, the destination's lets it in."""
    opens, admits = group_id(groups[source]), group_id(groups[destination])
    shared = {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "Description": f"{source} to {destination}",
        **properties,
    }
    template.add_resource(
        ec2.SecurityGroupEgress(
            f"{source}To{destination}", GroupId=opens, **shared, DestinationSecurityGroupId=admits
        )
    )
    template.add_resource(
        ec2.SecurityGroupIngress(
            f"{destination}From{source}", GroupId=admits, **shared, SourceSecurityGroupId=opens
        )
    )


def open_the_way_out(template: Template, groups: Groups, condition: str) -> None:
    """Lets tasks out to the Internet where there is a NAT gateway.

    They pull images and reach AWS over TLS, at addresses that cannot be told beforehand.
    """
    for name in TASKS:
        template.add_resource(
            ec2.SecurityGroupEgress(
                f"{name}ToInternet",
                Condition=condition,
                GroupId=group_id(groups[name]),
                IpProtocol="tcp",
                FromPort=ports.HTTPS,
                ToPort=ports.HTTPS,
                CidrIp="0.0.0.0/0",
                Description="AWS services and image registries, through the NAT gateway",
            )
        )

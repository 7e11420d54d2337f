"""The internal load balancer between NGINX and Orthanc, and the private zone that gives it its name."""

from dataclasses import dataclass

from troposphere import GetAtt, Ref, Region, Sub, Template, route53
from troposphere import elasticloadbalancingv2 as elb

from generator import ports
from generator.core import Stack, output, parameter
from generator.kinds import (
    BucketName,
    CertificateArn,
    Flag,
    HostName,
    LoadBalancerName,
    SecurityGroupId,
    SslPolicy,
    SubnetIds,
    TargetGroupArn,
    TargetGroupName,
    TopicArn,
    VpcId,
)
from generator.parts.balancer import (
    add_refusal_alarm,
    balancer_name,
    group_name,
    https_listener,
    load_balancer,
    target_group,
)
from generator.parts.notes import NIST, PCI, Waiver, waived


@dataclass(frozen=True)
class InternalBalancerInputs:
    vpc: VpcId = parameter("The VPC.")
    application_subnets: SubnetIds = parameter("The subnets that the load balancer lies in.")
    internal_balancer_group: SecurityGroupId = parameter("The load balancer's security group.")
    access_logs_bucket: BucketName = parameter("The bucket that the load balancer's logs are written to.")
    internal_certificate: CertificateArn = parameter("The certificate that NGINX is shown and verifies.")
    internal_name: HostName = parameter("The name that NGINX reaches the load balancer by.")
    ssl_policy: SslPolicy = parameter("Which versions of TLS and which ciphers the load balancer accepts.")
    deletion_protection: Flag = parameter("Whether AWS refuses to delete the load balancer.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")


@dataclass(frozen=True)
class InternalBalancerOutputs:
    load_balancer_name: LoadBalancerName = output("The internal load balancer as CloudWatch names it.")
    target_group: TargetGroupArn = output("The Orthanc tasks.")
    target_group_name: TargetGroupName = output("The Orthanc tasks' target group as CloudWatch names it.")


def build(template: Template, inputs: InternalBalancerInputs) -> InternalBalancerOutputs:
    """The internal load balancer in front of Orthanc, with its private DNS name."""
    balancer = _add_balancer(template, inputs)
    add_refusal_alarm(template, balancer, inputs.topic)
    targets = target_group(template, "OrthancTargets", inputs.vpc, ports.ORTHANC_SIDECAR)
    https_listener(
        template,
        "HttpsListener",
        balancer,
        inputs.internal_certificate,
        inputs.ssl_policy,
        inputs.topic,
        [elb.Action(Type="forward", TargetGroupArn=Ref(targets))],
    )
    _add_private_name(template, inputs, balancer)
    return InternalBalancerOutputs(
        load_balancer_name=balancer_name(balancer),
        target_group=TargetGroupArn(Ref(targets)),
        target_group_name=group_name(targets),
    )


def _add_balancer(template: Template, inputs: InternalBalancerInputs) -> elb.LoadBalancer:
    balancer = load_balancer(
        template,
        "LoadBalancer",
        name="internal",
        scheme="internal",
        subnets=inputs.application_subnets,
        group=inputs.internal_balancer_group,
        access_logs_bucket=inputs.access_logs_bucket,
        deletion_protection=inputs.deletion_protection,
    )
    return waived(
        balancer,
        Waiver(
            "Only the NGINX tasks reach it, with requests that have passed the public load balancer's web ACL.",
            rule="ALBWAFEnabled",
            packs=(NIST, PCI),
        ),
    )


def _add_private_name(template: Template, inputs: InternalBalancerInputs, balancer: elb.LoadBalancer) -> None:
    """A private zone of just this name: the rest of the public zone goes on resolving inside the VPC."""
    zone = template.add_resource(
        route53.HostedZone(
            "PrivateZone",
            Name=inputs.internal_name,
            HostedZoneConfig=route53.HostedZoneConfiguration(
                Comment="The name that NGINX reaches Orthanc by"
            ),
            VPCs=[route53.HostedZoneVPCs(VPCId=inputs.vpc, VPCRegion=Region)],
        )
    )
    template.add_resource(
        route53.RecordSetType(
            "Record",
            HostedZoneId=Ref(zone),
            Name=Sub("${InternalName}."),
            Type="A",
            AliasTarget=route53.AliasTarget(
                HostedZoneId=GetAtt(balancer, "CanonicalHostedZoneID"), DNSName=GetAtt(balancer, "DNSName")
            ),
        )
    )


INTERNAL_BALANCER = Stack("internal_balancer", InternalBalancerInputs, InternalBalancerOutputs, build)

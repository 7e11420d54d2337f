"""The public load balancer: where clients arrive, and where tokens and client certificates are checked."""

from dataclasses import dataclass
from typing import Any

from troposphere import And, Condition, Equals, GetAtt, If, Not, Ref, Sub, Template, ec2, route53
from troposphere import elasticloadbalancingv2 as elb

from generator import ports
from generator.core import Stack, output, parameter
from generator.kinds import (
    SSL_POLICIES,
    BucketName,
    CertificateArn,
    Flag,
    HostName,
    LoadBalancerArn,
    LoadBalancerName,
    OptionalBucketName,
    OptionalHostedZoneId,
    SecurityGroupId,
    SslPolicy,
    SubnetIds,
    TargetGroupArn,
    TargetGroupName,
    Text,
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
from generator.parts.notes import Waiver, waived

_OPTIONAL_HTTPS_URL = r"^(https://[^\s]+)?$"
_SCOPE = r"^[\x21\x23-\x5B\x5D-\x7E]{1,128}$"  # RFC 6749, section 3.3: scope-token


@dataclass(frozen=True)
class PublicBalancerInputs:
    vpc: VpcId = parameter("The VPC.")
    public_subnets: SubnetIds = parameter("The subnets that an internet-facing load balancer lies in.")
    application_subnets: SubnetIds = parameter("The subnets that an internal load balancer lies in.")
    scheme: Text = parameter(
        "Whether clients come from the Internet (internet-facing) or only through the VPC, by VPN, Direct Connect or"
        " peering (internal). It cannot be changed once deployed.",
        Default="internet-facing",
        AllowedValues=["internet-facing", "internal"],
    )
    public_balancer_group: SecurityGroupId = parameter("The load balancer's security group.")
    access_logs_bucket: BucketName = parameter("The bucket that the load balancer's logs are written to.")
    certificate: CertificateArn = parameter("The certificate that clients are shown.")
    domain_name: HostName = parameter("The name that clients reach the image store by.")
    hosted_zone_id: OptionalHostedZoneId = parameter(
        "The hosted zone that the name's record is made in, or empty."
    )
    deletion_protection: Flag = parameter("Whether AWS refuses to delete the load balancer.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")
    ssl_policy: SslPolicy = parameter(
        "Which versions of TLS and which ciphers the load balancers accept; every choice is TLS 1.2 or better, and"
        " those with PQ also offer post-quantum key exchange.",
        Default=SSL_POLICIES[0],
    )
    access_mode: Text = parameter(
        "How clients prove who they are: basic (name and password, checked by NGINX), jwt (a bearer token of your"
        " identity provider) or mtls (a client certificate). The load balancer verifies the latter two.",
        Default="basic",
        AllowedValues=["basic", "jwt", "mtls"],
    )
    jwt_issuer: Text = parameter(
        "The issuer (iss) that tokens must name; only for access mode jwt.",
        Default="",
        AllowedPattern=_OPTIONAL_HTTPS_URL,
        ConstraintDescription="must be an https:// address, or empty.",
    )
    jwt_jwks_url: Text = parameter(
        "Where the issuer publishes its keys (JWKS), reachable from the Internet; only for access mode jwt.",
        Default="",
        AllowedPattern=_OPTIONAL_HTTPS_URL,
        ConstraintDescription="must be an https:// address, or empty.",
    )
    jwt_read_scope: Text = parameter(
        "The scope that a token must hold to search and retrieve; only for access mode jwt.",
        Default="dicomweb/read",
        AllowedPattern=_SCOPE,
        ConstraintDescription="must be one scope without spaces.",
    )
    jwt_write_scope: Text = parameter(
        "The scope that a token must hold to store; only for access mode jwt.",
        Default="dicomweb/write",
        AllowedPattern=_SCOPE,
        ConstraintDescription="must be one scope without spaces.",
    )
    orthanc_interface: Flag = parameter("Whether administrators reach Orthanc's own interface.")
    trust_store_bucket: OptionalBucketName = parameter(
        "The bucket with the PEM bundle of the authorities whose client certificates are accepted; only for access mode"
        " mtls.",
        Default="",
    )
    trust_store_key: Text = parameter(
        "The key of the PEM bundle in that bucket; only for access mode mtls.",
        Default="",
        AllowedPattern=r"^[^\s]{0,1024}$",
        ConstraintDescription="must be the key of an object, without spaces, or empty.",
    )


@dataclass(frozen=True)
class PublicBalancerOutputs:
    load_balancer: LoadBalancerArn = output("The public load balancer.")
    load_balancer_name: LoadBalancerName = output("The public load balancer as CloudWatch names it.")
    dns_name: Text = output(
        "The load balancer's own name: the target of a DNS record that you make yourself."
    )
    target_group: TargetGroupArn = output("The NGINX tasks.")
    target_group_name: TargetGroupName = output("The NGINX tasks' target group as CloudWatch names it.")


def build(template: Template, inputs: PublicBalancerInputs) -> PublicBalancerOutputs:
    """The public load balancer, with its listeners, access control and DNS record."""
    _add_conditions(template, inputs)
    balancer = load_balancer(
        template,
        "LoadBalancer",
        name="public",
        scheme=inputs.scheme,
        subnets=If("IsInternal", inputs.application_subnets, inputs.public_subnets),
        group=inputs.public_balancer_group,
        access_logs_bucket=inputs.access_logs_bucket,
        deletion_protection=inputs.deletion_protection,
    )
    add_refusal_alarm(template, balancer, inputs.topic)
    targets = target_group(template, "NginxTargets", inputs.vpc, ports.NGINX)
    listener = _add_https_listener(template, inputs, balancer, targets)
    _add_token_rules(template, inputs, listener, targets)
    _let_balancer_fetch_keys(template, inputs)
    _add_redirect(template, balancer)
    _add_record(template, inputs, balancer)
    return PublicBalancerOutputs(
        load_balancer=LoadBalancerArn(Ref(balancer)),
        load_balancer_name=balancer_name(balancer),
        dns_name=Text(GetAtt(balancer, "DNSName")),
        target_group=TargetGroupArn(Ref(targets)),
        target_group_name=group_name(targets),
    )


def _add_conditions(template: Template, inputs: PublicBalancerInputs) -> None:
    template.add_condition("IsJwt", Equals(inputs.access_mode, "jwt"))
    template.add_condition(
        "IsJwtWithInterface", And(Condition("IsJwt"), Equals(inputs.orthanc_interface, "true"))
    )
    template.add_condition("IsMtls", Equals(inputs.access_mode, "mtls"))
    template.add_condition("IsInternal", Equals(inputs.scheme, "internal"))
    template.add_condition("HasHostedZone", Not(Equals(inputs.hosted_zone_id, "")))


def _add_https_listener(
    template: Template, inputs: PublicBalancerInputs, balancer: elb.LoadBalancer, targets: elb.TargetGroup
) -> elb.Listener:
    """With tokens, what no rule lets through is refused; otherwise everything goes on to NGINX."""
    refusal = elb.Action(
        Type="fixed-response",
        FixedResponseConfig=elb.FixedResponseConfig(StatusCode="405", ContentType="text/plain"),
    )
    forward = elb.Action(Type="forward", TargetGroupArn=Ref(targets))
    return https_listener(
        template,
        "HttpsListener",
        balancer,
        inputs.certificate,
        inputs.ssl_policy,
        inputs.topic,
        [If("IsJwt", refusal, forward)],
        MutualAuthentication=_client_certificates(template, inputs),
    )


def _client_certificates(template: Template, inputs: PublicBalancerInputs) -> If:
    """Adds the trust store, and says whether clients are asked for a certificate that it vouches for."""
    trust_store = template.add_resource(
        elb.TrustStore(
            "TrustStore",
            Condition="IsMtls",
            CaCertificatesBundleS3Bucket=inputs.trust_store_bucket,
            CaCertificatesBundleS3Key=inputs.trust_store_key,
        )
    )
    verified = elb.MutualAuthentication(
        Mode="verify", TrustStoreArn=Ref(trust_store), IgnoreClientCertificateExpiry=False
    )
    return If("IsMtls", verified, elb.MutualAuthentication(Mode="off"))


def _add_token_rules(
    template: Template, inputs: PublicBalancerInputs, listener: elb.Listener, targets: elb.TargetGroup
) -> None:
    """One rule for each right. A browser's preflight carries no token, so that it passes: NGINX answers it itself.

    There are preflights of DICOMweb only. Whatever passes here unchecked, NGINX believes no token of.
    """

    def rule(
        title: str, priority: int, scope: Text | None, *requests: elb.Condition, condition: str = "IsJwt"
    ) -> None:
        forward = elb.ListenerRuleAction(Type="forward", TargetGroupArn=Ref(targets), Order=2)
        checks = [_token_check(inputs, scope)] if scope else []
        template.add_resource(
            elb.ListenerRule(
                title,
                Condition=condition,
                ListenerArn=Ref(listener),
                Priority=priority,
                Conditions=list(requests),
                Actions=[*checks, forward],
            )
        )

    rule("ReadRule", 10, inputs.jwt_read_scope, _methods("GET", "HEAD"))
    rule("WriteRule", 20, inputs.jwt_write_scope, _methods("POST"))
    rule("PreflightRule", 30, None, _methods("OPTIONS"), _below("/dicom-web/"))
    rule(
        "InterfaceRule",
        40,
        inputs.jwt_write_scope,
        _methods("DELETE"),
        _below("/orthanc/"),
        condition="IsJwtWithInterface",
    )


def _methods(*methods: str) -> elb.Condition:
    return elb.Condition(
        Field="http-request-method",
        HttpRequestMethodConfig=elb.HttpRequestMethodConfig(Values=list(methods)),
    )


def _below(folder: str) -> elb.Condition:
    return elb.Condition(Field="path-pattern", PathPatternConfig=elb.PathPatternConfig(Values=[f"{folder}*"]))


def _let_balancer_fetch_keys(template: Template, inputs: PublicBalancerInputs) -> None:
    """The load balancer fetches the issuer's keys itself, from addresses that only the issuer knows."""
    template.add_resource(
        ec2.SecurityGroupEgress(
            "PublicBalancerToIssuer",
            Condition="IsJwt",
            GroupId=inputs.public_balancer_group,
            IpProtocol="tcp",
            FromPort=ports.HTTPS,
            ToPort=ports.HTTPS,
            CidrIp="0.0.0.0/0",
            Description="The keys of the token issuer",
        )
    )


def _token_check(inputs: PublicBalancerInputs, scope: Any) -> elb.ListenerRuleAction:
    """Source: Application Load Balancers user guide, "Verify JWTs"; issuer and expiry are always checked."""
    return elb.ListenerRuleAction(
        Type="jwt-validation",
        Order=1,
        JwtValidationConfig=elb.JwtValidationConfig(
            Issuer=inputs.jwt_issuer,
            JwksEndpoint=inputs.jwt_jwks_url,
            AdditionalClaims=[
                elb.JwtValidationActionAdditionalClaim(
                    Name="scope", Format="space-separated-values", Values=[scope]
                )
            ],
        ),
    )


def _add_redirect(template: Template, balancer: elb.LoadBalancer) -> None:
    to_tls = elb.RedirectConfig(Protocol="HTTPS", Port=str(ports.HTTPS), StatusCode="HTTP_301")
    listener = elb.Listener(
        "HttpListener",
        LoadBalancerArn=Ref(balancer),
        Port=ports.HTTP,
        Protocol="HTTP",
        DefaultActions=[elb.Action(Type="redirect", RedirectConfig=to_tls)],
    )
    template.add_resource(
        waived(listener, Waiver("It only redirects to HTTPS.", rule="ELBv2ACMCertificateRequired"))
    )


def _add_record(template: Template, inputs: PublicBalancerInputs, balancer: elb.LoadBalancer) -> None:
    template.add_resource(
        route53.RecordSetType(
            "Record",
            Condition="HasHostedZone",
            HostedZoneId=inputs.hosted_zone_id,
            Name=Sub("${DomainName}."),
            Type="A",
            AliasTarget=route53.AliasTarget(
                HostedZoneId=GetAtt(balancer, "CanonicalHostedZoneID"), DNSName=GetAtt(balancer, "DNSName")
            ),
        )
    )


PUBLIC_BALANCER = Stack("public_balancer", PublicBalancerInputs, PublicBalancerOutputs, build)

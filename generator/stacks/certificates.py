"""The certificates of both load balancers, and the name that the internal one is known by."""

from dataclasses import dataclass
from typing import Any

from troposphere import Equals, If, Not, Ref, Sub, Template, certificatemanager

from generator.core import Stack, output, parameter
from generator.kinds import (
    CertificateArn,
    HostName,
    OptionalCertificateArn,
    OptionalHostedZoneId,
    OptionalHostName,
)
from generator.parts.notes import described


@dataclass(frozen=True)
class CertificatesInputs:
    domain_name: HostName = parameter(
        "The name that clients reach the image store by, in lower case, such as images.example.org.",
        # A certificate's first name has at most 64 characters, of which `internal.` takes nine.
        MaxLength=55,
    )
    hosted_zone_id: OptionalHostedZoneId = parameter(
        "The public Route 53 hosted zone, in this account, of the domain name. With it, both certificates are issued"
        " and renewed and the DNS record is made for you; without it, give two certificates and make the record"
        " yourself.",
        Default="",
    )
    certificate_arn: OptionalCertificateArn = parameter(
        "A certificate of AWS Certificate Manager, in this region, for the domain name. Needed only without a hosted"
        " zone.",
        Default="",
    )
    internal_domain_name: OptionalHostName = parameter(
        "The name that NGINX reaches Orthanc by, resolved inside the VPC only; the internal certificate must cover it."
        " Empty for the domain name with 'internal.' before it.",
        Default="",
        MaxLength=64,
    )
    internal_certificate_arn: OptionalCertificateArn = parameter(
        "A certificate of AWS Certificate Manager, in this region, for the internal domain name. Needed only without a"
        " hosted zone.",
        Default="",
    )


@dataclass(frozen=True)
class CertificatesOutputs:
    certificate: CertificateArn = output("The certificate of the public load balancer.")
    internal_certificate: CertificateArn = output("The certificate of the internal load balancer.")
    internal_name: HostName = output("The name that NGINX reaches Orthanc by.")


def build(template: Template, inputs: CertificatesInputs) -> CertificatesOutputs:
    """The certificates of both load balancers: issued and validated by DNS, or those that were given."""
    template.add_condition("HasHostedZone", Not(Equals(inputs.hosted_zone_id, "")))
    template.add_condition("HasInternalDomainName", Not(Equals(inputs.internal_domain_name, "")))
    internal_name = If("HasInternalDomainName", inputs.internal_domain_name, Sub("internal.${DomainName}"))

    def certificate(title: str, name: Any, given: OptionalCertificateArn, whose: str) -> CertificateArn:
        issued = certificatemanager.Certificate(
            title,
            Condition="HasHostedZone",
            DomainName=name,
            ValidationMethod="DNS",
            DomainValidationOptions=[
                certificatemanager.DomainValidationOption(DomainName=name, HostedZoneId=inputs.hosted_zone_id)
            ],
            KeyAlgorithm="EC_prime256v1",
        )
        template.add_resource(described(issued, f"The certificate of the {whose} load balancer"))
        return CertificateArn(If("HasHostedZone", Ref(issued), given))

    return CertificatesOutputs(
        certificate=certificate("PublicCertificate", inputs.domain_name, inputs.certificate_arn, "public"),
        internal_certificate=certificate(
            "InternalCertificate", internal_name, inputs.internal_certificate_arn, "internal"
        ),
        internal_name=HostName(internal_name),
    )


CERTIFICATES = Stack("certificates", CertificatesInputs, CertificatesOutputs, build)

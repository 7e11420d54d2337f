"""What must hold between the form's parameters: CloudFormation tells a mistake before it creates anything."""

from dataclasses import dataclass
from typing import Any

from troposphere import And, Equals, Not, Or, Template

from generator.core import Value
from generator.form import RootInputs


@dataclass(frozen=True)
class Rule:
    """An assertion, which must hold wherever the condition `when` does, and what is said where it does not."""

    name: str
    description: str
    assertion: Any
    when: Any = None


def add_rules(template: Template, form: RootInputs) -> None:
    """Adds the Rules of every group of the form that has any."""
    for rule in (*_address_rules(form), *_store_rules(form), *_access_rules(form)):
        condition = {"RuleCondition": rule.when} if rule.when else {}
        assertion = {"Assert": rule.assertion, "AssertDescription": rule.description}
        template.add_rule(rule.name, {**condition, "Assertions": [assertion]})


def _address_rules(form: RootInputs) -> tuple[Rule, ...]:
    return (
        Rule(
            "CertificatesOrHostedZone",
            "Give either a Route 53 hosted zone or the ARNs of both certificates (CertificateArn and"
            " InternalCertificateArn).",
            Or(
                _is_set(form.hosted_zone_id),
                And(_is_set(form.certificate_arn), _is_set(form.internal_certificate_arn)),
            ),
        ),
        Rule(
            "NotBothCertificatesAndHostedZone",
            "With a Route 53 hosted zone both certificates are issued for you: leave CertificateArn and"
            " InternalCertificateArn empty.",
            And(Equals(form.certificate_arn, ""), Equals(form.internal_certificate_arn, "")),
            when=_is_set(form.hosted_zone_id),
        ),
        Rule(
            "InternalNameIsAnother",
            "InternalDomainName must not be DomainName: inside the VPC it leads to Orthanc and not to the store's"
            " front.",
            Not(Equals(form.internal_domain_name, form.domain_name)),
        ),
    )


def _store_rules(form: RootInputs) -> tuple[Rule, ...]:
    return (
        Rule(
            "AnotherDatabaseBeginsFromASnapshot",
            "DatabaseGeneration replaces the database; give the snapshot that the new one begins from in"
            " DatabaseSnapshot.",
            Or(Equals(form.database_generation, "1"), _is_set(form.database_snapshot)),
        ),
    )


def _access_rules(form: RootInputs) -> tuple[Rule, ...]:
    return (
        Rule(
            "TokenKeysMustBeReachable",
            "An internal load balancer fetches the token issuer's keys through a NAT gateway: with access mode jwt,"
            " InternetEgress cannot be none.",
            Or(Not(Equals(form.access_mode, "jwt")), Not(Equals(form.internet_egress, "none"))),
            when=Equals(form.scheme, "internal"),
        ),
        Rule(
            "TokensNeedAnIssuer",
            "Access mode jwt needs JwtIssuer and JwtJwksUrl.",
            And(_is_set(form.jwt_issuer), _is_set(form.jwt_jwks_url)),
            when=Equals(form.access_mode, "jwt"),
        ),
        Rule(
            "ClientCertificatesNeedATrustStore",
            "Access mode mtls needs TrustStoreBucket and TrustStoreKey.",
            And(_is_set(form.trust_store_bucket), _is_set(form.trust_store_key)),
            when=Equals(form.access_mode, "mtls"),
        ),
    )


def _is_set(value: Value) -> Not:
    return Not(Equals(value, ""))

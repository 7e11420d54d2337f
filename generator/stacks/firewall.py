"""The web application firewall in front of the public load balancer."""

from dataclasses import dataclass
from typing import Any

from troposphere import Template, wafv2

from generator.core import Stack, output, parameter
from generator.kinds import LoadBalancerArn, LogGroupName, Number, Text
from generator.names import arn

UPLOAD_PATH = "^/dicom-web/studies(/[0-9.]+)?/?$"
REPUTATION_GROUP = "AWSManagedRulesAmazonIpReputationList"
# These look into bodies, where pixel data trips one or another of their rules sooner or later (the common rule set
# refuses every body over 8 KB), so that they pass over uploads, whatever rules AWS may yet add to them. Source: AWS WAF
# developer guide, "Baseline rule groups" and "Use-case specific rule groups".
CONTENT_GROUPS = (
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
# Many DICOM devices send no User-Agent header.
COUNTED = {"AWSManagedRulesCommonRuleSet": ("NoUserAgent_HEADER",)}


@dataclass(frozen=True)
class FirewallInputs:
    load_balancer: LoadBalancerArn = parameter("The public load balancer.")
    firewall_log_group: LogGroupName = parameter(
        "The log group that blocked and counted requests are written to."
    )
    rate_limit: Number = parameter(
        "An address that makes more than this many requests in five minutes is blocked until it makes fewer. A"
        " hospital's viewers share one address, and fetch each frame by itself.",
        Default=20000,
        MinValue=100,
        MaxValue=2000000000,
        ConstraintDescription="must be a number of requests from 100 to 2000000000.",
    )


@dataclass(frozen=True)
class FirewallOutputs:
    web_acl: Text = output("The web ACL's ARN.")


def build(template: Template, inputs: FirewallInputs) -> FirewallOutputs:
    """The web application firewall: managed rules and a rate limit that let DICOM uploads pass."""
    acl = _add_acl(template, inputs)
    template.add_resource(
        wafv2.WebACLAssociation("Association", ResourceArn=inputs.load_balancer, WebACLArn=acl.get_att("Arn"))
    )
    template.add_resource(
        wafv2.LoggingConfiguration(
            "Logging",
            ResourceArn=acl.get_att("Arn"),
            LogDestinationConfigs=[arn("logs", "log-group:${FirewallLogGroup}")],
            LoggingFilter=_blocked_and_counted(),
            RedactedFields=_private_fields(),
        )
    )
    return FirewallOutputs(web_acl=Text(acl.get_att("Arn")))


def _add_acl(template: Template, inputs: FirewallInputs) -> wafv2.WebACL:
    return template.add_resource(
        wafv2.WebACL(
            "WebAcl",
            Scope="REGIONAL",
            Description="The public load balancer of the image store",
            DefaultAction=wafv2.DefaultAction(Allow=wafv2.AllowAction()),
            VisibilityConfig=_visible("WebAcl"),
            Rules=[
                _rate_rule(inputs, priority=0),
                _managed_rule(REPUTATION_GROUP, priority=1),
                *(
                    _managed_rule(group, priority, ScopeDownStatement=_no_upload())
                    for priority, group in enumerate(CONTENT_GROUPS, start=2)
                ),
            ],
        )
    )


def _visible(name: str) -> wafv2.VisibilityConfig:
    return wafv2.VisibilityConfig(
        CloudWatchMetricsEnabled=True, SampledRequestsEnabled=False, MetricName=name
    )


def _rate_rule(inputs: FirewallInputs, priority: int) -> wafv2.WebACLRule:
    return wafv2.WebACLRule(
        Name="RateLimit",
        Priority=priority,
        Action=wafv2.RuleAction(Block=wafv2.BlockAction()),
        Statement=wafv2.Statement(
            RateBasedStatement=wafv2.RateBasedStatement(
                AggregateKeyType="IP", EvaluationWindowSec=300, Limit=inputs.rate_limit
            )
        ),
        VisibilityConfig=_visible("RateLimit"),
    )


def _managed_rule(group: str, priority: int, **properties: Any) -> wafv2.WebACLRule:
    overrides = [
        wafv2.RuleActionOverride(Name=rule, ActionToUse=wafv2.RuleAction(Count=wafv2.CountAction()))
        for rule in COUNTED.get(group, ())
    ]
    if overrides:
        properties["RuleActionOverrides"] = overrides
    return wafv2.WebACLRule(
        Name=group,
        Priority=priority,
        OverrideAction=wafv2.OverrideAction(**{"None": {}}),
        Statement=wafv2.Statement(
            ManagedRuleGroupStatement=wafv2.ManagedRuleGroupStatement(
                VendorName="AWS", Name=group, **properties
            )
        ),
        VisibilityConfig=_visible(group),
    )


def _no_upload() -> wafv2.Statement:
    """Anything but a STOW-RS request, which is a POST to /dicom-web/studies or to one study."""
    plain = [wafv2.TextTransformation(Priority=0, Type="NONE")]
    upload = wafv2.Statement(
        AndStatement=wafv2.AndStatement(
            Statements=[
                wafv2.Statement(
                    ByteMatchStatement=wafv2.ByteMatchStatement(
                        FieldToMatch=wafv2.FieldToMatch(Method={}),
                        PositionalConstraint="EXACTLY",
                        SearchString="POST",
                        TextTransformations=plain,
                    )
                ),
                wafv2.Statement(
                    RegexMatchStatement=wafv2.RegexMatchStatement(
                        FieldToMatch=wafv2.FieldToMatch(UriPath={}),
                        RegexString=UPLOAD_PATH,
                        TextTransformations=plain,
                    )
                ),
            ]
        )
    )
    return wafv2.Statement(NotStatement=wafv2.NotStatement(Statement=upload))


def _blocked_and_counted() -> wafv2.LoggingFilter:
    """What passes is in the load balancer's log already, and would cost more here than anything else."""
    kept = [
        wafv2.Condition(ActionCondition=wafv2.ActionCondition(Action=action))
        for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
    ]
    return wafv2.LoggingFilter(
        DefaultBehavior="DROP",
        Filters=[wafv2.Filter(Behavior="KEEP", Requirement="MEETS_ANY", Conditions=kept)],
    )


def _private_fields() -> list[wafv2.LoggingConfigurationFieldToMatch]:
    """Credentials, and the query string, which carries patients' names in QIDO-RS."""
    headers = [
        wafv2.LoggingConfigurationFieldToMatch(SingleHeader=wafv2.SingleHeader(Name=name))
        for name in ("authorization", "cookie")
    ]
    return [*headers, wafv2.LoggingConfigurationFieldToMatch(QueryString={})]


FIREWALL = Stack("firewall", FirewallInputs, FirewallOutputs, build)

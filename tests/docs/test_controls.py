"""The control mapping rests on what the templates really say, and on tests that there are."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from scripts.documents.blocks import PROJECT
from scripts.documents.circumstances import EvidenceError, circumstances, in_words, parameter, templates
from scripts.documents.conformance import answer, answers
from scripts.documents.controls import Control, controls
from scripts.documents.evidence import Evidence
from scripts.documents.pack import ANSWERS, PACK, reasons, suppressions
from scripts.operations.properties import values
from tests.checks.house_rules import DEPLOYMENT_RULES, RULES

EACH_CONTROL = pytest.mark.parametrize("control", controls(), ids=lambda control: control.title)
EACH_EVIDENCE = pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(evidence, id=f"{number}-{evidence.type}")
        for control in controls()
        for number, evidence in enumerate(control.evidence)
    ],
)
# The standards of 45 CFR 164.312, "Technical safeguards".
TECHNICAL_SAFEGUARDS = {"164.312(a)(1)", "164.312(b)", "164.312(c)(1)", "164.312(d)", "164.312(e)(1)"}


def with_change(name: str, path: str, value: Any) -> dict[str, Any]:
    """The templates with another value at a path of one resource; None stands for none."""
    template, logical_id = name.split(".")
    resources = templates()[template]["Resources"]
    steps = (path[1:] if path.startswith("/") else f"Properties/{path}").split("/")
    changed = resources | {logical_id: put(resources[logical_id], steps, value)}
    return templates() | {template: templates()[template] | {"Resources": changed}}


def put(node: Any, steps: list[str], value: Any) -> Any:
    if isinstance(node, Mapping) and "Fn::If" in node:
        condition, *sides = node["Fn::If"]
        return {"Fn::If": [condition, *(put(side, steps, value) for side in sides)]}
    if node == {"Ref": "AWS::NoValue"}:
        return node
    if not steps:
        return value
    step, *rest = steps
    if isinstance(node, str):
        return json.dumps(put(json.loads(node), steps, value))
    if isinstance(node, list):
        return [
            put(item, rest, value) if chosen(step, place, item) else item for place, item in enumerate(node)
        ]
    return {**(node or {}), step: put((node or {}).get(step), rest, value)}


def chosen(step: str, place: int, item: Any) -> bool:
    key, _, name = step.partition("=")
    return step in ("*", str(place)) or f'"{key}": "{name}"' in json.dumps(item)


@EACH_EVIDENCE
def test_the_evidence_is_in_the_templates(evidence: Evidence) -> None:
    assert evidence.holders()


@EACH_EVIDENCE
def test_another_value_in_a_single_resource_is_no_evidence(evidence: Evidence) -> None:
    for template, logical_id in evidence.holders():
        name = f"{template}.{logical_id}"
        for path, wanted in evidence.has.items():
            with pytest.raises(EvidenceError, match=re.escape(path)):
                evidence.holders(with_change(name, path, "another"))
            if wanted is not None:
                with pytest.raises(EvidenceError, match=re.escape(path)):
                    evidence.holders(with_change(name, path, None))


@EACH_EVIDENCE
def test_no_value_is_allowed_that_no_template_has(evidence: Evidence) -> None:
    for path, wanted in evidence.has.items():
        if isinstance(wanted, list):
            for item in wanted:
                fewer = replace(evidence, has={path: [other for other in wanted if other != item]})
                with pytest.raises(EvidenceError):
                    fewer.holders()


@pytest.mark.parametrize(
    ("evidence", "name", "path", "value"),
    [
        (
            Evidence("AWS::RDS::DBClusterParameterGroup", {"Parameters/rds.force_ssl": "1"}),
            *("database.ClusterParameters", "Parameters/rds.force_ssl", "0"),
        ),
        (
            Evidence("AWS::ECS::TaskDefinition", {"ContainerDefinitions/*/ReadonlyRootFilesystem": True}),
            *("orthanc.TaskDefinition", "ContainerDefinitions/1/ReadonlyRootFilesystem", False),
        ),
        (
            Evidence("AWS::ECS::TaskDefinition", {"ContainerDefinitions/*/ReadonlyRootFilesystem": True}),
            *("nginx.TaskDefinition", "ContainerDefinitions", []),
        ),
        (
            Evidence("AWS::S3::Bucket", {"VersioningConfiguration/Status": "Enabled"}),
            *("storage.ImageBucket", "VersioningConfiguration/Status", "Suspended"),
        ),
        (
            Evidence("AWS::KMS::Key", {"EnableKeyRotation": True}),
            *("keys.DataKey", "EnableKeyRotation", None),
        ),
        (
            Evidence("AWS::KMS::Key", {"EnableKeyRotation": True}),
            *("keys.DataKey", "EnableKeyRotation", "true"),
        ),
        (
            Evidence("AWS::KMS::Key", {"/UpdateReplacePolicy": "Retain"}),
            *("keys.DataKey", "/UpdateReplacePolicy", "Delete"),
        ),
    ],
)
def test_what_one_resource_lacks_is_named(evidence: Evidence, name: str, path: str, value: Any) -> None:
    assert evidence.holders()
    with pytest.raises(EvidenceError, match=name):
        evidence.holders(with_change(name, path, value))


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        (Evidence("AWS::RDS::GlobalCluster", {"StorageEncrypted": True}), "no template"),
        (Evidence("AWS::RDS::DBCluster", {"StorageEncrypted": True}, template="nginx"), "nginx"),
        (
            Evidence("AWS::RDS::DBInstance", {"MonitoringInterval": 60}, of={"PromotionTier": 15}),
            "PromotionTier",
        ),
        (
            Evidence(
                "AWS::KMS::Key", {"EnableKeyRotation": True}, exceptions={"keys.DataKey": "Never read."}
            ),
            "keys.DataKey needs no exception",
        ),
        (
            Evidence("AWS::KMS::Key", {"EnableKeyRotation": True}, exceptions={"keys.Nothing": "Gone."}),
            "keys.Nothing needs no exception",
        ),
        (
            Evidence(
                "AWS::S3::Bucket", {"LoggingConfiguration/LogFilePrefix": "s3/"}, meets=("sns-encrypted-kms",)
            ),
            "LogFilePrefix",
        ),
    ],
)
def test_evidence_of_nothing_and_idle_exceptions_are_refused(evidence: Evidence, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        evidence.holders()


@EACH_EVIDENCE
def test_every_exception_has_a_sentence(evidence: Evidence) -> None:
    assert all(re.fullmatch(r"[A-Z].+[.]", reason) for reason in evidence.exceptions.values())


@pytest.mark.parametrize(
    ("template", "logical_id", "words"),
    [
        ("storage", "ImageBucket", "`ImageStorage` = s3"),
        ("trail", "Trail", "`CreateTrail` = true"),
        ("database", "Reader", "`DatabaseReader` = true"),
        ("database", "Cluster", ""),
        ("orthanc", "TaskRolePolicy", "`ImageStorage` = s3"),
        ("public_balancer", "InterfaceRule", "`AccessMode` = jwt and `OrthancInterface` = true"),
        ("backup", "ExportSchedule", "`DatabaseExport` is not off"),
        ("certificates", "PublicCertificate", "`HostedZoneId` is given"),
        ("network", "NatGateway1", "`InternetEgress` = nat-per-zone or `InternetEgress` = single-nat"),
    ],
)
def test_the_parameters_that_make_a_resource_are_named_as_in_the_root(
    template: str, logical_id: str, words: str
) -> None:
    assert circumstances(template, logical_id) == words


def test_the_negation_of_a_condition_is_told() -> None:
    assert in_words("database", {"Fn::Not": [{"Condition": "HasReader"}]}) == "`DatabaseReader` is not true"
    assert in_words("orthanc", {"Fn::Not": [{"Condition": "HasImageBucket"}]}) == "`ImageStorage` is not s3"
    assert in_words("network", {"Fn::Not": [{"Condition": "HasNat"}]}) == (
        "`InternetEgress` is not nat-per-zone and `InternetEgress` is not single-nat"
    )


def test_a_condition_without_words_is_refused() -> None:
    with pytest.raises(EvidenceError, match="keys"):
        in_words("keys", {"Condition": "CopiesToAnotherAccount"})


def test_a_parameter_is_told_with_what_the_sets_make_of_it() -> None:
    words = parameter("database", {"Ref": "DeletionProtection"})
    assert words == "the parameter `DeletionProtection`, by default true; false in `small`"
    words = parameter("images", {"Ref": "LogRetentionDays"})
    assert words == "the parameter `LogRetentionDays` of images, by default 400"
    assert parameter("database", {"Ref": "DataKey"}) == ""
    assert parameter("database", 35) == ""


@EACH_CONTROL
def test_its_numbers_have_the_form_of_their_standard(control: Control) -> None:
    assert all(re.fullmatch(r"164\.3[0-9]{2}(\([a-zA-Z0-9]+\))+", paragraph) for paragraph in control.hipaa)
    assert all(re.fullmatch(r"[A-Z]{2}-[0-9]{1,2}(\([0-9]+\))?", number) for number in control.nist)


@EACH_CONTROL
def test_its_house_rules_exist(control: Control) -> None:
    assert control.rules.keys() - {rule.id for rule in (*RULES, *DEPLOYMENT_RULES)} == set()


@cache
def functions_of(file: str) -> set[str]:
    """The tests that pytest finds in a file: here they are functions of the module."""
    body = ast.parse((PROJECT / file).read_text("utf-8")).body
    return {item.name for item in body if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")}


@EACH_CONTROL
def test_its_tests_exist(control: Control) -> None:
    named = [test.partition("::") for test in control.tests]
    assert [f"{file}::{name}" for file, _, name in named if name not in functions_of(file)] == []


def test_every_technical_safeguard_is_served() -> None:
    assert {paragraph for control in controls() for paragraph in control.hipaa} >= TECHNICAL_SAFEGUARDS


def met() -> Iterator[str]:
    for control in controls():
        yield from control.meets()


@pytest.mark.parametrize("rule", PACK["rules"])
def test_every_rule_of_the_pack_has_an_answer_and_no_two_that_contradict(rule: str) -> None:
    elsewhere = [rule in ANSWERS["account"], *(rule in rules for rules in ANSWERS["absent"].values())]
    here = [rule in met(), bool(reasons(rule)), rule in ANSWERS["not_met"]]
    assert answer(rule)
    assert sum(elsewhere) + any(here) == 1


def test_no_answer_is_about_a_rule_that_the_pack_does_not_have() -> None:
    absent = {rule for rules in ANSWERS["absent"].values() for rule in rules}
    answered = {*met(), *ANSWERS["cdk_nag"], *ANSWERS["not_met"], *ANSWERS["account"], *absent}
    assert answered == set(PACK["rules"])


def test_a_rule_without_an_answer_is_noticed() -> None:
    with pytest.raises(LookupError, match="ec2-security-group-attached-to-eni"):
        answer("ec2-security-group-attached-to-eni")


def test_what_a_template_waives_is_not_called_met() -> None:
    waived = {rule for rule in ANSWERS["cdk_nag"] if reasons(rule)}
    assert waived == ANSWERS["cdk_nag"].keys()
    assert waived & {*answers("Met"), *answers("Met within bounds")} == set()


def test_every_waiver_of_the_templates_is_accounted_for() -> None:
    known = {*ANSWERS["cdk_nag"].values(), *ANSWERS["outside_the_pack"]}
    assert suppressions().keys() == known


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("rds-storage-encrypted", "Met"),
        ("rds-cluster-multi-az-enabled", "Met within bounds"),  # a parameter makes the reader
        ("rds-cluster-deletion-protection-enabled", "Met within bounds"),  # a parameter is the value
        ("s3-bucket-logging-enabled", "Met within bounds"),  # one bucket is an exception
        ("s3-default-encryption-kms", "Waived"),
        ("alb-waf-enabled", "Not met in full"),
        ("elb-tls-https-listeners-only", "Not of this store"),
        ("iam-password-policy", "Of the account"),
    ],
)
def test_a_rule_is_called_no_more_than_it_is(rule: str, kind: str) -> None:
    assert answer(rule) == kind


@pytest.mark.parametrize("prefix", ANSWERS["absent"])
def test_no_template_has_a_resource_that_is_called_absent(prefix: str) -> None:
    types = {item["Type"] for template in templates().values() for item in template["Resources"].values()}
    assert [name for name in types if name.startswith(prefix)] == []


def test_every_reason_is_a_sentence() -> None:
    assert all(
        re.fullmatch(r"[A-Z].+[.]", text)
        for text in [*ANSWERS["not_met"].values(), *ANSWERS["account"].values()]
    )


def test_only_the_launch_role_may_decrypt_with_every_key() -> None:
    """As the answer to iam-customer-policy-blocked-kms-actions says."""
    holders = {
        name
        for name, template in templates().items()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
        for statement in values(resource, "Properties/PolicyDocument/Statement/*")
        if statement and {"kms:Decrypt", "kms:*", "kms:ReEncrypt*"} & {*statement["Action"]}
        if "*" in statement["Resource"]
    }
    assert holders == {"launch_role"}

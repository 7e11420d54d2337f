"""The control mapping rests on what the templates really say."""

import re

import pytest

from scripts.documents.blocks import PROJECT
from scripts.documents.controls import Control, EvidenceError, controls, found

EACH_CONTROL = pytest.mark.parametrize("control", controls(), ids=lambda control: control.title)
# The standards of 45 CFR 164.312, "Technical safeguards".
TECHNICAL_SAFEGUARDS = {"164.312(a)(1)", "164.312(b)", "164.312(c)(1)", "164.312(d)", "164.312(e)(1)"}


@EACH_CONTROL
def test_its_evidence_is_in_the_templates(control: Control) -> None:
    for evidence in control.evidence:
        assert " of " in found(evidence)


@EACH_CONTROL
def test_its_tests_exist(control: Control) -> None:
    assert [test for test in control.tests if not (PROJECT / test).is_file()] == []


@EACH_CONTROL
def test_its_numbers_have_the_form_of_their_standard(control: Control) -> None:
    assert all(re.fullmatch(r"164\.3[0-9]{2}(\([a-zA-Z0-9]+\))+", paragraph) for paragraph in control.hipaa)
    assert all(re.fullmatch(r"[A-Z]{2}-[0-9]{1,2}(\([0-9]+\))?", number) for number in control.nist)
    assert all(re.fullmatch(r"[a-z0-9-]+", rule) for rule in control.config)


def test_every_technical_safeguard_is_served() -> None:
    assert {paragraph for control in controls() for paragraph in control.hipaa} >= TECHNICAL_SAFEGUARDS


@pytest.mark.parametrize(
    "evidence",
    [
        "database AWS::RDS::DBCluster StorageEncrypted=false",
        "database AWS::RDS::DBCluster NoSuchProperty",
        "database AWS::RDS::GlobalCluster StorageEncrypted",
    ],
)
def test_what_a_template_does_not_say_is_no_evidence(evidence: str) -> None:
    with pytest.raises(EvidenceError, match="database"):
        found(evidence)

"""Parameter files and parameter sets: each mistake is found and told in one sentence; valid sets pass."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.operations.validate import ParameterFileError, load_parameters, problems

PARAMETERS: dict[str, dict[str, Any]] = {
    "DeploymentName": {
        "Type": "String",
        "AllowedPattern": "^[a-z][a-z0-9-]{1,19}$",
        "ConstraintDescription": "must be 2 to 20 lowercase letters, digits and hyphens.",
    },
    "ClientRanges": {"Type": "CommaDelimitedList", "AllowedPattern": r"(\d{1,3}\.){3}\d{1,3}/\d{1,2}"},
    "Architecture": {"Type": "String", "AllowedValues": ["ARM64", "X86_64"], "Default": "ARM64"},
    "Capacity": {"Type": "Number", "MinValue": 0.5, "MaxValue": 256},
    "DeletionProtection": {"Type": "String", "AllowedValues": [True, False], "Default": True},
    "AdminPassword": {"Type": "String", "MinLength": 12, "MaxLength": 41, "NoEcho": True},
    "Vpc": {"Type": "AWS::EC2::VPC::Id"},
    "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
    "Ports": {"Type": "List<Number>", "MaxValue": 65535},
    "CertificateArn": {"Type": "String", "Default": ""},
    "HostedZoneId": {"Type": "String", "Default": ""},
    "TemplateBucket": {"Type": "String", "MinLength": 3},
}
RULES: dict[str, Any] = {
    "CertificateOrZone": {
        "Assertions": [
            {
                "Assert": {
                    "Fn::Or": [
                        {"Fn::Not": [{"Fn::Equals": [{"Ref": "CertificateArn"}, ""]}]},
                        {"Fn::Not": [{"Fn::Equals": [{"Ref": "HostedZoneId"}, ""]}]},
                    ]
                },
                "AssertDescription": "Give a certificate's ARN or a hosted zone.",
            }
        ]
    },
    "PortsOfTheService": {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Architecture"}, "ARM64"]},
        "Assertions": [{"Assert": {"Fn::EachMemberIn": [{"Ref": "Ports"}, ["443", "8443"]]}}],
    },
}
TEMPLATE = {"Parameters": PARAMETERS, "Rules": RULES}
SUPPLIED = ("TemplateBucket",)
VALID = {
    "DeploymentName": "trial",
    "ClientRanges": "10.0.0.0/8, 192.0.2.0/24",
    "Capacity": "0.5",
    "AdminPassword": "correct horse battery",
    "Vpc": "vpc-0123456789abcdef0",
    "Subnets": "subnet-0123456789abcdef0,subnet-01234567",
    "Ports": "443,8443",
    "HostedZoneId": "Z0123456789",
}


def test_a_valid_set_has_no_problems() -> None:
    assert problems(TEMPLATE, VALID, SUPPLIED) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DeploymntName", "x", "DeploymntName is no parameter; is DeploymentName meant?"),
        ("clientranges", "x", "clientranges is no parameter; is ClientRanges meant?"),
        ("Zzzzzz", "x", "Zzzzzz is no parameter"),
        (
            "DeploymentName",
            "Trial",
            'DeploymentName: "Trial" does not match ^[a-z][a-z0-9-]{1,19}$: '
            "must be 2 to 20 lowercase letters, digits and hyphens.",
        ),
        ("DeploymentName", "trial\n", 'DeploymentName: "trial\\n" does not match'),
        ("ClientRanges", "10.0.0.0/8,everyone", 'ClientRanges: "everyone" does not match'),
        ("ClientRanges", "", 'ClientRanges: "" does not match'),
        ("ClientRanges", "\u0661.0.0.0/8", 'ClientRanges: "\u0661.0.0.0/8" does not match'),
        ("Architecture", "arm64", 'Architecture: "arm64" is none of "ARM64", "X86_64"'),
        ("DeletionProtection", "yes", 'DeletionProtection: "yes" is none of "true", "false"'),
        ("Capacity", "much", 'Capacity: "much" is not a number'),
        ("Capacity", "NaN", 'Capacity: "NaN" is not a number'),
        ("Capacity", "1_0", 'Capacity: "1_0" is not a number'),
        ("Capacity", "0.25", 'Capacity: "0.25" is less than 0.5'),
        ("Capacity", "256.5", 'Capacity: "256.5" is more than 256'),
        ("AdminPassword", "hunter2", "AdminPassword: the value (not shown) is shorter than 12 characters"),
        ("AdminPassword", "x" * 42, "AdminPassword: the value (not shown) is longer than 41 characters"),
        ("Vpc", "", 'Vpc: "" is no AWS::EC2::VPC::Id'),
        ("Subnets", "subnet-01234567,vpc-01234567", 'Subnets: "vpc-01234567" is no AWS::EC2::Subnet::Id'),
        ("Ports", "443,https", 'Ports: "https" is not a number'),
        ("Ports", "443,70000", 'Ports: "70000" is more than 65535'),
        ("CertificateArn", "x" * 4097, "CertificateArn: is longer than 4096 bytes"),
        ("HostedZoneId", "", "Rule CertificateOrZone: Give a certificate's ARN or a hosted zone."),
        ("Ports", "80", "Rule PortsOfTheService: its assertion fails"),
    ],
)
def test_each_mistake_is_told_in_one_sentence(name: str, value: str, sentence: str) -> None:
    found = problems(TEMPLATE, {**VALID, name: value}, SUPPLIED)
    assert any(problem.startswith(sentence) for problem in found), found


def test_a_secret_value_is_never_shown() -> None:
    assert "hunter2" not in str(problems(TEMPLATE, {**VALID, "AdminPassword": "hunter2"}, SUPPLIED))


def test_every_mistake_is_told_at_once() -> None:
    wrong = {**VALID, "DeploymentName": "A", "ClientRanges": "a,b", "HostedZoneId": ""}
    assert len(problems(TEMPLATE, wrong, SUPPLIED)) == 4


def test_a_missing_value_is_told_unless_there_is_a_default_or_the_deployment_supplies_it() -> None:
    without = {name: value for name, value in VALID.items() if name != "Vpc"}
    assert problems(TEMPLATE, without) == [
        "Vpc has no value: it has no default",
        "TemplateBucket has no value: it has no default",
    ]


def test_a_supplied_parameter_is_still_checked_when_it_is_given() -> None:
    assert problems(TEMPLATE, {**VALID, "TemplateBucket": "x"}, SUPPLIED) == [
        'TemplateBucket: "x" is shorter than 3 characters'
    ]


def test_a_rule_whose_condition_does_not_hold_is_not_asserted() -> None:
    assert problems(TEMPLATE, {**VALID, "Architecture": "X86_64", "Ports": "80"}, SUPPLIED) == []


def test_a_rule_about_a_missing_value_adds_no_second_complaint() -> None:
    template = {
        "Parameters": {"Name": {"Type": "String"}},
        "Rules": {"Named": {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "Name"}, "x"]}}]}},
    }
    assert problems(template, {}) == ["Name has no value: it has no default"]
    assert problems(template, {}, supplied=("Name",)) == []


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ({"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::VPC::Id"}, "vpc-1"]}, "Fn::RefAll asks the AWS account"),
        ({"Fn::Equals": [{"Fn::ValueOf": ["Vpc", "Tags.Name"]}, ""]}, "Fn::ValueOf asks the AWS account"),
        ({"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Ports"}]}, ""]}, "Fn::Join is not allowed here"),
        (
            {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
            "AWS::Region is only known to CloudFormation",
        ),
        ({"Fn::Equals": ["x"]}, "Fn::Equals is wrongly used: ['x']"),
        ("true", "'true' is neither true nor false"),
    ],
)
def test_a_rule_that_needs_more_than_the_values_is_said_to_be_unchecked(assertion: Any, reason: str) -> None:
    template = {"Parameters": PARAMETERS, "Rules": {"Special": {"Assertions": [{"Assert": assertion}]}}}
    assert problems(template, VALID, SUPPLIED) == [f"Rule Special cannot be checked here: {reason}"]


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ({"Fn::Contains": [["443", "80"], "443"]}, True),
        ({"Fn::Contains": [{"Ref": "Ports"}, "22"]}, False),
        ({"Fn::EachMemberEquals": [{"Ref": "Ports"}, "443"]}, False),
        ({"Fn::EachMemberEquals": [["443", "443"], "443"]}, True),
        ({"Fn::EachMemberIn": [{"Ref": "Ports"}, ["443", "8443", "22"]]}, True),
        ({"Fn::And": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]}, True),
    ],
)
def test_rule_functions_mean_what_cloudformation_means(assertion: Any, holds: bool) -> None:
    template = {"Parameters": PARAMETERS, "Rules": {"Special": {"Assertions": [{"Assert": assertion}]}}}
    assert problems(template, VALID, SUPPLIED) == ([] if holds else ["Rule Special: its assertion fails"])


def ipv4_range() -> st.SearchStrategy[str]:
    return st.builds(
        lambda octets, length: ".".join(map(str, octets)) + f"/{length}",
        st.lists(st.integers(0, 255), min_size=4, max_size=4),
        st.integers(0, 32),
    )


VALUES: dict[str, st.SearchStrategy[str]] = {
    "DeploymentName": st.from_regex(r"[a-z][a-z0-9-]{1,19}", fullmatch=True),
    "ClientRanges": st.lists(ipv4_range(), min_size=1, max_size=4).map(",".join),
    "Architecture": st.sampled_from(["ARM64", "X86_64"]),
    "Capacity": st.decimals(min_value="0.5", max_value=256, places=1).map(str),
    "DeletionProtection": st.sampled_from(["true", "false"]),
    "AdminPassword": st.text(st.characters(codec="ascii"), min_size=12, max_size=41),
    "Vpc": st.from_regex(r"vpc-[0-9a-f]{17}", fullmatch=True),
    "Subnets": st.lists(st.from_regex(r"subnet-[0-9a-f]{8}", fullmatch=True), min_size=1).map(",".join),
    "Ports": st.lists(st.sampled_from(["443", "8443"]), min_size=1).map(",".join),
    "CertificateArn": st.just("arn:aws:acm:eu-west-1:123456789012:certificate/1"),
}
# For each parameter a value that its declaration or a rule refuses whatever the others are.
WRONG: dict[str, st.SearchStrategy[str]] = {
    "DeploymentName": st.from_regex(r"[A-Z0-9-].*", fullmatch=True),
    "ClientRanges": ipv4_range().map(lambda item: f"{item},{item}.1"),
    "Architecture": st.text().filter(lambda item: item not in ("ARM64", "X86_64")),
    "Capacity": st.one_of(st.integers(min_value=257), st.integers(max_value=0)).map(str),
    "DeletionProtection": st.sampled_from(["True", "FALSE", "", "no"]),
    "AdminPassword": st.text(max_size=11),
    "Vpc": st.from_regex(r"vpc-[0-9a-f]{9,16}", fullmatch=True),
    "Subnets": st.from_regex(r"subnet-[0-9a-f]{8},", fullmatch=True),
    "Ports": st.sampled_from(["", "443,", "443;8443", "x"]),
    "CertificateArn": st.just(""),
}


@given(values=st.fixed_dictionaries(VALUES))
def test_no_valid_set_is_complained_about(values: dict[str, str]) -> None:
    assert problems(TEMPLATE, values, SUPPLIED) == []


@given(
    values=st.fixed_dictionaries(VALUES),
    mutation=st.sampled_from(sorted(WRONG)).flatmap(lambda name: st.tuples(st.just(name), WRONG[name])),
)
def test_a_single_wrong_value_in_a_valid_set_is_found(
    values: dict[str, str], mutation: tuple[str, str]
) -> None:
    name, wrong = mutation
    named = "Rule CertificateOrZone" if name == "CertificateArn" else name
    found = problems(TEMPLATE, {**values, name: wrong}, SUPPLIED)
    assert found
    assert any(problem.startswith(named) for problem in found)


def write(folder: Path, text: str) -> Path:
    path = folder / "trial.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_parameter_file_holds_texts_numbers_and_lists(tmp_path: Path) -> None:
    path = write(
        tmp_path, '{"Name": "trial", "Capacity": 0.50, "Tasks": 2, "Ranges": ["a", "b"], "None": []}'
    )
    expected = {"Name": "trial", "Capacity": "0.50", "Tasks": "2", "Ranges": "a,b", "None": ""}
    assert load_parameters(path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"A": "1",\n "B" "2"}', "line 2, column 6: Expecting ':' delimiter"),
        ('{"A": "1",\n "A": "2"}', "line 2: A is given twice"),
        ('{\n"A": {"B": "1"}}', "line 2: A must be a text, a number or a list of texts"),
        ('{"A": true}', 'line 1: A must be written as text: "true"'),
        ('{"A": null}', "line 1: A must be a text, a number or a list of texts"),
        ('{"A": NaN}', "line 1: A must be a text, a number or a list of texts"),
        ('{"A": [["1"]]}', "line 1: A must be a list of texts only"),
        ('{"A": ["10.0.0.0/8,10.1.0.0/16"]}', "line 1: A has a comma in the item"),
        ('["A"]', "must hold one JSON object"),
        ("", "line 1, column 1: Expecting value"),
    ],
)
def test_a_broken_parameter_file_is_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ParameterFileError) as error:
        load_parameters(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_missing_parameter_file_is_told_with_those_that_exist(tmp_path: Path) -> None:
    write(tmp_path, "{}")
    with pytest.raises(ParameterFileError, match="parameter sets there: trial"):
        load_parameters(tmp_path / "trail.json")


def test_a_parameter_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_bytes(b'{"A": "\xff"}')
    with pytest.raises(ParameterFileError, match="is not UTF-8 text"):
        load_parameters(tmp_path / "trial.json")

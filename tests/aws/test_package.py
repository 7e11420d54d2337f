"""Packaging: content-addressed keys all the way up, and one clear error for every broken set."""

from pathlib import Path
from typing import Any

import pytest

from generator import yaml_text
from scripts.aws import package as packaging
from scripts.aws.package import LOCATION_PARAMETERS, Template, address, package
from scripts.aws.vocabulary import NESTED_STACK
from scripts.errors import OperationError

LOCATION = {name: {"Type": "String"} for name in LOCATION_PARAMETERS}


def template(*children: str, word: str = "hello", **more: Any) -> dict[str, Any]:
    """A template with one resource of its own and the nested ones named."""
    nested = {
        child.capitalize(): {"Type": NESTED_STACK, "Properties": {"TemplateURL": f"{child}.yaml"}}
        for child in children
    }
    own = {"Own": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": word}}}
    return {"Parameters": LOCATION, "Resources": own | nested} | more


FAMILY = {
    "root": template("middle", "side"),
    "middle": template("inner"),
    "inner": template(),
    "side": template(),
}


def written(folder: Path, templates: dict[str, dict[str, Any]]) -> Path:
    for name, mapping in templates.items():
        (folder / f"{name}.yaml").write_text(yaml_text.dump(mapping))
    return folder


def keys(root: Template) -> dict[str, str]:
    return {template.key.rsplit("-", 1)[0]: template.key for template in root.all}


def test_a_changed_grandchild_changes_the_keys_of_all_its_ancestors_and_of_no_other(tmp_path: Path) -> None:
    before = keys(package(written(tmp_path, FAMILY)))
    after = keys(package(written(tmp_path, FAMILY | {"inner": template(word="changed")})))
    assert {name for name in before if before[name] != after[name]} == {"root", "middle", "inner"}


def test_the_same_set_gives_the_same_keys_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert keys(package(written(tmp_path, FAMILY))) == keys(package(written(tmp_path / "elsewhere", FAMILY)))


def test_a_nested_template_is_addressed_through_the_location_parameters(tmp_path: Path) -> None:
    root = package(written(tmp_path, FAMILY))
    url = yaml_text.load(root.body)["Resources"]["Middle"]["Properties"]["TemplateURL"]["Fn::Sub"]
    given = {"TemplateBucket": "b", "TemplateRegion": "r", "TemplateKeyPrefix": "p/", "AWS::URLSuffix": "s"}
    for name, value in given.items():
        url = url.replace(f"${{{name}}}", value)
    assert url == address("b", "r", "s", "p/", root.children["Middle"].key)


def test_nothing_but_the_address_of_a_nested_template_changes(tmp_path: Path) -> None:
    packaged = yaml_text.load(package(written(tmp_path, FAMILY)).body)
    for logical_id in ("Middle", "Side"):
        packaged["Resources"][logical_id]["Properties"]["TemplateURL"] = f"{logical_id.lower()}.yaml"
    assert packaged == FAMILY["root"]


def test_children_come_before_their_parents_and_a_shared_one_comes_once(tmp_path: Path) -> None:
    names = list(keys(package(written(tmp_path, FAMILY | {"side": template("inner")}))))
    assert sorted(names) == ["inner", "middle", "root", "side"]
    assert names.index("inner") < names.index("middle") < names.index("root")


def test_an_address_that_is_not_local_stays_as_it_is(tmp_path: Path) -> None:
    url = "https://example.com/other.yaml"
    other = {"Type": NESTED_STACK, "Properties": {"TemplateURL": url}}
    root = package(written(tmp_path, {"root": {"Resources": {"Other": other}}}))
    assert yaml_text.load(root.body)["Resources"]["Other"]["Properties"]["TemplateURL"] == url


def test_a_resource_is_found_by_its_path_through_the_nested_stacks(tmp_path: Path) -> None:
    root = package(written(tmp_path, FAMILY))
    assert root.resource(("Middle", "Inner", "Own"))["Type"] == "AWS::SSM::Parameter"
    assert root.resource(("Middle", "Nowhere", "Own")) == {}


BROKEN = {
    "a child that is missing": (
        {"root": template("middle")},
        "root.yaml, resource Middle: nests middle.yaml, which does not exist",
    ),
    "a child outside of the folder": (
        {"root": template("../outside")},
        r"root.yaml, resource ../outside: ../outside.yaml lies outside of",
    ),
    "a circle": (
        {"root": template("middle"), "middle": template("inner"), "inner": template("middle")},
        "in a circle: middle.yaml → inner.yaml → middle.yaml",
    ),
    "a missing location parameter": (
        {"root": {"Resources": template("inner")["Resources"]}, "inner": template()},
        "must declare the parameters TemplateBucket, TemplateRegion, TemplateKeyPrefix",
    ),
    "no resources": ({"root": {"Parameters": LOCATION}}, "root.yaml is no CloudFormation template"),
    "no root": ({"inner": template()}, "No template root.yaml"),
    "too many resources": (
        {"root": {"Resources": {f"R{number}": {"Type": "AWS::SNS::Topic"} for number in range(501)}}},
        "root.yaml has too many resources: 501, and CloudFormation takes 500",
    ),
    "too many parameters": (
        {"root": template(Parameters=LOCATION | {f"P{number}": {"Type": "String"} for number in range(198)})},
        "root.yaml has too many parameters: 201, and CloudFormation takes 200",
    ),
    "too many outputs": (
        {"root": template(Outputs={f"O{number}": {"Value": "x"} for number in range(201)})},
        "root.yaml has too many outputs: 201, and CloudFormation takes 200",
    ),
    "too many bytes": (
        {"root": template(word="x" * 1_000_000)},
        "root.yaml is too large: 1,000,.* bytes, and CloudFormation takes 1,000,000",
    ),
}


@pytest.mark.parametrize(("templates", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_set_is_refused_with_one_clear_error(
    tmp_path: Path, templates: dict[str, dict[str, Any]], message: str
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text(yaml_text.dump(template()))
    with pytest.raises(OperationError, match=message):
        package(written(folder, templates))


def test_bad_yaml_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / packaging.ROOT).write_text("Resources:\n  A: [1,\n  B: }")
    with pytest.raises(OperationError, match=r"root\.yaml is not valid YAML: .*line 3"):
        package(tmp_path)

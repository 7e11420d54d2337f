"""What is written is what is read back, and what a person reads is CloudFormation's short form."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.yaml_text import dump, load

names = st.from_regex(r"[A-Z][A-Za-z0-9]{0,12}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)
scalars = st.one_of(texts, st.integers(-(2**40), 2**40), st.booleans())
references = st.one_of(
    names.map(lambda name: {"Ref": name}),
    st.tuples(names, names).map(lambda pair: {"Fn::GetAtt": list(pair)}),
    texts.map(lambda text: {"Fn::Sub": text}),
)


def functions(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(values, max_size=3).map(lambda items: {"Fn::Join": [",", items]}),
        st.tuples(names, values, values).map(lambda parts: {"Fn::If": list(parts)}),
        st.lists(values, max_size=3),
        st.dictionaries(names, values, max_size=3),
    )


templates = st.dictionaries(names, st.recursive(scalars | references, functions, max_leaves=12), min_size=1)


@given(templates)
def test_a_template_is_read_back_as_it_was_written(template: dict[str, Any]) -> None:
    assert load(dump(template)) == template


@given(templates)
def test_writing_is_deterministic(template: dict[str, Any]) -> None:
    assert dump(template) == dump(load(dump(template)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"Ref": "Vpc"}, "!Ref Vpc"),
        ({"Fn::GetAtt": ["Stack", "Outputs.Vpc"]}, "!GetAtt Stack.Outputs.Vpc"),
        ({"Fn::Sub": "${A}-b"}, "!Sub ${A}-b"),
        ({"Fn::Equals": [{"Ref": "Mode"}, "jwt"]}, "!Equals [!Ref Mode, jwt]"),
        ({"Fn::GetAZs": ""}, "!GetAZs ''"),
        ({"Condition": "HasNat"}, "!Condition HasNat"),
        ("yes", "'yes'"),
        ("2010-09-09", "'2010-09-09'"),
        ("065", "'065'"),
    ],
)
def test_short_forms_and_ambiguous_scalars(value: Any, written: str) -> None:
    assert dump({"Value": value}) == f"Value: {written}\n"


def test_the_functions_of_rules_have_no_short_form() -> None:
    assert dump({"Assert": {"Fn::Contains": [["a"], "a"]}}).startswith("Assert:\n  Fn::Contains:")


def test_keys_keep_their_order() -> None:
    assert dump({"Type": "A", "Properties": {"Z": 1, "B": 2}}) == "Type: A\nProperties:\n  Z: 1\n  B: 2\n"


def test_an_unknown_function_is_refused_with_its_place() -> None:
    with pytest.raises(yaml.YAMLError, match=r"!Frobnicate is no CloudFormation function[\s\S]*line 2"):
        load("A: 1\nB: !Frobnicate x\n")

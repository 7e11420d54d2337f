"""The committed templates are what the code renders, byte for byte, and drift is told apart and mended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator import render
from generator.registry import STACKS

SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Rules",
    "Conditions",
)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_the_committed_template_is_what_the_code_renders(stack: render.Stack) -> None:
    assert (render.TEMPLATES / f"{stack.name}.yaml").read_text(encoding="utf-8") == render.text(stack)


def test_nothing_else_is_committed() -> None:
    assert {path.name for path in render.TEMPLATES.iterdir()} == {f"{stack.name}.yaml" for stack in STACKS}


def test_every_stack_is_registered() -> None:
    modules = {path.stem for path in (Path(render.__file__).parent / "stacks").glob("*.py")} - {"__init__"}
    assert modules == {stack.name for stack in STACKS}


def test_rendering_does_not_depend_on_the_hash_seed() -> None:
    program = "from generator.render import texts; print(*texts().values())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


def test_a_template_says_where_it_comes_from_and_has_its_sections_in_the_usual_order() -> None:
    for name, text in render.texts().items():
        assert text.startswith(f"# Rendered from generator/stacks/{name.removesuffix('.yaml')}.py")
        sections = [line.split(":")[0] for line in text.splitlines() if line[:1].isalpha()]
        order = (*SECTIONS, "Resources", "Outputs")
        assert sections == sorted(sections, key=order.index)


def test_check_names_stale_missing_and_extra_templates(tmp_path: Path) -> None:
    render.write(tmp_path)
    assert render.check(tmp_path) == []
    (tmp_path / "keys.yaml").unlink()
    (tmp_path / "old.yaml").write_text("Resources: {}\n")
    stale = tmp_path / "logs.yaml"
    stale.write_text(stale.read_text().replace("GOVERNANCE", "COMPLIANCE"))
    findings = render.check(tmp_path)
    assert findings[0] == "keys.yaml is missing"
    assert findings[1].startswith("logs.yaml is stale: first difference: -")
    assert "COMPLIANCE" in findings[1]
    assert findings[2] == "old.yaml is rendered by no stack"


def test_write_mends_what_check_finds_and_touches_nothing_else(tmp_path: Path) -> None:
    render.write(tmp_path)
    untouched = (tmp_path / "root.yaml").stat().st_mtime_ns
    (tmp_path / "keys.yaml").write_text("stale\n")
    (tmp_path / "old.yaml").write_text("Resources: {}\n")
    assert render.write(tmp_path) == ["keys.yaml", "old.yaml"]
    assert render.check(tmp_path) == []
    assert (tmp_path / "root.yaml").stat().st_mtime_ns == untouched


def test_an_attribute_without_a_place_in_the_order_is_refused() -> None:
    with pytest.raises(ValueError, match="no place is known for Surprise"):
        render._ordered({"Surprise": 1}, ("Type",))

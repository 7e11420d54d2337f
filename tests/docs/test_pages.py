"""What the documentation says is so: links, commands, parameters, outputs, files, tables, examples."""

import re
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from generator import yaml_text
from generator.core import Stack
from scripts.cli import main
from scripts.documents.blocks import BLOCKS, PROJECT, TRANSCRIPTS, filled
from tests.checks.rendered import LAUNCHED
from tests.docs.pages import PAGES, anchors, code, commands, prose, text

EACH_PAGE = pytest.mark.parametrize("page", PAGES)
# Words in code that look like a parameter, and are the name of something else.
OTHER_NAMES = {"Authorization", "ConstraintDescription", "Cookie", "Inputs", "RootInputs", "Text"}


@EACH_PAGE
def test_generated_tables_are_up_to_date(page: str) -> None:
    assert filled(text(page), BLOCKS) == text(page), "Run docs/update."


def test_every_generated_table_stands_somewhere() -> None:
    used = {name for page in PAGES for name in re.findall(r"<!-- generated: ([a-z-]+) -->", text(page))}
    assert used == BLOCKS.keys() | TRANSCRIPTS.keys()


@EACH_PAGE
def test_links_lead_somewhere(page: str) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (PAGES[page].parent / path).resolve() if path else PAGES[page]
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


@EACH_PAGE
def test_command_lines_are_those_of_the_real_tool(page: str) -> None:
    assert [mistake(words) for words in commands(page) if mistake(words)] == []


def mistake(words: list[str]) -> str:
    """What the tool finds wrong with a command line, which it does not run; `--help` asks for no more than that."""
    result = CliRunner().invoke(main, [*words, "--help"])
    return result.output if result.exit_code else ""


@pytest.mark.parametrize("words", [["resurrect", "hospital"], ["deploy", "hospital", "--dry-run"]])
def test_a_command_line_that_the_tool_does_not_know_is_noticed(words: list[str]) -> None:
    assert mistake(words)


def template(name: str) -> dict[str, Any]:
    return yaml_text.load((PROJECT / "templates" / f"{name}.yaml").read_text("utf-8"))


@EACH_PAGE
def test_parameters_and_outputs_are_those_of_the_templates_that_people_launch(page: str) -> None:
    parameters = {parameter for name in LAUNCHED for parameter in template(name)["Parameters"]}
    alarms = {
        name.removesuffix("Alarm")
        for file in (PROJECT / "templates").glob("*.yaml")
        for name in yaml_text.load(file.read_text("utf-8"))["Resources"]
    }
    known = parameters | template("root")["Outputs"].keys() | alarms | OTHER_NAMES
    mentioned = set(re.findall(r"`([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)`", prose(page)))
    unknown = {name for name in mentioned - known if not name.startswith("AWSManagedRules")}
    assert unknown == set()


@EACH_PAGE
def test_files_and_folders_that_are_named_exist(page: str) -> None:
    named = re.findall(
        r"`((?:generator|scripts|templates|tests|docs|benchmarks|\.ci)/[\w./-]*)`", prose(page)
    )
    named = [
        name for name in named if name != "generator/stacks/queries.py"
    ]  # the example of CONTRIBUTING.md
    assert [name for name in named if not (PROJECT / name).exists()] == []


def test_the_stack_that_contributing_adds_can_be_built() -> None:
    (source,) = [block for block in code("CONTRIBUTING.md", "python") if "Stack(" in block]
    module = ModuleType("generator.stacks.queries")
    exec(compile(source, "CONTRIBUTING.md", "exec"), module.__dict__)
    (stack,) = [value for value in vars(module).values() if isinstance(value, Stack)]
    template = stack.template().to_dict()
    assert template["Description"] == "Saved queries of the firewall's log."
    assert template["Resources"].keys() == {"BlockedAddresses"}


def test_the_security_table_of_the_readme_speaks_of_every_flow() -> None:
    from generator.parts.security_groups import FLOWS

    table = text("README.md").partition("## Security design")[2].partition("\n## ")[0]
    assert table.count(" → ") == len(FLOWS) + 3  # clients arrive, the sidecar hands over, tasks call AWS

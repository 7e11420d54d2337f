"""cfn-lint over a set of templates: what it must find, and how findings are told."""

from pathlib import Path

import pytest

from scripts.operations import lint as module
from scripts.operations.lint import lint, lint_unless_clean

ROOT = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Logs:
    Type: AWS::CloudFormation::Stack
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      TemplateURL: logs.yaml
      Parameters:
        RetentionInDays: "365"
Outputs:
  LogGroupName:
    Value: !GetAtt Logs.Outputs.LogGroupName
"""
LOGS = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  RetentionInDays:
    Type: Number
Resources:
  LogGroup:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      RetentionInDays: !Ref RetentionInDays
Outputs:
  LogGroupName:
    Value: !Ref LogGroup
"""


def lint_set(folder: Path, root: str = ROOT, logs: str = LOGS, regions: tuple[str, ...] = ()) -> list[str]:
    (folder / "root.yaml").write_text(root)
    (folder / "logs.yaml").write_text(logs)
    return lint(folder, regions)


def test_a_clean_set_has_no_findings(tmp_path: Path) -> None:
    assert lint_set(tmp_path) == []


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        ("RetentionInDays:", "Retention:", "root.yaml:9:7: E3043"),
        ("Logs.Outputs.LogGroupName", "Logs.Outputs.LogGroup", "root.yaml:13:5: E6101"),
        ("DeletionPolicy: Delete", "Deletion: Delete", "root.yaml:5:5: E3001"),
        ("Resources:", "Resources: [", "root.yaml:4:9: E0000"),
    ],
)
def test_a_mistake_in_the_root_is_told_with_its_place(
    tmp_path: Path, right: str, wrong: str, finding: str
) -> None:
    findings = lint_set(tmp_path, root=ROOT.replace(right, wrong, 1))
    assert any(told.startswith(finding) for told in findings), findings


def test_findings_of_all_templates_come_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    wrong = LOGS.replace("Ref LogGroup", "Ref LogGrupp").replace("RetentionInDays: !", "Retention: !")
    findings = lint_set(tmp_path, root=ROOT.replace("Logs.Outputs", "Lags.Outputs"), logs=wrong)
    assert {told.split(":")[0] for told in findings} == {"logs.yaml", "root.yaml"}
    assert [told.split(":")[0] for told in findings] == sorted(told.split(":")[0] for told in findings)


def test_remarks_count_too(tmp_path: Path) -> None:
    findings = lint_set(tmp_path, logs=LOGS.replace("!Ref LogGroup", '!Join ["", [a, !Ref LogGroup]]'))
    assert [told.split()[1] for told in findings] == ["I1022"]


def test_a_type_that_a_region_lacks_is_found(tmp_path: Path) -> None:
    budget = """\
  Budget:
    Type: AWS::Budgets::Budget
    Properties:
      Budget:
        BudgetType: COST
        TimeUnit: MONTHLY
Outputs:"""
    logs = LOGS.replace("Outputs:", budget)
    assert lint_set(tmp_path, logs=logs, regions=("us-east-1",)) == []
    assert any("E3006" in told for told in lint_set(tmp_path, logs=logs))


def test_a_folder_without_templates_is_no_clean_set(tmp_path: Path) -> None:
    assert lint(tmp_path) == [f"{tmp_path} has no templates"]


def test_a_set_is_linted_again_only_where_anything_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "set"
    folder.mkdir()
    assert lint_set(folder) == lint_unless_clean(folder) == []
    linted: list[Path] = []
    monkeypatch.setattr(module, "lint", lambda folder: linted.append(folder) or ["a finding"])
    assert lint_unless_clean(folder) == []
    (folder / "logs.yaml").write_text(LOGS.replace("Retain\n", "Delete\n"))
    assert lint_unless_clean(folder) == lint_unless_clean(folder) == ["a finding"]
    (folder / "logs.yaml").write_text(LOGS)
    assert lint_unless_clean(folder) == []
    monkeypatch.setattr(module, "version", lambda _: "0")
    assert lint_unless_clean(folder) == ["a finding"]
    assert len(linted) == 3


@pytest.mark.parametrize("error", [PermissionError, RuntimeError])
def test_without_a_cache_a_set_is_linted_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(_: Path) -> Path:
        raise error

    monkeypatch.setattr(module, "_mark", refuse)
    folder = tmp_path / "set"
    folder.mkdir()
    assert lint_set(folder) == lint_unless_clean(folder) == []

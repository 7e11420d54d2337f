"""The command line: exit codes, results on stdout, progress on stderr, one message per error."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scripts.aws.session import Session
from scripts.cli import main
from scripts.emulator import Emulator, stop
from tests.operations.three_levels import REASON, write
from tests.own_stacks import PARAMETERS


def run(*arguments: str | Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=answer)


@pytest.fixture
def environment(tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    """The arguments that name a small set of templates and its parameter set; AWS is the emulator."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    made = write(tmp_path)
    return [made.parameters, "--stack-name", made.stack_name]


def test_a_deployment_prints_its_outputs_and_nothing_else_on_stdout(
    tmp_path: Path, environment: list[str | Path]
) -> None:
    result = run("deploy", *environment, "--templates", tmp_path, "--yes", "--output", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"Word": "one"}
    assert "CREATE_COMPLETE      root/Middle (All that there is)" in result.stderr
    assert run("outputs", *environment).stdout == "Word  one\n"
    assert run("outputs", environment[0], "Word", *environment[1:]).stdout == "one\n"
    assert "has no output Wort" in run("outputs", environment[0], "Wort", *environment[1:]).stderr
    shown = json.loads(run("status", *environment, "--output", "json").stdout)
    assert shown["StackStatus"] == "CREATE_COMPLETE"
    assert shown["Stacks"]["Nested"][0]["Nested"][0]["Path"] == "root/Middle/Inner"
    text = run("status", *environment, "--exit-code")
    assert text.exit_code == 0
    assert "✓ root  CREATE_COMPLETE  1 stack\n" in text.stdout
    assert "✓ Inner  CREATE_COMPLETE  1 resource\n" in text.stdout


def test_differences_are_a_result_and_have_an_exit_code_of_their_own_if_asked_for(
    tmp_path: Path, environment: list[str | Path]
) -> None:
    arguments = ["diff", *environment, "--templates", tmp_path]
    different = run(*arguments)
    assert different.exit_code == 0, different.stderr
    assert "+ Value (AWS::SSM::Parameter)" in different.stdout
    assert run(*arguments, "--exit-code").exit_code == 3
    assert run("deploy", *environment, "--templates", tmp_path, "--yes").exit_code == 0
    same = run(*arguments, "--exit-code")
    assert (same.exit_code, same.stdout) == (0, "")
    assert not json.loads(run(*arguments, "--output", "json").stdout)["HasChanges"]


def test_a_deployment_is_destroyed_once_its_name_is_typed(
    tmp_path: Path, environment: list[str | Path]
) -> None:
    write(tmp_path, record=f"/{tmp_path.name}")
    assert run("deploy", *environment, "--templates", tmp_path, "--yes").exit_code == 0
    destroy = ["destroy", *environment, "--templates", tmp_path, "--output", "json"]
    for answer in ("yes\n", ""):
        declined = run(*destroy, answer=answer)
        assert (declined.exit_code, declined.stdout) == (1, "")
    assert "its name was not typed" in declined.stderr
    _, _, stack_name = environment
    result = run(*destroy, answer=f"{stack_name}\n")
    assert result.exit_code == 0, result.stderr
    (kept,) = json.loads(result.stdout)["Kept"]
    assert kept == {
        "Path": "root/Middle/Inner/Record",
        "ResourceType": "AWS::Logs::LogGroup",
        "PhysicalResourceId": f"/{tmp_path.name}",
    }


def test_a_failed_deployment_ends_in_one_message_with_reason_and_advice_and_exit_code_1(
    tmp_path: Path, environment: list[str | Path]
) -> None:
    write(tmp_path, broken=True)
    result = run("deploy", *environment, "--templates", tmp_path, "--yes")
    assert result.exit_code == 1
    assert result.stdout == ""
    what, reason, advice = result.stderr.splitlines()[-3:]
    assert what.endswith("is ROLLBACK_COMPLETE")
    assert REASON in reason
    assert advice.startswith("→ ")
    assert run("status", *environment).exit_code == 0
    status = run("status", *environment, "--exit-code", "--output", "json")
    assert status.exit_code == 3
    failure = json.loads(status.stdout)["Failure"]
    assert (failure["Path"], failure["ResourceStatus"]) == ("root/Middle/Inner/Broken", "CREATE_FAILED")
    assert REASON in failure["Reason"]


WEAK = {
    "Parameters": PARAMETERS,
    "Resources": {
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"Port": 8443, "Protocol": "HTTPS", "VpcId": "vpc-0123"},
        },
        "Vault": {"Type": "AWS::Backup::BackupVault", "Properties": {"BackupVaultName": "weak"}},
    },
}


def test_the_status_of_a_store_that_fares_badly_has_an_exit_code_of_its_own_if_asked_for(
    session: Session,
) -> None:
    session.cloudformation.create_stack(StackName="weak", TemplateBody=json.dumps(WEAK))
    session.cloudformation.get_waiter("stack_create_complete").wait(StackName="weak")
    status = run("status", "small", "--stack-name", "weak", "--exit-code")
    assert status.exit_code == 3, status.stderr
    assert "✗ targets of Targets: 0 of 0 healthy" in status.stdout
    assert "? last backup in Vault: none yet" in status.stdout


def test_without_a_yes_nothing_is_deployed_and_the_exit_code_is_1(
    tmp_path: Path, environment: list[str | Path]
) -> None:
    for answer in ("n\n", ""):
        result = run("deploy", *environment, "--templates", tmp_path, answer=answer)
        assert result.exit_code == 1
        assert "Not deployed" in result.stderr
    assert run("status", *environment).exit_code == 1


def test_a_wrong_parameter_set_is_refused_before_anything_is_sent(
    tmp_path: Path, environment: list[str | Path]
) -> None:
    (tmp_path / "test.json").write_text('{"Word": "NO", "DeletionProtection": "true", "Wurd": "x"}')
    result = run(
        "deploy", *environment, "--templates", tmp_path, "--yes", "--endpoint-url", "http://127.0.0.1:9"
    )
    assert result.exit_code == 1
    assert "The parameter set has mistakes" in result.stderr
    assert "Wurd" in result.stderr
    assert "Account" not in result.stderr


def test_a_missing_child_template_is_refused(tmp_path: Path, environment: list[str | Path]) -> None:
    (tmp_path / "inner.yaml").unlink()
    result = run("package", "--templates", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "✗ middle.yaml, resource Inner\n  nests inner.yaml, which does not exist\n→"
    )
    assert run("deploy", *environment, "--templates", tmp_path, "--yes").exit_code == 1


def test_validate_prints_a_line_per_mistake(tmp_path: Path) -> None:
    parameters = write(tmp_path).parameters
    validate = ["validate", parameters, "--templates", tmp_path]
    good = run(*validate)
    assert (good.exit_code, good.stdout) == (0, "")
    assert json.loads(run(*validate, "--output", "json").stdout) == {"Findings": []}
    parameters.write_text('{"Word": "NO", "DeletionProtection": "true"}')
    bad = run(*validate)
    assert bad.exit_code == 1
    assert bad.stdout.startswith("Word: ")
    assert len(bad.stdout.splitlines()) == 1
    told = run(*validate, "--output", "json")
    assert told.exit_code == 1
    assert json.loads(told.stdout) == {"Findings": bad.stdout.splitlines()}


def test_lint_prints_findings_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "root.yaml").write_text("Resources:\n  Topic:\n    Type: AWS::SNS::Tropic\n")
    result = run("lint", "--templates", tmp_path)
    assert result.exit_code == 1
    assert "root.yaml:3:" in result.stdout
    assert "Findings: " in result.stderr
    told = run("lint", "--templates", tmp_path, "--output", "json")
    assert json.loads(told.stdout)["Findings"] == result.stdout.splitlines()


def test_package_writes_the_set_and_prints_its_root(tmp_path: Path) -> None:
    write(tmp_path)
    package = ["package", "--templates", tmp_path, "--out", tmp_path / "out"]
    result = run(*package)
    assert result.exit_code == 0
    root = Path(result.stdout.strip())
    assert json.loads(run(*package, "--output", "json").stdout) == {"Root": str(root)}
    assert root.name.startswith("root-")
    assert len(list(root.parent.iterdir())) == 3


def test_package_uploads_to_a_named_bucket_and_prints_the_address(
    tmp_path: Path, environment: list[str | Path], session: object
) -> None:
    session.s3.create_bucket(Bucket="packages")  # type: ignore[attr-defined]
    result = run("package", "--templates", tmp_path, "--bucket", "packages")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("https://packages.s3.us-east-1.amazonaws.com/templates/root-")


def test_the_status_of_a_stack_that_was_never_deployed_says_how_to_deploy_it(
    environment: list[str | Path],
) -> None:
    result = run("status", *environment)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no stack" in result.stderr
    _, option, stack_name = environment
    assert f"`orthanc-aws deploy {environment[0]} {option} {stack_name}` creates it." in result.stderr


def test_an_endpoint_where_nobody_listens_is_told_without_a_traceback(
    environment: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        result = run("status", *environment, "--endpoint-url", f"http://127.0.0.1:{free.getsockname()[1]}")
    assert result.exit_code == 1
    assert result.stderr.startswith("✗ AWS cannot be reached\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deploy", "nowhere"], "there is no"),
        (["deploy"], "Missing argument 'ENV'"),
        (["frobnicate"], "No such command"),
        (["restore", "small"], "Give one of --list, --snapshot and --to-time"),
        (["restore", "small", "--list", "--snapshot", "arn"], "Give one of --list"),
        (["restore", "small", "--to-time", "lunch"], "'lunch' is neither a span"),
        (["deploy", "small", "--tag", "novalue"], "'novalue' is not of the form KEY=VALUE"),
        (["deploy", "small", "--emulator", "--profile", "x"], "--emulator has its own endpoint"),
        (["--profile", "x", "status", "small", "--emulator"], "--emulator has its own endpoint"),
    ],
)
def test_wrong_usage_has_exit_code_2(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())


def test_an_unknown_environment_names_those_that_there_are() -> None:
    assert "small" in run("status", "smal").stderr


def test_a_region_may_be_named_before_or_after_the_verb(
    environment: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    assert "in eu-west-3 of account" in run("--region", "eu-west-3", "status", *environment).stderr
    assert "in eu-west-3 of account" in run("status", *environment, "--region", "eu-west-3").stderr
    assert "No AWS region" in run("status", *environment).stderr


def test_render_writes_what_check_then_accepts(tmp_path: Path) -> None:
    stale = run("render", "--check", "--templates", tmp_path)
    assert stale.exit_code == 1
    assert "root.yaml" in stale.stdout
    told = json.loads(run("render", "--check", "--templates", tmp_path, "--output", "json").stdout)
    assert told["Findings"] == stale.stdout.splitlines()
    written = run("render", "--templates", tmp_path, "--output", "json")
    assert written.exit_code == 0
    assert "root.yaml" in json.loads(written.stdout)["Changed"]
    assert run("render", "--check", "--templates", tmp_path).exit_code == 0


@pytest.fixture
def emulator_of_its_own(tmp_path: Path) -> Iterator[None]:
    """Another place for the background emulator, whose address the command line puts into the environment."""
    before = dict(os.environ)
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path)
    yield
    stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("emulator_of_its_own")
def test_the_emulator_starts_on_demand_and_stops_on_request() -> None:
    assert "No emulator was running" in run("emulator", "stop").stderr
    assert "in us-east-1 of account 000000000000" in run("status", "small", "--emulator").stderr
    url = run("emulator", "start").stdout
    assert url.startswith("http://127.0.0.1:")
    assert json.loads(run("emulator", "start", "--output", "json").stdout) == {"EndpointUrl": url.strip()}
    assert "is stopped" in run("emulator", "stop").stderr


def test_ctrl_c_ends_in_one_message_and_exit_code_1(
    environment: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scripts.operations.status.status", interrupt)
    result = run("status", *environment)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("✗ Stopped by ctrl-C\n→ ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str) -> None:
    assert f"_ORTHANC_AWS_COMPLETE={shell}_complete" in run("completion", shell).stdout


def completed(words: str, **environ: str) -> list[str]:
    """What bash is offered for the last of the words."""
    line = f"orthanc-aws {words}"
    asked = {"_ORTHANC_AWS_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return CliRunner().invoke(main, prog_name="orthanc-aws", env={**asked, **environ}).stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("dest", ["plain,destroy"]),
        ("deploy sm", ["plain,small"]),
        ("users sm", ["plain,small"]),
        ("publish templates 1.0 --parameters sm", ["plain,small"]),
        ("publish catalog 1.0 --parameters ./sm", ["file,./sm"]),
        ("deploy parameters/sm", ["file,parameters/sm"]),
        ("deploy ../hospital.j", ["file,../hospital.j"]),
        ("--region eu-central-", ["plain,eu-central-1", "plain,eu-central-2"]),
        ("status small --region us-gov-e", ["plain,us-gov-east-1"]),
    ],
)
def test_a_shell_completes_verbs_parameter_sets_their_paths_and_regions(
    words: str, offered: list[str]
) -> None:
    assert completed(words) == offered


def test_a_shell_completes_the_profiles_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile hospital-admin]\nregion = eu-west-1\n[profile hospital-reader]\n[profile other]\n"
    )
    environ = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    offered = ["plain,hospital-admin", "plain,hospital-reader"]
    assert completed("--profile hosp", **environ) == offered
    assert completed("deploy small --profile hosp", **environ) == offered
    config.write_text("no configuration")
    assert completed("deploy small --profile hosp", **environ) == []


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_: object) -> list[str]:
        raise KeyError("defect")

    monkeypatch.setattr("generator.render.write", fail)
    assert isinstance(run("render", "--templates", tmp_path).exception, KeyError)


def test_the_command_line_loads_click_alone_until_a_verb_needs_more() -> None:
    code = "import sys, scripts.cli; print(*{'boto3', 'yaml', 'troposphere', 'rich', 'cfnlint'} & {*sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "\n"


def test_render_loads_neither_boto3_nor_rich() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from scripts.cli import main\n"
        "CliRunner().invoke(main, ['render', '--check'])\n"
        "print(*{'boto3', 'botocore', 'rich', 'cfnlint', 'ministack'} & {*sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "\n"

"""Builds of AWS CodeBuild, which ministack only records as done: the project's own build specification is run.

Its commands run in bash on this machine, in a folder of their own, with the programs `aws` and `docker` of
`build_tools`: they read and write the emulator's S3 and ECR, and build no image.
"""

import contextvars
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import yaml
from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import codebuild
from ministack.services.cloudformation import provisioners

from scripts.emulator.patching import Function, replace, replace_handler

Record = dict[str, Any]
_TOOLS = Path(__file__).parent / "build_tools.py"
_TOOL_NAMES = ("aws", "docker")
_ARCHITECTURES = {"ARM_CONTAINER": "arm64"}


def install() -> None:
    """Makes the ministack of this process run builds, and write their logs where their project says."""
    replace("_start_build", (codebuild,), running_builds)
    replace_handler("AWS::CodeBuild::Project", "create", project_with_log)


def project_with_log(original: Function) -> Function:
    """The log group of a project, which ministack forgets."""

    def create(logical_id: str, properties: Record, stack_name: str) -> tuple[str, Record]:
        name, attributes = original(logical_id, properties, stack_name)
        logs = provisioners._codebuild_cfn_to_api(properties.get("LogsConfig", {}))
        codebuild._projects[name]["logsConfig"] = logs
        return name, attributes

    return create


def running_builds(original: Function) -> Function:
    """StartBuild with what the request overrides; the build runs in a thread of its own."""

    def start(request: Record) -> Any:
        answer = original(request)
        if answer[0] != 200:
            return answer
        project = codebuild._projects[request["projectName"]]
        build = codebuild._builds[json.loads(answer[2])["build"]["id"]]
        _begin(build, project, request)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(_run, build, project), daemon=True).start()
        return json_response({"build": copy.deepcopy(build)})

    return start


def _begin(build: Record, project: Record, request: Record) -> None:
    environment = copy.deepcopy(project["environment"])
    environment["type"] = request.get("environmentTypeOverride", environment["type"])
    environment["image"] = request.get("imageOverride", environment["image"])
    given = {item["name"]: item for item in environment.get("environmentVariables", [])}
    given |= {item["name"]: item for item in request.get("environmentVariablesOverride", [])}
    environment["environmentVariables"] = list(given.values())
    group = project.get("logsConfig", {}).get("cloudWatchLogs", {}).get("groupName")
    build["logs"] = {
        "groupName": group or build["logs"]["groupName"],
        "streamName": build["id"].rpartition(":")[2],
    }
    build["environment"] = environment
    build["phases"] = [{"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": time.time()}]
    build["buildStatus"], build["currentPhase"] = "IN_PROGRESS", "BUILD"
    build.pop("endTime")


def _run(build: Record, project: Record) -> None:
    specification = yaml.safe_load(project["source"]["buildspec"])
    say = codebuild._log_sink(build)
    folder = Path(tempfile.mkdtemp(prefix="build-"))
    status, reason = "SUCCEEDED", ""
    for command in specification["phases"]["build"]["commands"]:
        done = _execute(command, folder, _variables(build, folder), say)
        if done:
            first_line = command.splitlines()[0]
            status = "FAILED"
            reason = f"Error while executing command: {first_line}. Reason: exit status {done}"
            break
    shutil.rmtree(folder)
    build["phases"].append(
        {
            "phaseType": "BUILD",
            "phaseStatus": status,
            "startTime": build["startTime"],
            "endTime": time.time(),
            "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": reason}] if reason else [],
        }
    )
    build["endTime"], build["currentPhase"] = time.time(), "COMPLETED"
    build["buildStatus"] = status


def _execute(command: str, folder: Path, variables: dict[str, str], say: Function) -> int:
    for name in _TOOL_NAMES:
        program = folder / "tools" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{_TOOLS}" {name} "$@"\n')
        program.chmod(0o755)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=work,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in process.stdout or ():
        say(line.rstrip("\n"))
    return process.wait()


def _variables(build: Record, folder: Path) -> dict[str, str]:
    given = {item["name"]: item["value"] for item in build["environment"]["environmentVariables"]}
    return {
        **given,
        "PATH": f"{folder / 'tools'}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        "AWS_ACCESS_KEY_ID": get_account_id(),
        "AWS_DEFAULT_REGION": get_region(),
        "EMULATED_ARCHITECTURE": _ARCHITECTURES.get(build["environment"]["type"], "amd64"),
    }

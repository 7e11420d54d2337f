"""A container engine, podman or docker, through its command line, which the two share."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.errors import OperationError

ENGINES = ("podman", "docker")
# The soft limits of the engines differ, and so does what a virtual machine allows; this is enough for each service.
_LIMITS = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")


@dataclass(frozen=True)
class Engine:
    """The program of an engine; every method raises OperationError with the engine's own words where it refuses."""

    program: str

    def run(self, *arguments: str) -> str:
        """What `engine ARGUMENTS` prints."""
        done = self._call(*arguments)
        if done.returncode:
            words = done.stderr.strip().splitlines()
            raise OperationError(
                f"{self.program} {arguments[0]} failed",
                words[-1] if words else f"exit code {done.returncode}",
            )
        return done.stdout.strip()

    def succeeds(self, *arguments: str) -> bool:
        """Whether `engine ARGUMENTS` ends with 0."""
        return self._call(*arguments).returncode == 0

    def build(self, context: Path, image: str, arguments: Mapping[str, str]) -> None:
        """Builds an image; the engine's output is shown where the build fails."""
        options = [option for pair in arguments.items() for option in ("--build-arg", "=".join(pair))]
        authorities = Path("/etc/ssl/certs/ca-certificates.crt")
        if authorities.is_file():
            # So that a build behind a proxy that opens TLS can fetch what it needs.
            options += ["--secret", f"id=ca-certificates,src={authorities}"]
        if self.program == "podman":
            options += ["--isolation=chroot", "--format=docker"]
        done = self._call("build", "--network=host", *_LIMITS, *options, "--tag", image, str(context))
        if done.returncode:
            raise OperationError(f"The image {image} cannot be built", _tail(done.stdout + done.stderr))

    def push(self, image: str, address: str, login: Mapping[str, Any]) -> None:
        """Pushes an image to an address; `login` is the content of the engine's configuration file for it.

        That file lies in a folder of its own for as long as this takes, since it holds a password.
        """
        self.run("tag", image, address)
        with tempfile.TemporaryDirectory(prefix="orthanc-aws-login-") as folder:
            file = Path(folder) / "config.json"
            file.write_text(json.dumps(login), encoding="utf-8")
            if self.program == "podman":
                # docker does the same of its own accord: on this machine only an emulator listens.
                options = ["--tls-verify=false"] if address.startswith("127.") else []
                self.run("push", "--quiet", "--authfile", str(file), *options, address)
            else:
                self.run("--config", folder, "push", "--quiet", address)
        self.run("rmi", address)

    def output(self, image: str, script: str) -> str:
        """What a shell script prints that runs in a container of an image, without network."""
        options = ("--rm", "--interactive", "--network=none", *_LIMITS, "--entrypoint=/bin/sh")
        done = self._call("run", *options, image, words=script)
        if done.returncode:
            raise OperationError(f"The image {image} cannot be looked into", _tail(done.stderr))
        return done.stdout

    def start(self, name: str, options: Sequence[str], image: str, command: Sequence[str]) -> None:
        """Starts a container as ECS runs a task: in the background, without root, capabilities and a writable root."""
        hardening = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--init"]
        if self.program == "podman":
            hardening.append("--read-only-tmpfs=false")
        self.run("run", "--detach", "--name", name, *_LIMITS, *hardening, *options, image, *command)

    def inspect(self, name: str) -> dict[str, Any] | None:
        """The engine's description of a container, or None where there is none."""
        done = self._call("container", "inspect", name)
        if done.returncode:
            return None
        described: list[dict[str, Any]] = json.loads(done.stdout)
        return described[0]

    def remove(self, *names: str) -> None:
        """Stops and removes containers with their scratch volumes; those that are not there are passed over."""
        present = [name for name in names if self.inspect(name)]
        if present:
            self.run("rm", "--force", "--volumes", *present)

    def _call(self, *arguments: str, words: str = "") -> "subprocess.CompletedProcess[str]":
        # With docker's attestations an image would be an index, which ECR does not scan.
        variables = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        return subprocess.run(
            [self.program, *arguments],
            input=words,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )


def find() -> Engine:
    """The engine of this machine that works; raises OperationError where there is none."""
    reasons = []
    for program in ENGINES:
        if shutil.which(program) is None:
            reasons.append(f"there is no {program}")
            continue
        done = subprocess.run([program, "info"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return Engine(program)
        reasons.append(f"{program} does not work: {_tail(done.stderr, 1)}")
    raise OperationError(
        "No container engine",
        "; ".join(reasons),
        "Install podman or docker. On Debian, as root: `scripts/setup containers`.",
    )


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])

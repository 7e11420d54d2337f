"""A local store as a whole: up, down, how it stands, and its logs."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import OperationError
from scripts.local import certificates, images, state
from scripts.local.bases import Say
from scripts.local.engine import Engine
from scripts.local.network import Network, ensure
from scripts.local.services import HOSTS, Options, Service, services

_START_SECONDS = 120
_EMPTY_USERS = '{"users": {}}\n'


@dataclass(frozen=True)
class Store:
    """The containers of one name, and where clients reach them."""

    engine: Engine
    name: str

    @property
    def prefix(self) -> str:
        """The name of the network, which the names of volumes and containers begin with."""
        return f"orthanc-{self.name}"

    def container(self, service: str) -> str:
        """The name of a service's container."""
        return f"{self.prefix}-{service}"

    def up(self, options: Options, base: str | None, say: Say) -> str:
        """Builds and starts whatever is missing, and returns the URL when the store answers.

        Raises OperationError with the last lines of the container that is at fault where it does not.
        """
        url = f"https://localhost:{options.public_port}"
        # A port that the store itself listens on is given up below.
        if state.url(self.name) != url:
            _check_free(options.public_port)
        built = images.build(self.engine, base, say)
        say(f"Starting the containers ({built.base} bases)")
        self.remove_containers()
        state.write_private(state.url_file(self.name), url)
        network = ensure(self.engine, self.name, self.prefix, HOSTS)
        for service in self._planned(options, network, certificates.authority_file(self.name)):
            self._start(service, built.names[service.image], network)
        say("Waiting for the store to answer")
        self._wait_until_ready(options.public_port)
        return url

    def compose(self, options: Options, base: str | None, folder: Path, say: Say) -> Path:
        """Builds the images and writes a Compose file of the same containers into a folder; returns the file.

        The folder gets an authority of its own, as a store of this name may be up with another one.
        """
        from scripts.local import compose

        built = images.build(self.engine, base, say)
        network = Network(self.prefix, compose.SUBNET, HOSTS)
        planned = self._planned(options, network, folder / compose.AUTHORITY)
        return compose.write(folder, planned, built.names, network)

    def down(self, delete: bool) -> None:
        """Stops and removes the containers; with `delete` also the images stored in them, and all credentials."""
        self.remove_containers()
        self.engine.succeeds("network", "rm", self.prefix)
        state.url_file(self.name).unlink(missing_ok=True)
        if delete:
            for volume in self._volumes():
                self.engine.run("volume", "rm", volume)
            state.forget(self.name)

    def containers(self) -> dict[str, str]:
        """The state of each container by its service's name; empty where the store is not up."""
        listed = self.engine.run(
            "ps", "--all", "--filter", f"label=orthanc-aws={self.name}", "--format", "{{.Names}}"
        )
        described = {name: self.engine.inspect(name) for name in sorted(listed.split())}
        return {
            name.removeprefix(f"{self.prefix}-"): str(found["State"]["Status"])
            for name, found in described.items()
            if found
        }

    def logs(self, service: str, follow: bool) -> None:
        """Prints a container's log to this process's own output, to its end or for as long as it goes on."""
        containers = self.containers()
        if not containers:
            raise state.not_up(self.name)
        if service not in containers:
            raise OperationError(f"There is no container {service}", f"there are: {', '.join(containers)}")
        options = ["--follow"] if follow else []
        subprocess.run([self.engine.program, "logs", *options, self.container(service)], check=False)

    def remove_containers(self) -> None:
        """Stops and removes the containers, those that share another's network first."""
        present = self.containers()
        # An engine removes several containers at the same time.
        for sharing in (True, False):
            self.engine.remove(*(self.container(s) for s in present if s.endswith("-sidecar") is sharing))

    def _volumes(self) -> list[str]:
        """The volumes of all generations of the database."""
        listed = self.engine.run("volume", "ls", "--quiet").split()
        return [name for name in listed if re.fullmatch(rf"{self.prefix}-database-[0-9]+", name)]

    def _planned(self, options: Options, network: Network, authority: Path) -> tuple[Service, ...]:
        self._ensure_users()
        return services(
            options,
            state.credentials(self.name),
            certificates.issue(authority),
            authority,
            state.users_file(self.name),
            str(network.subnet),
        )

    def _ensure_users(self) -> None:
        state.make_folder(self.name)
        file = state.users_file(self.name)
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_EMPTY_USERS, "utf-8")
        # The folder above is this user's alone; NGINX runs as another one.
        file.chmod(0o644)

    def _start(self, service: Service, image: str, network: Network) -> None:
        if service.after:
            self._wait_for_end(service.after)
        with _environment_file(service, state.folder(self.name)) as file:
            self.engine.start(
                self.container(service.name), self._options(service, file, network), image, service.command
            )

    def _options(self, service: Service, environment: Path, network: Network) -> list[str]:
        options = [f"--env-file={environment}", f"--label=orthanc-aws={self.name}"]
        if service.shares_network_of:
            options.append(f"--network=container:{self.container(service.shares_network_of)}")
        else:
            options += [f"--network={network.name}", f"--ip={network.address(service.name)}"]
            options.append(f"--mac-address={network.hardware_address(service.name)}")
            options += [f"--add-host={name}:{address}" for name, address in network.hosts().items()]
        if service.alias:
            options.append(f"--network-alias={service.alias}")
        if service.publishes:
            outside, inside = service.publishes
            options.append(f"--publish=127.0.0.1:{outside}:{inside}")
        options += [f"--volume={path}" for path in service.scratch]
        options += [f"--volume={file}:{path}:ro" for path, file in service.files.items()]
        options += [f"--volume={self.prefix}-{volume}:{path}" for volume, path in service.data.items()]
        return options

    def _wait_for_end(self, service: str) -> None:
        code = self.engine.run("wait", self.container(service))
        if code.strip() != "0":
            raise OperationError(f"The container {service} failed", self._last_lines(service))

    def _wait_until_ready(self, port: int) -> None:
        from scripts.local.probe import answers

        deadline = time.monotonic() + _START_SECONDS
        while not answers(port, certificates.authority_file(self.name), state.credentials(self.name)):
            for service, status in self.containers().items():
                if status != "running" and not service.endswith("-database-role"):
                    raise OperationError(f"The container {service} has ended", self._last_lines(service))
            if time.monotonic() > deadline:
                raise OperationError(
                    f"The store does not answer after {_START_SECONDS} seconds",
                    self._last_lines("nginx"),
                    "`orthanc-aws local logs SERVICE` shows what each container says.",
                )
            time.sleep(0.25)

    def _last_lines(self, service: str) -> str:
        done = subprocess.run(
            [self.engine.program, "logs", "--tail=15", self.container(service)],
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr).strip()


def _check_free(port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise OperationError(
                f"Port {port} is taken", str(error), "Choose another one with `orthanc-aws local up --port`."
            ) from None


@contextmanager
def _environment_file(service: Service, folder: Path) -> Iterator[Path]:
    """A file with a container's environment, so that no secret stands in an argument list; gone when it has started."""
    file = folder / f"{service.name}.env"
    pairs = {**service.environment, **service.secrets}
    state.write_private(file, "".join(f"{name}={value}\n" for name, value in pairs.items()))
    try:
        yield file
    finally:
        file.unlink()

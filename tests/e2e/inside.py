"""What only the parts of a store reach: the containers' own addresses, and Orthanc with the service's credential."""

import subprocess

import requests

from scripts.local.certificates import DATABASE_HOST
from tests.e2e.running import Running

TLS_PORT = 8443


def address(store: Running, service: str) -> str:
    """The address of a service's container."""
    described = store.store.engine.inspect(store.store.container(service))
    assert described
    networks = described["NetworkSettings"]["Networks"]
    return str(networks[store.store.prefix]["IPAddress"])


def front(store: Running, client: str, user: str = "", password: str = "") -> tuple[str, requests.Session]:
    """NGINX's own URL, and a session that comes from the address `client`, as the load balancer would tell it."""
    session = store.session(user, password)
    session.verify = False
    session.headers["X-Forwarded-For"] = client
    return f"https://{address(store, 'nginx')}:{TLS_PORT}", session


def orthanc(store: Running) -> requests.Session:
    """A session with the sidecar of an Orthanc task, as NGINX would ask it; its certificate is made by itself."""
    session = requests.Session()
    session.trust_env = False
    session.verify = False
    session.auth = (store.credentials.orthanc_user, store.credentials.orthanc_password)
    session.headers["X-Forwarded-Host"] = store.url.removeprefix("https://")
    session.headers["X-Forwarded-Proto"] = "https"
    return session


def logs(store: Running, service: str) -> str:
    """All that a container has said, on both of its streams."""
    done = subprocess.run(
        [store.store.engine.program, "logs", store.store.container(service)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    return done.stdout.decode("utf-8", "replace")


def database_role(store: Running, **changed: str) -> tuple[int, str]:
    """Runs the first step of an Orthanc task in the place of the first task's, with other settings."""
    engine, role = store.store.engine, store.store.container("orthanc-1-database-role")
    described = engine.inspect(role)
    assert described
    settings = dict(pair.split("=", 1) for pair in described["Config"]["Env"])
    wanted = {name: value for name, value in settings.items() if name.startswith("DATABASE_")} | changed
    options = [f"--env={name}" for name in wanted]
    hosts = [f"--add-host={name}:{address(store, 'database')}" for name in (DATABASE_HOST, "imposter")]
    authority = f"--volume={store.authority}:/run/authority/authority.pem:ro"
    limits = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
    command = [engine.program, "run", "--rm", f"--network={store.store.prefix}", *limits, *hosts, authority]
    done = subprocess.run(
        [*command, *options, described["ImageName"], "database-role"],
        env={**wanted, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def counts(store: Running) -> dict[str, int]:
    """How many patients, studies, series and instances there are.

    Not their size: Orthanc keeps the metadata of series that were asked for beside them, whenever it comes to it.
    """
    statistics = store.session().get(f"{store.url}/orthanc/statistics").json()
    return {name: number for name, number in statistics.items() if name.startswith("Count")}

"""What only the parts of a store reach: the containers' own addresses, and Orthanc with the service's credential."""

import subprocess

import requests

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

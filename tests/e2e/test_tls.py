"""Every hop is encrypted as it should be, and whoever connects refuses what cannot prove who it is."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sslyze import (
    ProtocolWithOpportunisticTlsEnum,
    Scanner,
    ServerNetworkConfiguration,
    ServerNetworkLocation,
    ServerScanRequest,
    ServerScanResult,
)
from sslyze.mozilla_tls_profile.tls_config_checker import (
    MozillaTlsConfiguration,
    ServerNotCompliantWithTlsConfiguration,
    TlsConfigurationEnum,
    check_server_against_tls_configuration,
)

from scripts.local.certificates import DATABASE_HOST, INTERNAL_NAME
from scripts.local.services import INTERNAL_PORT
from tests.e2e.inside import TLS_PORT, address, database_role, logs
from tests.e2e.running import Running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-inside")]

# Of each hop: the container that listens, its port, the name that is asked for, and how TLS begins.
HOPS = {
    "client to load balancer": ("balancer", TLS_PORT, "localhost", None),
    "load balancer to NGINX": ("nginx", TLS_PORT, "localhost", None),
    "NGINX to internal load balancer": ("balancer", INTERNAL_PORT, INTERNAL_NAME, None),
    "internal load balancer to sidecar": ("orthanc-1", TLS_PORT, "localhost", None),
    "Orthanc to database": ("database", 5432, DATABASE_HOST, ProtocolWithOpportunisticTlsEnum.POSTGRES),
}
OLD = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1")
# That the authority is one of the test's own, and how long its certificates last.
OF_TESTS = {"certificate_path_validation", "maximum_certificate_lifespan"}
# The database's ciphers are RDS's to choose.
OURS = [hop for hop in HOPS if hop != "Orthanc to database"]


@cache
def scan(hop: str, ip_address: str) -> ServerScanResult:
    _, port, name, protocol = HOPS[hop]
    scanner = Scanner()
    location = ServerNetworkLocation(hostname=name, ip_address=ip_address, port=port)
    configuration = ServerNetworkConfiguration(
        tls_server_name_indication=name, tls_opportunistic_encryption=protocol
    )
    scanner.queue_scans([ServerScanRequest(server_location=location, network_configuration=configuration)])
    (result,) = scanner.get_results()
    assert result.scan_result, result.connectivity_error_trace
    return result


def accepted(result: ServerScanResult, version: str) -> set[str]:
    suites = getattr(result.scan_result, f"{version}_cipher_suites").result.accepted_cipher_suites
    return {suite.cipher_suite.name for suite in suites}


@pytest.mark.parametrize("hop", HOPS)
def test_only_tls_1_2_and_1_3_are_spoken(shared_store: Running, hop: str) -> None:
    result = scan(hop, address(shared_store, HOPS[hop][0]))
    assert {version: accepted(result, version) for version in OLD} == {version: set() for version in OLD}
    assert accepted(result, "tls_1_3")
    assert all("ECDHE" in suite for suite in accepted(result, "tls_1_2"))


@pytest.mark.parametrize("hop", OURS)
def test_versions_ciphers_and_curves_are_those_of_mozillas_intermediate_profile(
    shared_store: Running, hop: str
) -> None:
    result = scan(hop, address(shared_store, HOPS[hop][0]))
    profile = MozillaTlsConfiguration.get(TlsConfigurationEnum.MOZILLA_INTERMEDIATE)
    with pytest.raises(ServerNotCompliantWithTlsConfiguration) as refused:
        check_server_against_tls_configuration(result, profile)
    assert refused.value.issues.keys() <= OF_TESTS


def test_the_profile_would_notice_weaker_ciphers(shared_store: Running) -> None:
    hop = "Orthanc to database"
    result = scan(hop, address(shared_store, HOPS[hop][0]))
    profile = MozillaTlsConfiguration.get(TlsConfigurationEnum.MOZILLA_INTERMEDIATE)
    with pytest.raises(ServerNotCompliantWithTlsConfiguration) as refused:
        check_server_against_tls_configuration(result, profile)
    assert "ciphers" in refused.value.issues


# --- Whoever connects verifies ---


def test_orthanc_s_tier_connects_to_the_database_that_proves_who_it_is(shared_store: Running) -> None:
    code, said = database_role(shared_store)
    assert (code, "is ready" in said) == (0, True), said


def test_a_database_of_another_authority_is_refused(shared_store: Running) -> None:
    code, said = database_role(shared_store, DATABASE_AUTHORITIES="/etc/orthanc/rds-authorities.pem")
    assert code == 1
    assert "certificate verify failed" in said


def test_a_database_of_another_name_is_refused(shared_store: Running) -> None:
    code, said = database_role(shared_store, DATABASE_HOST="imposter")
    assert code == 1
    assert 'does not match host name "imposter"' in said


def test_the_database_refuses_a_connection_without_tls(shared_store: Running) -> None:
    script = """
import os, psycopg2
try:
    names = {"host": "HOST", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    psycopg2.connect(sslmode="disable", **{key: os.environ["DATABASE_" + name] for key, name in names.items()})
except psycopg2.OperationalError as error:
    print(error)
"""
    said = shared_store.store.engine.run(
        "exec", shared_store.store.container("orthanc-1"), "python3", "-c", script
    )
    assert "no encryption" in said


@contextmanager
def another_front(store: Running, **changed: str) -> Iterator[str]:
    """A second NGINX beside the store's, with other settings; its name."""
    engine, nginx = store.store.engine, store.store.container("nginx")
    described = engine.inspect(nginx)
    assert described
    settings = dict(pair.split("=", 1) for pair in described["Config"]["Env"]) | changed
    wanted = {name: value for name, value in settings.items() if name not in ("PATH", "HOSTNAME", "HOME")}
    name = store.store.container("another-nginx")
    command = [engine.program, "run", "--detach", f"--name={name}", f"--network={store.store.prefix}"]
    command += ["--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096", "--read-only", "--volume=/tmp"]
    command += [f"--volume={store.authority}:/run/authority/authority.pem:ro"]
    command += [f"--volume={users_folder(store)}:/run/users:ro"]
    command += [f"--env={variable}" for variable in wanted]
    environment = {**wanted, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    subprocess.run(
        [*command, described["ImageName"], "front"], env=environment, check=True, capture_output=True
    )
    try:
        yield name
    finally:
        engine.run("rm", "--force", "--volumes", name)


def users_folder(store: Running) -> Path:
    return store.authority.parent.parent / "users"


def ask(store: Running, front: str) -> tuple[int, str]:
    """The status of a search through a front, asked from inside of it, and what the front said."""
    script = """
import base64, os, ssl, time, urllib.error, urllib.request
pair = os.environ["FIRST_USER"] + ":" + os.environ["FIRST_PASSWORD"]
headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
request = urllib.request.Request("https://127.0.0.1:8443/dicom-web/studies?limit=1", headers=headers)
for attempt in range(100):
    try:
        print(urllib.request.urlopen(request, context=ssl._create_unverified_context()).status)
    except urllib.error.HTTPError as error:
        print(error.code)
    except OSError:
        time.sleep(0.1)
        continue
    break
"""
    status = store.store.engine.run("exec", front, "python3", "-c", script)
    said = subprocess.run(
        [store.store.engine.program, "logs", front], capture_output=True, text=True, check=True
    )
    return int(status), said.stdout + said.stderr


def test_nginx_hands_on_to_a_load_balancer_that_proves_who_it_is(shared_store: Running) -> None:
    with another_front(shared_store) as front:
        assert ask(shared_store, front)[0] == 200


def test_nginx_refuses_a_load_balancer_of_another_authority(shared_store: Running) -> None:
    with another_front(shared_store, INTERNAL_CA="/etc/ssl/certs/ca-certificates.crt") as front:
        status, said = ask(shared_store, front)
    assert status == 503
    assert "upstream SSL certificate verify error" in said


def test_nginx_refuses_a_load_balancer_of_another_name(shared_store: Running) -> None:
    # The container's own name leads to the same load balancer, whose certificate does not have it.
    name = shared_store.store.container("balancer")
    with another_front(shared_store, INTERNAL_NAME=name) as front:
        status, said = ask(shared_store, front)
    assert status == 503
    assert "upstream SSL certificate does not match" in said


def test_what_is_refused_reaches_no_orthanc(shared_store: Running) -> None:
    assert "imposter" not in logs(shared_store, "orthanc-1")

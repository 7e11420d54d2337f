"""The containers of a local store: which they are, what each is handed, and in which order they start.

The images' own commands and environment are those of the task definitions; a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generator import ports
from generator.limits import IDLE_SECONDS, INDEX_CONNECTIONS
from generator.stacks.database import DATABASE_NAME
from scripts.local.certificates import DATABASE_HOST, INTERNAL_NAME, Certificate
from scripts.local.state import Credentials

PUBLIC_PORT = 8443
INTERNAL_PORT = 9443
ORTHANCS = ("orthanc-1", "orthanc-2")
# Those with an address of their own, in the order of their addresses.
HOSTS = (
    DATABASE_HOST,
    *ORTHANCS,
    *(f"{name}-database-role" for name in ORTHANCS),
    "balancer",
    "nginx",
)
AUTHORITY = "/run/authority/authority.pem"
DATABASE_ENVIRONMENT = {
    "DATABASE_HOST": DATABASE_HOST,
    "DATABASE_PORT": str(ports.POSTGRESQL),
    "DATABASE_NAME": DATABASE_NAME,
    "DATABASE_AUTHORITIES": AUTHORITY,
}
USERS = "/run/users"
JWT_ISSUER = "https://issuer.orthanc.test"
READ_SCOPE = "dicomweb/read"
WRITE_SCOPE = "dicomweb/write"


@dataclass(frozen=True)
class Service:
    """One container. `environment` is for everybody to see, `secrets` are not; `after` must have succeeded before."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    scratch: tuple[str, ...] = ("/tmp",)
    data: Mapping[str, str] = field(default_factory=dict)
    alias: str = ""
    shares_network_of: str = ""
    publishes: tuple[int, int] | None = None
    after: str = ""


@dataclass(frozen=True)
class Options:
    """What `local up` lets one choose, by the names of the root template's parameters.

    `upload_limit` is NGINX's notation of a size. `client_authorities` (mtls) and `token_key` (jwt) are PEM in Base64.
    Each `database_generation` has a volume of its own: a restored one is put in the place of another by its number.
    """

    public_port: int = PUBLIC_PORT
    access_mode: str = "basic"
    cors_allowed_origins: str = ""
    upload_limit: str = "4g"
    viewer: bool = True
    orthanc_interface: bool = False
    client_authorities: str = ""
    token_key: str = ""
    database_generation: int = 1


def services(
    options: Options,
    made: Credentials,
    certificates: Mapping[str, Certificate],
    authority: Path,
    users: Path,
    subnet: str,
) -> tuple[Service, ...]:
    """The containers in the order in which they start."""
    return (
        _database(options, made, certificates["database"]),
        *(service for name in ORTHANCS for service in _orthanc_task(name, made, authority)),
        _balancer(options, certificates),
        _nginx(options, made, authority, users, subnet),
    )


def _database(options: Options, made: Credentials, certificate: Certificate) -> Service:
    return Service(
        name=DATABASE_HOST,
        image="postgresql",
        environment={"DATABASE_NAME": DATABASE_NAME, "MASTER_USER": made.master_user},
        secrets={
            "MASTER_PASSWORD": made.master_password,
            "TLS_CERTIFICATE": certificate.certificate,
            "TLS_KEY": certificate.key,
        },
        data={f"database-{options.database_generation}": "/var/lib/postgresql/data"},
    )


def _orthanc_task(name: str, made: Credentials, authority: Path) -> tuple[Service, ...]:
    """The three containers of an Orthanc task: its database role, Orthanc, and the sidecar that ends TLS for it."""
    return (
        _database_role(name, made, authority),
        _orthanc(name, made, authority),
        Service(name=f"{name}-sidecar", image="nginx", command=("sidecar",), shares_network_of=name),
    )


def _database_role(task: str, made: Credentials, authority: Path) -> Service:
    return Service(
        name=f"{task}-database-role",
        image="orthanc",
        command=("database-role",),
        environment=DATABASE_ENVIRONMENT,
        secrets={
            **_database_secrets(made),
            "DATABASE_MASTER_USER": made.master_user,
            "DATABASE_MASTER_PASSWORD": made.master_password,
        },
        files={AUTHORITY: authority},
    )


def _orthanc(task: str, made: Credentials, authority: Path) -> Service:
    return Service(
        name=task,
        image="orthanc",
        command=("orthanc",),
        environment={
            **DATABASE_ENVIRONMENT,
            "INDEX_CONNECTIONS": str(INDEX_CONNECTIONS),
            "IMAGE_STORAGE": "database",
        },
        secrets={
            **_database_secrets(made),
            "ORTHANC_USER": made.orthanc_user,
            "ORTHANC_PASSWORD": made.orthanc_password,
        },
        files={AUTHORITY: authority},
        scratch=("/tmp", "/var/lib/orthanc"),
        after=f"{task}-database-role",
    )


def _database_secrets(made: Credentials) -> dict[str, str]:
    return {"DATABASE_USER": made.database_user, "DATABASE_PASSWORD": made.database_password}


def _balancer(options: Options, certificates: Mapping[str, Certificate]) -> Service:
    return Service(
        name="balancer",
        image="balancer",
        environment={
            "ACCESS_MODE": options.access_mode,
            "TOKEN_ISSUER": JWT_ISSUER,
            "READ_SCOPE": READ_SCOPE,
            "WRITE_SCOPE": WRITE_SCOPE,
            "CLIENT_AUTHORITIES": options.client_authorities,
            "TOKEN_KEY": options.token_key,
        },
        secrets={
            "PUBLIC_PEM": certificates["public"].together,
            "INTERNAL_PEM": certificates["internal"].together,
        },
        alias=INTERNAL_NAME,
        publishes=(options.public_port, 8443),
    )


def _nginx(options: Options, made: Credentials, authority: Path, users: Path, subnet: str) -> Service:
    return Service(
        name="nginx",
        image="nginx",
        command=("front",),
        environment={
            "DOMAIN_NAME": "localhost",
            "PUBLIC_PORT": str(options.public_port),
            "INTERNAL_NAME": INTERNAL_NAME,
            "INTERNAL_PORT": str(INTERNAL_PORT),
            "INTERNAL_CA": AUTHORITY,
            "ACCESS_MODE": options.access_mode,
            "JWT_READ_SCOPE": READ_SCOPE,
            "JWT_WRITE_SCOPE": WRITE_SCOPE,
            "CORS_ALLOWED_ORIGINS": options.cors_allowed_origins,
            "LARGEST_UPLOAD": options.upload_limit,
            "IDLE_SECONDS": str(IDLE_SECONDS),
            "TRUSTED_PROXIES": subnet,
            "VIEWER": _flag(options.viewer),
            "ORTHANC_UI": _flag(options.orthanc_interface),
            "USERS_FILE": f"{USERS}/{users.name}",
        },
        secrets={
            "FIRST_USER": made.first_user,
            "FIRST_PASSWORD": made.first_password,
            "ORTHANC_USER": made.orthanc_user,
            "ORTHANC_PASSWORD": made.orthanc_password,
        },
        # The folder, as a file that is replaced would stay the old one inside the container.
        files={AUTHORITY: authority, USERS: users.parent},
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"

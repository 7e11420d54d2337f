"""What the front is told by its environment, checked before anything starts."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.I
)
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", re.I)
SIZE = re.compile(r"[1-9][0-9]{0,8}[kmg]", re.I)
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, section 3.3
FILE_NAME = re.compile(r"/[A-Za-z0-9._/-]+")
MODES = ("basic", "jwt", "mtls")


class SettingsError(ValueError):
    """The environment is wrong: a sentence for each variable that is, none of which repeats a secret."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))


@dataclass(frozen=True)
class Settings:
    """The front's environment, under the variables' names."""

    domain_name: str
    public_port: int
    internal_name: str
    internal_port: int
    internal_ca: Path
    access_mode: str
    jwt_read_scope: str
    jwt_write_scope: str
    cors_allowed_origins: tuple[str, ...]
    largest_upload: str
    idle_seconds: int
    trusted_proxies: tuple[str, ...]
    viewer: bool
    orthanc_ui: bool
    users: str
    users_secret_arn: str
    users_file: Path | None
    first_user: str
    first_password: str
    orthanc_user: str
    orthanc_password: str

    @property
    def public_host(self) -> str:
        """The name, and the port where it is not that of HTTPS, that clients use."""
        return self.domain_name if self.public_port == 443 else f"{self.domain_name}:{self.public_port}"


class Environment:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.mistakes: list[str] = []

    def text(
        self, name: str, default: str | None = None, form: re.Pattern[str] | None = None, must: str = ""
    ) -> str:
        """A variable that must have a form, which `must` tells in words; an empty one counts as not set."""
        value = self._variables.get(name, "") or default
        if value is None:
            self.mistakes.append(f"{name} must be set.")
            return ""
        if form and value and not form.fullmatch(value):
            self.mistakes.append(f"{name} {must}.")
        return value

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A whole number within bounds."""
        value = self.text(name, str(default))
        if re.fullmatch("[0-9]{1,9}", value) and lowest <= int(value) <= highest:
            return int(value)
        self.mistakes.append(f"{name} must be a whole number from {lowest} to {highest}.")
        return default

    def flag(self, name: str, default: bool) -> bool:
        """`true` or `false`."""
        value = self.text(name, str(default).lower())
        if value not in {"true", "false"}:
            self.mistakes.append(f"{name} must be true or false.")
        return value == "true"

    def items(self, name: str) -> tuple[str, ...]:
        """What commas part, without blanks."""
        return tuple(item.strip() for item in self.text(name, "").split(",") if item.strip())


def read_settings(variables: Mapping[str, str]) -> Settings:
    """The settings; raises SettingsError that names every variable that is missing or wrong."""
    read = Environment(variables)
    mode = read.text("ACCESS_MODE", None, re.compile("|".join(MODES)), f"must be one of {', '.join(MODES)}")
    host = "must be a host name"
    file = "must be the whole path of a file, of letters, digits, dots, hyphens and underscores"
    users_file = read.text("USERS_FILE", "", FILE_NAME, file)
    settings = Settings(
        domain_name=read.text("DOMAIN_NAME", None, HOST_NAME, host),
        public_port=read.number("PUBLIC_PORT", 443, 1, 65535),
        internal_name=read.text("INTERNAL_NAME", None, HOST_NAME, host),
        internal_port=read.number("INTERNAL_PORT", 443, 1, 65535),
        internal_ca=Path(read.text("INTERNAL_CA", "/etc/ssl/certs/ca-certificates.crt", FILE_NAME, file)),
        access_mode=mode,
        jwt_read_scope=read.text("JWT_READ_SCOPE", "dicomweb/read", SCOPE, "must be one scope"),
        jwt_write_scope=read.text("JWT_WRITE_SCOPE", "dicomweb/write", SCOPE, "must be one scope"),
        cors_allowed_origins=read.items("CORS_ALLOWED_ORIGINS"),
        largest_upload=read.text("LARGEST_UPLOAD", "4g", SIZE, "must be a size such as 512m or 4g"),
        idle_seconds=read.number("IDLE_SECONDS", 400, 1, 4000),
        trusted_proxies=read.items("TRUSTED_PROXIES"),
        viewer=read.flag("VIEWER", True),
        orthanc_ui=read.flag("ORTHANC_UI", False),
        users=read.text("USERS", '{"users": {}}'),
        users_secret_arn=read.text(
            "USERS_SECRET_ARN", "", re.compile("arn:(.+:){5}.+"), "must be the ARN of a secret"
        ),
        users_file=Path(users_file) if users_file else None,
        first_user=read.text("FIRST_USER", None if mode == "basic" else ""),
        first_password=read.text("FIRST_PASSWORD", None if mode == "basic" else ""),
        orthanc_user=read.text("ORTHANC_USER"),
        orthanc_password=read.text("ORTHANC_PASSWORD"),
    )
    mistakes = read.mistakes + _mistakes(settings)
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _mistakes(settings: Settings) -> list[str]:
    """What is wrong with values that are more than a text of a form."""
    mistakes = [
        f"CORS_ALLOWED_ORIGINS must hold origins such as https://viewer.example.org, which {origin!r} is not."
        for origin in settings.cors_allowed_origins
        if not ORIGIN.fullmatch(origin)
    ]
    for network in settings.trusted_proxies:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            mistakes.append(
                f"TRUSTED_PROXIES must hold networks such as 10.0.0.0/16, which {network!r} is not."
            )
    if settings.internal_name and not settings.internal_ca.is_file():
        mistakes.append(f"INTERNAL_CA names a file that is not there: {settings.internal_ca}.")
    if ":" in settings.orthanc_user:
        mistakes.append("ORTHANC_USER must have no colon.")
    return mistakes

"""Fills the templates of NGINX's configuration. What is filled in has been checked by `settings`."""

import base64
import ipaddress
import os
import re
import resource
import string
from pathlib import Path

from nginx.settings import Settings

HERE = Path(__file__).parent
MOST_DESCRIPTORS = 65536
# How many results a search of everything returns that asks for no limit itself.
SEARCH_LIMIT = 1000
# What a 401 asks for, by access mode (RFC 7617, RFC 6750); a certificate cannot be asked for any more.
CHALLENGES = {"basic": 'Basic realm="Image store", charset="UTF-8"', "jwt": "Bearer", "mtls": ""}
# A UID (PS3.5, section 9.1), and a name of a file or folder that is not `.` or `..`.
UID = "[0-9][0-9.]{0,63}"
FILE = "[A-Za-z0-9_-][A-Za-z0-9_.-]*"


class Template(string.Template):
    """`%{NAME}` stands for a value: NGINX's own variables begin with a dollar."""

    delimiter = "%"


def fill(name: str, values: dict[str, str]) -> str:
    """The template of this name with its values; one that is missing raises KeyError."""
    return Template((HERE / f"{name}.conf.template").read_text(encoding="utf-8")).substitute(values)


def common_values(folder: Path) -> dict[str, str]:
    """What both configurations take: where this run's files lie, and what this container may open."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    descriptors = MOST_DESCRIPTORS if allowed == resource.RLIM_INFINITY else min(allowed, MOST_DESCRIPTORS)
    return {
        "HERE": str(HERE),
        "FOLDER": str(folder),
        "DESCRIPTORS": str(descriptors),
        # A connection takes one descriptor; files, sockets and pipes take the others.
        "CONNECTIONS": str(descriptors // 2),
    }


def front_values(settings: Settings, folder: Path, resolv_conf: str) -> dict[str, str]:
    """What the front's configuration takes; `resolv_conf` is the text of the file that names the name servers."""
    credential = base64.b64encode(f"{settings.orthanc_user}:{settings.orthanc_password}".encode()).decode()
    own_origin = f"https://{settings.public_host}".lower()
    return common_values(folder) | {
        "RESOLVER": resolver(resolv_conf),
        "INTERNAL_NAME": settings.internal_name,
        "INTERNAL_PORT": str(settings.internal_port),
        "INTERNAL_CA": str(settings.internal_ca),
        "PUBLIC_HOST": settings.public_host,
        "SERVICE_CREDENTIAL": credential,
        "LARGEST_UPLOAD": settings.largest_upload,
        "IDLE_SECONDS": str(settings.idle_seconds),
        "TRUSTED_PROXIES": "\n".join(
            f"    set_real_ip_from {network};" for network in settings.trusted_proxies
        ),
        "OWN_ORIGIN": own_origin,
        "ALLOWED_ORIGINS": "\n".join(
            f'        "{origin.lower()}" allowed;'
            for origin in dict.fromkeys(settings.cors_allowed_origins)
            if origin.lower() != own_origin
        ),
        "CHALLENGE": CHALLENGES[settings.access_mode],
        "SUBJECT": "$http_x_amzn_mtls_clientcert_subject" if settings.access_mode == "mtls" else '""',
        "CREDENTIALS": '""' if settings.access_mode == "mtls" else "$http_authorization",
        "SEARCH_LIMIT": str(SEARCH_LIMIT),
        "UID": UID,
        "FILE": FILE,
        "VIEWER": str(int(settings.viewer)),
        "ORTHANC_UI": str(int(settings.orthanc_ui)),
    }


def resolver(resolv_conf: str) -> str:
    """The first name server, as NGINX writes it; raises ValueError where there is none.

    The C library asks the others only where the first does not answer. NGINX would ask them in turn, and the second one
    of a container network knows none of its names.
    """
    for word in re.findall(r"^\s*nameserver\s+(\S+)", resolv_conf, re.M):
        address = ipaddress.ip_address(word.partition("%")[0])
        return f"[{address}]" if address.version == 6 else str(address)
    raise ValueError("/etc/resolv.conf names no name server: INTERNAL_NAME cannot be looked up.")


def write_private(path: Path, text: str) -> None:
    """Writes a file that only this user can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)

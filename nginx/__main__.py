"""`front` or `sidecar`, the container's command."""

import asyncio
import os
import sys
from pathlib import Path

from nginx import stow_verdict
from nginx.access.identify import Basic, Bearer, Certificate, Mode
from nginx.access.passwords import hash_password
from nginx.access.server import serve
from nginx.access.sources import CurrentUsers, Source, UsersFile, UsersSecret, follow
from nginx.access.users import Role, User, UsersError, parse_users
from nginx.certificate import make_certificate
from nginx.configuration import common_values, fill, front_values, write_private
from nginx.log import say
from nginx.settings import Settings, SettingsError, read_settings
from nginx.supervisor import supervise

ORTHANC_PORT = 8042
RESOLV_CONF = Path("/etc/resolv.conf")
# Memory-backed: private keys, credentials and sockets never reach a disk.
MEMORY = Path("/dev/shm")


def main(arguments: list[str]) -> int:
    """Runs the command; the exit code."""
    try:
        match arguments:
            case ["front"]:
                return asyncio.run(_front(read_settings(os.environ)))
            case ["sidecar"]:
                return asyncio.run(_sidecar())
    except (SettingsError, UsersError, OSError, ValueError) as error:
        say(str(error))
        return 1
    say("The command must be front or sidecar.")
    return 2


async def _front(settings: Settings) -> int:
    folder = _folder("front")
    source, users = _users(settings)
    make_certificate(settings.domain_name, folder)
    configuration = folder / "nginx.conf"
    write_private(
        configuration, fill("front", front_values(settings, folder, RESOLV_CONF.read_text(encoding="utf-8")))
    )
    server = await serve(_mode(settings, users), folder / "access.socket")
    parts = [server.serve_forever()]
    if source:
        parts.append(follow(source, users))
    return await supervise(configuration, parts)


async def _sidecar() -> int:
    folder = _folder("sidecar")
    make_certificate("localhost", folder)
    configuration = folder / "nginx.conf"
    write_private(configuration, fill("sidecar", common_values(folder)))
    relay = await stow_verdict.serve(str(folder / "uploads.socket"), ORTHANC_PORT)
    return await supervise(configuration, [relay.serve_forever()])


def _folder(command: str) -> Path:
    folder = MEMORY / command
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _users(settings: Settings) -> tuple[Source | None, CurrentUsers]:
    """Where the users are read again from, and those there are now."""
    source = _source(settings)
    text = source.changed() if isinstance(source, UsersFile) else settings.users
    first = {}
    # In the other modes a stranger may have a token or a certificate of that name.
    if settings.access_mode == "basic":
        first[settings.first_user] = User(Role.ADMIN, hash_password(settings.first_password))
    return source, CurrentUsers(first, parse_users(text or ""))


def _source(settings: Settings) -> Source | None:
    if settings.users_file:
        return UsersFile(settings.users_file)
    if settings.users_secret_arn:
        return UsersSecret(settings.users_secret_arn)
    return None


def _mode(settings: Settings, users: CurrentUsers) -> Mode:
    if settings.access_mode == "basic":
        return Basic(users)
    if settings.access_mode == "jwt":
        return Bearer(users, settings.jwt_read_scope, settings.jwt_write_scope)
    return Certificate(users)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

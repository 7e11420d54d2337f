"""The verbs `orthanc-aws local …`: the whole store on this machine, and clients that try any store."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.cli_options import Command

if TYPE_CHECKING:
    from scripts.client.access import Access
    from scripts.local.store import Store

_name_option = click.option(
    "--name", default="store", show_default=True, help="Which of several local stores."
)


def _store(name: str) -> "Store":
    from scripts.local import engine, state
    from scripts.local.store import Store

    state.folder(name)
    return Store(engine.find(), name)


_STORE_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--port",
        "public_port",
        type=click.IntRange(1024, 65535),
        default=8443,
        show_default=True,
        help="Port to listen on.",
    ),
    click.option(
        "--base",
        type=click.Choice(["official", "debian"]),
        help="What the images are built on.  [default: official where a registry can be reached]",
    ),
    click.option(
        "--viewer/--no-viewer", default=True, show_default=True, help="Serve the OHIF viewer at /viewer/."
    ),
    click.option(
        "--orthanc-interface", is_flag=True, help="Let administrators reach Orthanc itself at /orthanc/."
    ),
)


def _store_options(command: Command) -> Command:
    """The options that say what the store is like."""
    for option in reversed(_STORE_OPTIONS):
        command = option(command)
    return command


@click.group()
def local() -> None:
    """Run the whole image store on this machine, in containers of the shipped images."""


@local.command()
@_name_option
@_store_options
def up(name: str, base: str | None, **options: Any) -> None:
    """Build and start the store, and print where it is and who may enter."""
    from scripts.console import Console
    from scripts.local import certificates, state
    from scripts.local.services import Options

    console = Console()
    url = _store(name).up(Options(**options), base, console.step)
    console.done("The image store is up")
    result = {"DICOMweb": f"{url}/dicom-web", "Authority": str(certificates.authority_file(name))}
    if options["viewer"]:
        result["Viewer"] = f"{url}/viewer/"
    if options["orthanc_interface"]:
        result["Orthanc"] = f"{url}/orthanc/"
    if made := state.credentials_to_tell(name):
        result |= {"User": made.first_user, "Password": made.first_password}
    console.outputs(result)


@local.command()
@_name_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/compose"),
    show_default=True,
    help="Folder to write to.",
)
@_store_options
def compose(name: str, out: Path, base: str | None, **options: Any) -> None:
    """Build the images and write a Compose file of the same store, for docker compose or podman-compose."""
    from scripts.console import Console
    from scripts.local.services import Options

    file = _store(name).compose(Options(**options), base, out.resolve(), Console().step)
    click.echo(file)


@local.command()
@_name_option
@click.option("--delete", is_flag=True, help="Delete the stored images, the users and the credentials, too.")
def down(name: str, delete: bool) -> None:
    """Stop the store; what it has stored is there again with the next `up`."""
    from scripts.console import Console

    _store(name).down(delete)
    Console().done("The image store is down" + (" and deleted" if delete else ""))


@local.command()
@_name_option
def status(name: str) -> None:
    """Show the containers of the store."""
    from scripts.console import Console
    from scripts.local import state

    containers = _store(name).containers()
    if not containers:
        raise state.not_up(name)
    Console().outputs(containers)


@local.command()
@click.argument("service", default="nginx")
@_name_option
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come.")
def logs(service: str, name: str, follow: bool) -> None:
    """Show what a container says; the audit log, if none is named."""
    _store(name).logs(service, follow)


_CLIENT_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--url", help="Address of another store, such as https://images.example.org."),
    click.option(
        "--user", help="Name of a user of that store; the password is asked for.  [default: the first user]"
    ),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
    click.option(
        "--authority",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Certificate of the authority that vouches for that store, where it is no public one.",
    ),
)


def _client_options(command: Command) -> Command:
    """The options that say which store to talk to, and as whom."""
    for option in reversed(_CLIENT_OPTIONS):
        command = option(command)
    return command


def _access(
    name: str, url: str | None, user: str | None, password_stdin: bool, authority: Path | None
) -> "Access":
    from scripts.client.access import Access, root_of
    from scripts.local import certificates, state

    is_local = url is None
    if not is_local and not user:
        raise click.UsageError("--url needs --user.")
    if is_local and not state.url(name):
        raise state.not_up(name)
    if not user:
        made = state.credentials(name)
        user, password = made.first_user, made.first_password
    elif password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt(f"Password of {user}", hide_input=True, err=True)
    if is_local:
        url, authority = state.url(name), certificates.authority_file(name)
    return Access(root_of(str(url)), str(user), password, authority)


@local.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_name_option
@_client_options
def push(folder: Path, name: str, **access: Any) -> None:
    """Send every DICOM file below FOLDER to the store, or to the one at --url."""
    from scripts.client.push import push
    from scripts.console import Console
    from scripts.errors import OperationError

    console = Console()
    pushed = push(folder, _access(name, **access))
    for file, reason in pushed.refused.items():
        click.echo(f"{file}: {reason}")
    if pushed.skipped:
        for file in pushed.skipped:
            console.step(f"{file} is passed over: it is no DICOM file of an object")
        console.done(f"{len(pushed.skipped)} files passed over")
    console.done(f"{pushed.stored} files stored")
    if pushed.refused:
        raise OperationError(f"The store refused {len(pushed.refused)} files")


@local.command()
@_name_option
@_client_options
def check(name: str, **access: Any) -> None:
    """Try the store, or the one at --url, as its clients would: store, find and fetch an image."""
    from scripts.client.check import check
    from scripts.console import Console
    from scripts.errors import OperationError

    console = Console()
    wrong = []
    for finding in check(_access(name, **access)):
        if finding.wrong:
            wrong.append(finding)
            click.echo(f"{finding.what}: no, {finding.wrong}")
        else:
            console.done(finding.what)
    if wrong:
        raise OperationError(f"The store does not do what it should: {len(wrong)} findings")

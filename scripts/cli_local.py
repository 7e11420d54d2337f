"""The verbs `orthanc-aws local …`: the whole store on this machine."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scripts.local.store import Store

_name_option = click.option(
    "--name", default="store", show_default=True, help="Which of several local stores."
)


def _store(name: str) -> "Store":
    from scripts.local import engine, state
    from scripts.local.store import Store

    state.folder(name)
    return Store(engine.find(), name)


@click.group()
def local() -> None:
    """Run the whole image store on this machine, in containers of the shipped images."""


@local.command()
@_name_option
@click.option(
    "--port", type=click.IntRange(1024, 65535), default=8443, show_default=True, help="Port to listen on."
)
@click.option(
    "--base",
    type=click.Choice(["official", "debian"]),
    help="What the images are built on.  [default: official where a registry can be reached]",
)
@click.option(
    "--viewer/--no-viewer", default=True, show_default=True, help="Serve the OHIF viewer at /viewer/."
)
@click.option(
    "--orthanc-interface", is_flag=True, help="Let administrators reach Orthanc itself at /orthanc/."
)
def up(name: str, port: int, base: str | None, viewer: bool, orthanc_interface: bool) -> None:
    """Build and start the store, and print where it is and who may enter."""
    from scripts.console import Console
    from scripts.local import certificates, state
    from scripts.local.services import Options

    console = Console()
    is_new = not (state.folder(name) / "credentials.json").is_file()
    options = Options(public_port=port, viewer=viewer, orthanc_interface=orthanc_interface)
    url = _store(name).up(options, base, console.step)
    console.done("The image store is up")
    result = {"DICOMweb": f"{url}/dicom-web", "Authority": str(certificates.authority_file(name))}
    if viewer:
        result["Viewer"] = f"{url}/viewer/"
    if orthanc_interface:
        result["Orthanc"] = f"{url}/orthanc/"
    if is_new:
        made = state.credentials(name)
        result |= {"User": made.first_user, "Password": made.first_password}
    console.outputs(result)


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

    Console().outputs(_store(name).containers())


@local.command()
@click.argument("service", default="nginx")
@_name_option
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come.")
def logs(service: str, name: str, follow: bool) -> None:
    """Show what a container says; the audit log, if none is named."""
    _store(name).logs(service, follow)

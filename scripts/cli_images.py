"""The verbs `orthanc-aws images …`: the container images of a deployment."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts.cli_options import (
    Command,
    aws_options,
    bucket_option,
    console_for,
    env_argument,
    environment_of,
    output_option,
    session_of,
    tags_option,
    templates_option,
)

if TYPE_CHECKING:
    from scripts.operations.image_builds import How

_HOW = (
    click.option(
        "--base",
        type=click.Choice(["official", "debian"]),
        default="official",
        show_default=True,
        help="What the images are built on.",
    ),
    click.option(
        "--bills",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder for the bills of materials.  [default: the project's build/images]",
    ),
)


def _how_options(command: Command) -> Command:
    for option in reversed(_HOW):
        command = option(command)
    return command


def _how(base: str, bills: Path | None, builder: str = "auto") -> "How":
    from scripts.operations.image_builds import BILLS, How

    return How(base, builder, bills or BILLS)


@click.group()
def images() -> None:
    """Build, push and list the container images that the tasks of ENV run.

    An image's tag is a digest of the files that it is made of, so that unchanged files build nothing.
    """


@images.command()
@env_argument
@_how_options
@templates_option
@output_option
@click.pass_context
def build(ctx: click.Context, base: str, bills: Path | None, output: str, **_: Any) -> None:
    """Build the images on this machine, with podman or docker, and print their names.

    A bill of materials in CycloneDX is written for each.
    """
    environment = environment_of(ctx)
    from scripts.operations.images import build

    console = console_for(output)
    console.outputs(build(environment, _how(base, bills), console))


@images.command()
@env_argument
@click.option(
    "--builder",
    type=click.Choice(["auto", "engine", "account"]),
    default="auto",
    show_default=True,
    help="Who builds what is missing: podman or docker here, or CodeBuild in the account.",
)
@_how_options
@click.option(
    "--organization", metavar="ID", help="Let the accounts of this AWS Organization pull; '' for no other."
)
@bucket_option
@tags_option
@click.option("--yes", is_flag=True, help="Deploy the repositories without asking.")
@templates_option
@output_option
@aws_options
@click.pass_context
def push(
    ctx: click.Context,
    builder: str,
    base: str,
    bills: Path | None,
    organization: str | None,
    bucket: str | None,
    tags: dict[str, str],
    yes: bool,
    output: str,
    **_: Any,
) -> None:
    """Make the images that the account lacks, and print all by their digests, as parameters of ENV.

    The repositories are a stack of their own, orthanc-aws-images, which is deployed first.
    """
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts.operations import deploy
    from scripts.operations.images import Options, push

    console = console_for(output)
    options = Options(_how(base, bills, builder), organization, deploy.Options(bucket, tags, ask=not yes))
    console.outputs(push(environment, options, session, console))


@images.command("list")
@env_argument
@templates_option
@output_option
@aws_options
@click.pass_context
def list_(ctx: click.Context, output: str, **_: Any) -> None:
    """List the images in the account; * marks those of the sources that are here."""
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts import reports
    from scripts.operations.images import listed

    found = listed(environment, session)
    console_for(output).result([each.as_json() for each in found], reports.images(found))

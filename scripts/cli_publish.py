"""The verbs `orthanc-aws publish …`: versions for people who have a browser only."""

import re
from pathlib import Path
from typing import Any

import click

from scripts.cli_options import (
    aws_options,
    bucket_option,
    console_for,
    environment_of,
    output_option,
    session_of,
    stack_option,
    templates_option,
)


def _version(_: click.Context, __: click.Parameter, version: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,49}", version):
        raise click.BadParameter(
            f"{version!r} must begin with a letter or a digit and have letters, digits, '.', '_' and '-' only."
        )
    return version


version_argument = click.argument("version", metavar="VERSION", callback=_version)


@click.group()
def publish() -> None:
    """Publish versions that people launch without this tool."""


@publish.command("templates")
@version_argument
@click.option("--parameters", "env", metavar="ENV", help="Fill the form in with this parameter set.")
@stack_option
@bucket_option
@templates_option
@output_option
@aws_options
@click.pass_context
def templates_(
    ctx: click.Context,
    version: str,
    env: str | None,
    bucket: str | None,
    templates: Path,
    output: str,
    **_: Any,
) -> None:
    """Publish the templates as VERSION, and print links that open the CloudFormation console's forms for them.

    A version is never changed: to publish it again does nothing, and other templates need another version.
    """
    environment = environment_of(ctx) if env else None
    session = session_of(ctx)
    from scripts.operations.publish import publish

    console = console_for(output)
    console.outputs(publish(version, templates.resolve(), environment, bucket, session, console))

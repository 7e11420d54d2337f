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
    parameters_option,
    session_of,
    stack_option,
    tags_option,
    templates_option,
)


def _grantees(_: click.Context, __: click.Parameter, grantees: tuple[str, ...]) -> dict[str, str] | None:
    """Parameters of the catalog; None where nothing is said. An empty text alone stands for nobody."""
    if not grantees:
        return None
    from scripts.operations.catalog import shared_with

    try:
        return shared_with([] if grantees == ("",) else grantees)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _version(_: click.Context, __: click.Parameter, version: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,49}", version):
        raise click.BadParameter(
            f"{version!r} must begin with a letter or a digit and have letters, digits, '.', '_' and '-' only."
        )
    return version


_version_argument = click.argument("version", metavar="VERSION", callback=_version)


@click.group()
def publish() -> None:
    """Publish versions that people launch without this tool."""


@publish.command("templates")
@_version_argument
@parameters_option("Fill the form in with this parameter set.")
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


@publish.command("catalog")
@_version_argument
@parameters_option("What a store's form begins with.")
@click.option(
    "--launchers", metavar="ROLE", help="Whoever has a role of this path and name may launch; it may have *."
)
@click.option("--provider", help="Who offers the product.")
@click.option("--cost-center", help="A tag that users may give their stores; '' for none.")
@click.option("--hosted-zone", metavar="ID", help="Stores get names in this zone only; '' for any zone.")
@click.option(
    "--share",
    metavar="WHOM",
    multiple=True,
    callback=_grantees,
    help="Share the portfolio with this account, organizational unit (ou-…) or organization (o-…), and with nobody but"
    " those named; '' for nobody.",
)
@bucket_option
@tags_option
@click.option("--yes", is_flag=True, help="Deploy the catalog, and the image repositories, without asking.")
@templates_option
@output_option
@aws_options
@click.pass_context
def catalog_(
    ctx: click.Context,
    version: str,
    env: str | None,
    bucket: str | None,
    tags: dict[str, str],
    share: dict[str, str] | None,
    yes: bool,
    templates: Path,
    output: str,
    **options: Any,
) -> None:
    """Publish the store as VERSION of a product of AWS Service Catalog, and print what the catalog consists of.

    The catalog is a stack of its own, orthanc-aws-catalog: portfolio, product, launch role, constraints. What is said
    of it once, it keeps. Images that the account lacks are made first.
    """
    session = session_of(ctx)
    from scripts.operations import catalog, deploy

    environment = environment_of(ctx) if env else catalog.default_environment(templates.resolve())
    asked = {
        name: options[option] for option, name in _CATALOG_PARAMETERS.items() if options[option] is not None
    }
    console = console_for(output)
    how = catalog.Options({**asked, **(share or {})}, deploy.Options(bucket, tags, ask=not yes))
    console.outputs(catalog.publish(version, environment, how, session, console))


_CATALOG_PARAMETERS = {
    "launchers": "LauncherRoles",
    "provider": "Provider",
    "cost_center": "CostCenter",
    "hosted_zone": "HostedZone",
}


@click.group()
def catalog() -> None:
    """List and deprecate the versions of the store in AWS Service Catalog."""


@catalog.command("list")
@output_option
@aws_options
@click.pass_context
def list_(ctx: click.Context, output: str, **_: Any) -> None:
    """List the versions, the latest first."""
    session = session_of(ctx)
    from scripts import reports
    from scripts.operations.catalog import listed

    found = listed(session)
    console_for(output).result([each.as_json() for each in found], reports.versions(found))


@catalog.command()
@_version_argument
@click.option("--undo", is_flag=True, help="Offer it again.")
@output_option
@aws_options
@click.pass_context
def deprecate(ctx: click.Context, version: str, undo: bool, output: str, **_: Any) -> None:
    """Offer VERSION for new stores no longer; stores that have it are left as they are.

    With --output json all versions are printed, as `catalog list` does.
    """
    session = session_of(ctx)
    from scripts.operations.catalog import deprecate

    console = console_for(output)
    found = deprecate(version, session, undo)
    console.result([each.as_json() for each in found], ())
    console.done(f"Version {version} is {'offered again' if undo else 'deprecated'}")
    if all(each.is_deprecated for each in found):
        console.step("No version is offered for new stores any more")

"""The verbs that follow a deployment through its life."""

from datetime import datetime
from typing import Any

import click

from scripts.cli_options import (
    FOUND,
    aws_options,
    bucket_option,
    console_for,
    env_argument,
    environment_of,
    exit_code_option,
    moment_of,
    output_option,
    session_of,
    stack_option,
    tags_option,
    templates_option,
)


@click.command()
@env_argument
@stack_option
@templates_option
@bucket_option
@tags_option
@exit_code_option("there are differences")
@output_option
@aws_options
@click.pass_context
def diff(
    ctx: click.Context, bucket: str | None, tags: dict[str, str], exit_code: bool, output: str, **_: Any
) -> None:
    """Show what deploying ENV would change, without changing it.

    The templates are uploaded, for CloudFormation to read them; the change set that it makes is removed.
    """
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts import reports
    from scripts.operations.diff import diff

    console = console_for(output)
    difference = diff(environment, bucket, tags, session, console)
    console.result(difference.as_json(), reports.difference(difference))
    if not difference.has_changes:
        console.done(f"{difference.stack_name} is up to date: nothing would change")
    if exit_code and difference.has_changes:
        ctx.exit(FOUND)


@click.command()
@env_argument
@stack_option
@templates_option
@click.option("--yes-destroy", metavar="NAME", help="Destroy without asking, where this is the stack's name.")
@output_option
@aws_options
@click.pass_context
def destroy(ctx: click.Context, yes_destroy: str | None, output: str, **_: Any) -> None:
    """Delete the stacks of ENV, and print what is kept.

    It names what is kept and what goes, and wants the stack's name typed. Only then are deletion protection and
    termination protection turned off.
    """
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts import reports
    from scripts.operations.destroy import destroy

    console = console_for(output)
    result = destroy(environment, yes_destroy, session, console)
    console.result(result.as_json(), reports.destroyed(result))


@click.command()
@env_argument
@stack_option
@exit_code_option("there are differences")
@output_option
@aws_options
@click.pass_context
def drift(ctx: click.Context, exit_code: bool, output: str, **_: Any) -> None:
    """Show what was changed past CloudFormation, in all stacks of ENV.

    CloudFormation can check some types of resources only, and of those the properties that the templates set.
    """
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts import reports
    from scripts.operations.drift import drift

    console = console_for(output)
    result = drift(environment, session, console)
    console.result(result.as_json(), reports.drift(result))
    console.done(f"{len(result.drifted)} drifted, {result.checked} checked of {result.total} resources")
    if exit_code and result.drifted:
        ctx.exit(FOUND)


@click.command()
@env_argument
@click.option("--list", "listing", is_flag=True, help="Show what there is to restore, and do nothing.")
@click.option("--snapshot", metavar="NAME|ARN", help="Restore this snapshot.")
@click.option(
    "--to-time", callback=moment_of, metavar="TIME", help="Restore the state of this time (ISO 8601)."
)
@click.option("--yes", is_flag=True, help="Restore and deploy without asking.")
@stack_option
@templates_option
@bucket_option
@tags_option
@output_option
@aws_options
@click.pass_context
def restore(
    ctx: click.Context,
    listing: bool,
    snapshot: str | None,
    to_time: datetime | None,
    yes: bool,
    bucket: str | None,
    tags: dict[str, str],
    output: str,
    **_: Any,
) -> None:
    """Replace the database of ENV by one restored from a snapshot, or to a moment of the last 35 days.

    The parameter set is changed: it names the snapshot, and the next generation of the database.
    """
    source = snapshot or to_time
    if [listing, bool(snapshot), bool(to_time)].count(True) != 1:
        raise click.UsageError("Give one of --list, --snapshot and --to-time.", ctx)
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts import reports
    from scripts.operations.deploy import Options
    from scripts.operations.restore import restorable, restore

    console = console_for(output)
    if source is None:
        found, window = restorable(environment, session)
        first, last = (each.isoformat() for each in window) if window else (None, None)
        as_json = {"From": first, "To": last, "Snapshots": [each.as_json() for each in found]}
        console.result(as_json, reports.restorable(found, window))
    else:
        options = Options(bucket, tags, ask=not yes)
        console.outputs(restore(environment, source, options, session, console))


@click.command()
@env_argument
@stack_option
@templates_option
@bucket_option
@tags_option
@click.option("--yes", is_flag=True, help="Upgrade without asking.")
@output_option
@aws_options
@click.pass_context
def upgrade(
    ctx: click.Context, bucket: str | None, tags: dict[str, str], yes: bool, output: str, **_: Any
) -> None:
    """Deploy ENV with all Orthanc tasks stopped meanwhile, after a snapshot of the database.

    For an Orthanc image whose database schema may be another. A plain `deploy` replaces tasks one by one, so that two
    versions work on one database for some minutes.
    """
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts.operations.deploy import Options
    from scripts.operations.upgrade import upgrade

    console = console_for(output)
    console.outputs(upgrade(environment, Options(bucket, tags, ask=not yes), session, console))


LIFECYCLE = (diff, destroy, drift, restore, upgrade)

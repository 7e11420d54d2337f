"""The verbs that follow a deployment through its life."""

from typing import Any

import click

from scripts.cli_options import (
    DIFFERENT,
    aws_options,
    bucket_option,
    console_for,
    env_argument,
    environment_of,
    exit_code_option,
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
@exit_code_option
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
    from scripts.operations.diff import diff

    console = console_for(output)
    difference = diff(environment, bucket, tags, session, console)
    console.difference(difference)
    if exit_code and difference.has_changes:
        ctx.exit(DIFFERENT)


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
@exit_code_option
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
        ctx.exit(DIFFERENT)


LIFECYCLE = (diff, destroy, drift)

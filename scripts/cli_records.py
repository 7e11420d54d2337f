"""The verbs that read what a deployment wrote down."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click

from scripts.cli_options import (
    aws_options,
    console_for,
    env_argument,
    environment_of,
    output_option,
    session_of,
    since_option,
    stack_option,
)


@click.command()
@env_argument
@click.argument("group", type=click.Choice(["nginx", "orthanc", "trail"]), default="nginx")
@click.option("--follow", is_flag=True, help="Go on with new lines until ctrl-C.")
@since_option("1h")
@stack_option
@output_option
@aws_options
@click.pass_context
def logs(ctx: click.Context, group: str, follow: bool, since: datetime, output: str, **_: Any) -> None:
    """Print a log of ENV: NGINX's audit log, Orthanc's own, or the trail of the account.

    With --output json each line is a JSON object.
    """
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts.operations.logs import lines

    with suppress(KeyboardInterrupt):
        console_for(output).stream(lines(environment, group, since, follow, session))


@click.command()
@env_argument
@click.option("--study", metavar="UID", help="Who accessed this study?")
@click.option("--user", metavar="NAME", help="What did this user do?")
@since_option("7d")
@stack_option
@output_option
@aws_options
@click.pass_context
def audit(
    ctx: click.Context, study: str | None, user: str | None, since: datetime, output: str, **_: Any
) -> None:
    """Ask ENV's audit log who accessed a study, or what a user did."""
    if (study is None) == (user is None):
        raise click.UsageError("Give either --study or --user.", ctx)
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts import reports
    from scripts.operations.audit import accesses, actions
    from scripts.progress import count

    now, console = datetime.now(UTC), console_for(output)
    found = (
        accesses(environment, study, since, now, session)
        if study is not None
        else actions(environment, str(user), since, now, session)
    )
    console.result(found, reports.rows(found))
    console.done(f"{count(len(found), 'request')} since {since:%Y-%m-%d %H:%M:%S %Z}")


RECORDS = (logs, audit)

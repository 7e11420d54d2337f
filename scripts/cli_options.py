"""What verbs of the command line have in common: ENV, the options that say which AWS, and where results go."""

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scripts import completers
from scripts.completers import PARAMETERS, is_path, known_sets

if TYPE_CHECKING:
    from scripts.aws.session import Session
    from scripts.console import Console
    from scripts.operations.environment import Environment

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATES = PROJECT / "templates"

FOUND = 3  # the exit code for differences and bad signs, neither that of a failure nor that of wrong usage

Command = TypeVar("Command", bound=Callable[..., Any])


env_argument = click.argument("env", metavar="ENV", shell_complete=completers.sets)


def parameters_option(what: str) -> Callable[[Command], Command]:
    """The option that names a parameter set where none need be named."""
    return click.option("--parameters", "env", metavar="ENV", shell_complete=completers.sets, help=what)


stack_option = click.option("--stack-name", help="Name of the stack.  [default: orthanc-ENV]")
templates_option = click.option(
    "--templates",
    type=click.Path(file_okay=False, path_type=Path),
    default=TEMPLATES,
    help="Folder of the rendered templates.  [default: the project's]",
)
output_option = click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the result.",
)
bucket_option = click.option(
    "--bucket", help="Bucket for the templates.  [default: one of the account's own]"
)


def _tags(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    malformed = [pair for pair in pairs if "=" not in pair or pair.startswith("=")]
    if malformed:
        raise click.BadParameter(f"{malformed[0]!r} is not of the form KEY=VALUE.")
    return dict(pair.split("=", 1) for pair in pairs)


tags_option = click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", callback=_tags, help="Tag for all resources."
)


def exit_code_option(what: str) -> Callable[[Command], Command]:
    """The option that has a command tell by its exit code that it found something."""
    return click.option("--exit-code", is_flag=True, help=f"Exit with code {FOUND} where {what}.")


def moment_of(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """The moment that an option's text names; None where it is not given."""
    from scripts.moments import moment

    if text is None:
        return None
    try:
        return moment(text, datetime.now(UTC))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def since_option(default: str) -> Callable[[Command], Command]:
    """The option that says from when on."""
    return click.option(
        "--since",
        default=default,
        show_default=True,
        callback=moment_of,
        metavar="SPAN|TIME",
        help="How long ago to begin (30m, 1h, 7d), or when (ISO 8601, UTC without a zone).",
    )


profile_option = click.option(
    "--profile", shell_complete=completers.profiles, help="Profile of the AWS configuration to use."
)
region_option = click.option("--region", shell_complete=completers.regions, help="AWS region to work in.")
_AWS_OPTIONS = (
    profile_option,
    region_option,
    click.option("--endpoint-url", help="Send all requests to this URL."),
    click.option("--emulator", is_flag=True, help="Use the emulator on this machine, started if need be."),
)


def aws_options(command: Command) -> Command:
    """The options that say which AWS to talk to."""
    for option in reversed(_AWS_OPTIONS):
        command = option(command)
    return command


def option_of(ctx: click.Context, name: str) -> Any:
    """The value of an option that may stand before or after the verb."""
    return ctx.params.get(name) or ctx.obj.get(name)


def environment_of(ctx: click.Context) -> "Environment":
    """The environment that ENV and the verb's options name."""
    from scripts.operations.environment import Environment

    env: str = option_of(ctx, "env")
    file = Path(env) if is_path(env) else PARAMETERS / f"{env}.json"
    if not file.is_file():
        known = ", ".join(known_sets()) or "none"
        raise click.BadParameter(f"there is no {file}. Parameter sets: {known}.", param_hint="ENV")
    stack_name = option_of(ctx, "stack_name") or f"orthanc-{file.stem}"
    templates = ctx.params.get("templates", TEMPLATES).resolve()
    return Environment(file.stem, stack_name, file, templates, _repeated(ctx, env))


def _repeated(ctx: click.Context, env: str) -> str:
    """ENV with those of the options given that a further command needs as well."""
    words = [env]
    for name in ("stack_name", "profile", "region", "endpoint_url", "emulator"):
        value, option = option_of(ctx, name), f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, value] if value else []
    return shlex.join(words)


def session_of(ctx: click.Context) -> "Session":
    """A session with the account that the options name."""
    from scripts.aws.session import Connection, Session

    connection = Connection(*(option_of(ctx, name) for name in ("profile", "region", "endpoint_url")))
    if option_of(ctx, "emulator"):
        if connection.profile or connection.endpoint_url:
            raise click.UsageError("--emulator has its own endpoint and credentials.", ctx)
        from scripts.emulator import ensure_running

        ensure_running().use()
    return Session(connection)


def console_for(output: str = "text") -> "Console":
    """The console that writes for a person, or for a script where `output` is json."""
    from scripts.console import Console

    return Console(as_json=output == "json")

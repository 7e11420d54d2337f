"""The command line `orthanc-aws`: arguments in, exit code out. `scripts.operations` has what a verb does."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from scripts.aws.session import Session
    from scripts.console import Console
    from scripts.errors import OperationError
    from scripts.operations.environment import Environment

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATES = PROJECT / "templates"
PARAMETERS = PROJECT / "parameters"

Command = TypeVar("Command", bound=Callable[..., Any])


class _Verbs(click.Group):
    """Verbs whose expected errors end in one message and exit code 1; any other keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            expected = _expected(error)
            if expected is None:
                raise
            _console().failure(expected)
            ctx.exit(1)


def _expected(error: Exception) -> "OperationError | None":
    """The error in the form that is shown, or None for a defect; loads no module for it."""
    from scripts.errors import OperationError

    if isinstance(error, OperationError):
        return error
    if "scripts.emulator" in sys.modules:
        from scripts.emulator import EmulatorError

        if isinstance(error, EmulatorError):
            return OperationError("The emulator does not work", str(error))
    if "botocore" in sys.modules:
        from scripts.aws.errors import explain

        return explain(error)
    return None


def _console(output: str = "text") -> "Console":
    from scripts.console import Console

    return Console(as_json=output == "json")


_env_argument = click.argument("env", metavar="ENV")
_stack_option = click.option("--stack-name", help="Name of the stack.  [default: orthanc-ENV]")
_templates_option = click.option(
    "--templates",
    type=click.Path(file_okay=False, path_type=Path),
    default=TEMPLATES,
    help="Folder of the rendered templates.  [default: the project's]",
)
_output_option = click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the result.",
)
_AWS_OPTIONS = (
    click.option("--profile", help="Profile of the AWS configuration to use."),
    click.option("--region", help="AWS region to work in."),
    click.option("--endpoint-url", help="Send all requests to this URL."),
    click.option("--emulator", is_flag=True, help="Use the emulator on this machine, started if need be."),
)


def _aws_options(command: Command) -> Command:
    """The options that say which AWS to talk to."""
    for option in reversed(_AWS_OPTIONS):
        command = option(command)
    return command


def _option(ctx: click.Context, name: str) -> Any:
    """The value of an option that may stand before or after the verb."""
    return ctx.params.get(name) or ctx.obj.get(name)


def _environment(ctx: click.Context) -> "Environment":
    """The environment that ENV and the verb's options name."""
    from scripts.operations.environment import Environment

    env: str = ctx.params["env"]
    is_path = env.endswith(".json") or os.sep in env
    file = Path(env) if is_path else PARAMETERS / f"{env}.json"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in PARAMETERS.glob("*.json"))) or "none"
        raise click.BadParameter(f"there is no {file}. Parameter sets: {known}.", param_hint="ENV")
    stack_name = _option(ctx, "stack_name") or f"orthanc-{file.stem}"
    templates = ctx.params.get("templates", TEMPLATES).resolve()
    return Environment(file.stem, stack_name, file, templates, _repeated(ctx, env))


def _repeated(ctx: click.Context, env: str) -> str:
    """ENV with those of the options given that a further command needs as well."""
    words = [env]
    for name in ("stack_name", "profile", "region", "endpoint_url", "emulator"):
        value, option = _option(ctx, name), f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, value] if value else []
    return shlex.join(words)


def _session(ctx: click.Context) -> "Session":
    """A session with the account that the options name."""
    from scripts.aws.session import Connection, Session

    connection = Connection(*(_option(ctx, name) for name in ("profile", "region", "endpoint_url")))
    if _option(ctx, "emulator"):
        if connection.profile or connection.endpoint_url:
            raise click.UsageError("--emulator has its own endpoint and credentials.", ctx)
        from scripts.emulator import ensure_running

        ensure_running().use()
    return Session(connection)


def _tags(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    malformed = [pair for pair in pairs if "=" not in pair or pair.startswith("=")]
    if malformed:
        raise click.BadParameter(f"{malformed[0]!r} is not of the form KEY=VALUE.")
    return dict(pair.split("=", 1) for pair in pairs)


def _judge(findings: list[str], what: str, all_well: str) -> None:
    """Prints findings as the result; any at all make the exit code 1."""
    console = _console()
    console.findings(findings)
    if findings:
        from scripts.errors import OperationError

        raise OperationError(f"{what}: {len(findings)}")
    console.done(all_well)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="orthanc-aws")
@click.option("--profile", help="Profile of the AWS configuration to use.")
@click.option("--region", help="AWS region to work in.")
@click.pass_context
def main(ctx: click.Context, profile: str | None, region: str | None) -> None:
    """Runs the DICOM server Orthanc on AWS: renders, checks and deploys its CloudFormation templates.

    ENV is the name of a parameter set, parameters/ENV.json, or the path of such a file.

    The exit code is 0 when all is done or nothing was to do, 1 when something failed, 2 for wrong usage.
    """
    ctx.obj = {"profile": profile, "region": region}


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail where a template is not what is rendered.")
@_templates_option
def render(check: bool, templates: Path) -> None:
    """Write the CloudFormation templates that the code describes."""
    from generator import render

    if check:
        return _judge(render.check(templates), "Stale templates", "The templates are up to date")
    changed = render.write(templates)
    console = _console()
    console.findings(changed)
    console.done(f"{len(changed)} templates changed")
    return None


@main.command()
@_templates_option
def lint(templates: Path) -> None:
    """Lint the rendered templates, with the wiring between them."""
    from scripts.operations.lint import lint

    _judge(lint(templates.resolve()), "Findings", "The templates are clean")


@main.command()
@_env_argument
@_templates_option
@click.pass_context
def validate(ctx: click.Context, **_: Any) -> None:
    """Check a parameter set against the templates' constraints and Rules, without an account."""
    environment = _environment(ctx)
    _judge(environment.mistakes(), "Mistakes in the parameter set", f"{environment.parameters} is valid")


@main.command()
@_templates_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/package"),
    show_default=True,
    help="Folder to write to.",
)
@click.option("--bucket", help="Upload to this bucket instead.")
@_aws_options
@click.pass_context
def package(ctx: click.Context, templates: Path, out: Path, bucket: str | None, **_: Any) -> None:
    """Package the templates under content-addressed names, and print where the root is."""
    from scripts.operations import package

    if bucket:
        click.echo(package.upload(templates, bucket, _session(ctx)))
    else:
        click.echo(package.write(templates, out)[-1])


@main.command()
@_env_argument
@_stack_option
@_templates_option
@click.option("--bucket", help="Bucket for the templates.  [default: one of the account's own]")
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", callback=_tags, help="Tag for all resources."
)
@click.option("--yes", is_flag=True, help="Deploy without asking.")
@_output_option
@_aws_options
@click.pass_context
def deploy(
    ctx: click.Context, bucket: str | None, tags: dict[str, str], yes: bool, output: str, **_: Any
) -> None:
    """Deploy ENV: check, show what would change, ask, follow it to the end, print the outputs."""
    environment, session = _environment(ctx), _session(ctx)
    from scripts.operations.deploy import Options, deploy

    console = _console(output)
    console.outputs(deploy(environment, Options(bucket, tags, ask=not yes), session, console))


@main.command()
@_env_argument
@_stack_option
@_output_option
@_aws_options
@click.pass_context
def status(ctx: click.Context, output: str, **_: Any) -> None:
    """Show how the stacks of ENV stand, and why the last operation failed if it did."""
    environment, session = _environment(ctx), _session(ctx)
    from scripts.operations.status import status

    _console(output).status(status(environment, session))


@main.command()
@_env_argument
@_stack_option
@_output_option
@_aws_options
@click.pass_context
def outputs(ctx: click.Context, output: str, **_: Any) -> None:
    """Print the outputs of ENV's root stack."""
    environment, session = _environment(ctx), _session(ctx)
    from scripts.operations.status import find

    _console(output).outputs(find(environment, session).outputs)


@main.group()
def emulator() -> None:
    """Control the emulator of AWS on this machine."""


@emulator.command()
def start() -> None:
    """Start the emulator unless it runs, and print its URL."""
    from scripts.emulator import ensure_running

    click.echo(ensure_running().endpoint_url)


@emulator.command()
def stop() -> None:
    """Stop the emulator and forget what was deployed to it."""
    from scripts.emulator import stop

    _console().done("The emulator is stopped" if stop() else "No emulator was running")

"""The command line `orthanc-aws`: arguments in, exit code out. `scripts.operations` has what a verb does."""

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts import terminal
from scripts.cli_completion import completion
from scripts.cli_images import images
from scripts.cli_lifecycle import LIFECYCLE
from scripts.cli_local import local
from scripts.cli_options import (
    FOUND,
    aws_options,
    bucket_option,
    console_for,
    env_argument,
    environment_of,
    exit_code_option,
    option_of,
    output_option,
    profile_option,
    region_option,
    session_of,
    stack_option,
    tags_option,
    templates_option,
)
from scripts.cli_publish import catalog, publish
from scripts.cli_records import RECORDS
from scripts.cli_users import users

if TYPE_CHECKING:
    from scripts.errors import OperationError


class _Verbs(click.Group):
    """Verbs whose expected errors end in one message and exit code 1; any other keeps its traceback."""

    def main(self, *args: Any, **extra: Any) -> Any:
        terminal.replace_unknown_characters()
        return super().main(*args, color=None if terminal.has_colours() else False, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            from scripts.errors import OperationError

            console_for().failure(
                OperationError("Stopped by ctrl-C", "", "Run the same command again: it carries on.")
            )
            ctx.exit(1)
        except Exception as error:
            expected = _expected(error)
            if expected is None:
                raise
            console_for().failure(expected)
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


def _judge(findings: list[str], what: str, all_well: str, output: str) -> None:
    """Prints findings as the result; any at all make the exit code 1."""
    console = console_for(output)
    console.result({"Findings": findings}, findings)
    if findings:
        from scripts.errors import OperationError

        raise OperationError(f"{what}: {len(findings)}")
    console.done(all_well)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="orthanc-aws")
@profile_option
@region_option
@click.pass_context
def main(ctx: click.Context, profile: str | None, region: str | None) -> None:
    """Runs the DICOM server Orthanc on AWS: renders, checks and deploys its CloudFormation templates.

    ENV is the name of a parameter set, parameters/ENV.json, or the path of such a file.

    The exit code is 0 when all is done or nothing was to do, 1 when something failed, 2 for wrong usage, and 3 where
    --exit-code asks for it and there are differences, or bad signs.
    """
    ctx.obj = {"profile": profile, "region": region}


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail where a template is not what is rendered.")
@templates_option
@output_option
def render(check: bool, templates: Path, output: str) -> None:
    """Write the CloudFormation templates that the code describes."""
    from generator import render

    if check:
        return _judge(render.check(templates), "Stale templates", "The templates are up to date", output)
    changed = render.write(templates)
    console = console_for(output)
    console.result({"Changed": changed}, changed)
    console.done(f"{len(changed)} templates changed")
    return None


@main.command()
@templates_option
@output_option
def lint(templates: Path, output: str) -> None:
    """Lint the rendered templates, with the wiring between them."""
    from scripts.operations.lint import lint

    _judge(lint(templates.resolve()), "Findings", "The templates are clean", output)


@main.command()
@env_argument
@region_option
@templates_option
@output_option
@click.pass_context
def validate(ctx: click.Context, output: str, **_: Any) -> None:
    """Check a parameter set against the templates' constraints and Rules, without an account.

    Where --region is given, against what that region has as well.
    """
    environment = environment_of(ctx)
    found, what = environment.mistakes(), "Mistakes in the parameter set"
    region = option_of(ctx, "region")
    if region and not found:
        from scripts.aws.package import package
        from scripts.operations.regions import missing

        template = package(environment.templates, environment.root)
        found, what = missing(environment, template, region), "What the region lacks"
    _judge(found, what, f"{environment.parameters} is valid", output)


def _size(_: click.Context, __: click.Parameter, megabytes: float) -> float:
    if not 0 < megabytes < math.inf:
        raise click.BadParameter(f"{megabytes:g} is no size: it must be a number above 0.")
    return megabytes


@main.command()
@env_argument
@click.option(
    "--study-mb",
    type=float,
    default=250.0,
    show_default=True,
    callback=_size,
    help="Size of a study, in megabytes, for the price of one.",
)
@region_option
@templates_option
@output_option
@click.pass_context
def cost(ctx: click.Context, study_mb: float, output: str, **_: Any) -> None:
    """Compute what ENV costs by list price: idle, for each terabyte, and for a study; without an account.

    Where --region names another region than that of the prices, this is told.
    """
    from scripts import reports
    from scripts.operations.estimate import estimate

    found = estimate(environment_of(ctx))
    named = (option_of(ctx, "region"), *map(os.environ.get, ("AWS_REGION", "AWS_DEFAULT_REGION")))
    asked = next(filter(None, named), found.region)
    console_for(output).result(found.as_json(study_mb, asked), reports.cost(found, study_mb, asked))


@main.command()
@templates_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/package"),
    show_default=True,
    help="Folder to write to.",
)
@click.option("--bucket", help="Upload to this bucket instead.")
@output_option
@aws_options
@click.pass_context
def package(
    ctx: click.Context, templates: Path, out: Path, bucket: str | None, output: str, **_: Any
) -> None:
    """Package the templates under content-addressed names, and print where the root is."""
    from scripts.operations import package

    root = package.upload(templates, bucket, session_of(ctx)) if bucket else package.write(templates, out)
    console_for(output).result({"Root": root}, [root])


@main.command()
@env_argument
@stack_option
@templates_option
@bucket_option
@tags_option
@click.option("--yes", is_flag=True, help="Deploy without asking.")
@click.option(
    "--allow-replacing",
    multiple=True,
    metavar="PATH",
    help="What bears data and may be replaced or removed, such as Database/Cluster.",
)
@output_option
@aws_options
@click.pass_context
def deploy(
    ctx: click.Context,
    bucket: str | None,
    tags: dict[str, str],
    yes: bool,
    allow_replacing: tuple[str, ...],
    output: str,
    **_: Any,
) -> None:
    """Deploy ENV: check, show what would change, ask, follow it to the end, print the outputs.

    A change that would replace or remove what bears data is refused, unless --allow-replacing names the resource, or a
    nested stack that it is in.
    """
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts.operations.deploy import Options, deploy
    from scripts.operations.protection import path_of

    console = console_for(output)
    options = Options(bucket, tags, not yes, tuple(map(path_of, allow_replacing)))
    console.outputs(deploy(environment, options, session, console))


@main.command()
@env_argument
@stack_option
@exit_code_option("the last operation failed or a sign of health is bad")
@output_option
@aws_options
@click.pass_context
def status(ctx: click.Context, exit_code: bool, output: str, **_: Any) -> None:
    """Show how the stacks of ENV stand, why the last operation failed if it did, and how the store fares."""
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts import reports
    from scripts.operations.status import status

    found = status(environment, session)
    console_for(output).result(found.as_json(), reports.status(found))
    if exit_code and found.is_bad:
        ctx.exit(FOUND)


@main.command()
@env_argument
@click.argument("name", required=False)
@stack_option
@output_option
@aws_options
@click.pass_context
def outputs(ctx: click.Context, name: str | None, output: str, **_: Any) -> None:
    """Print the outputs of ENV's root stack, or the value of the one that NAME names."""
    environment, session = environment_of(ctx), session_of(ctx)
    from scripts.operations import status

    console = console_for(output)
    if name:
        value = status.output(environment, session, name)
        console.result(value, [value])
    else:
        console.outputs(status.find(environment, session).outputs)


for verb in (*LIFECYCLE, *RECORDS):
    main.add_command(verb)
main.add_command(images)
main.add_command(publish)
main.add_command(catalog)
main.add_command(completion)
main.add_command(users)


@main.group()
def emulator() -> None:
    """Control the emulator of AWS on this machine."""


@emulator.command()
@output_option
def start(output: str) -> None:
    """Start the emulator unless it runs, and print its URL."""
    from scripts.emulator import ensure_running

    url = ensure_running().endpoint_url
    console_for(output).result({"EndpointUrl": url}, [url])


@emulator.command()
def stop() -> None:
    """Stop the emulator and forget what was deployed to it."""
    from scripts.emulator import stop

    console_for().done("The emulator is stopped" if stop() else "No emulator was running")


main.add_command(local)

"""The verb `orthanc-aws completion`: what a shell needs to complete command lines."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that has SHELL complete verbs, options, parameter sets, profiles and regions.

    For bash: eval "$(orthanc-aws completion bash)" in ~/.bashrc.
    """
    script = get_completion_class(shell)
    assert script is not None  # click knows all three
    click.echo(script(ctx.find_root().command, {}, "orthanc-aws", "_ORTHANC_AWS_COMPLETE").source())

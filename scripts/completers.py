"""What a shell offers for a word that is not written out yet: parameter sets, profiles, regions. Nothing asks AWS."""

import os
from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

PARAMETERS = Path(__file__).resolve().parent.parent / "parameters"


def known_sets() -> list[str]:
    """The names of the project's parameter sets."""
    return sorted(path.stem for path in PARAMETERS.glob("*.json"))


def is_path(env: str) -> bool:
    """Whether ENV is the path of a parameter set, and not the name of one of the project's."""
    return env.endswith(".json") or os.sep in env


def sets(_: click.Context, __: click.Parameter, beginning: str) -> list[CompletionItem]:
    """The parameter sets; files, which the shell looks for itself, where the word is a path."""
    return [CompletionItem(beginning, type="file")] if is_path(beginning) else _those(known_sets(), beginning)


def profiles(_: click.Context, __: click.Parameter, beginning: str) -> list[CompletionItem]:
    """The profiles of the AWS configuration."""
    from botocore.session import Session

    return _those(_told_by_botocore(lambda: Session().available_profiles), beginning)


def regions(_: click.Context, __: click.Parameter, beginning: str) -> list[CompletionItem]:
    """The regions in which botocore knows CloudFormation to be, of all partitions."""
    from scripts.aws.regions import offering

    return _those(_told_by_botocore(lambda: offering("cloudformation")), beginning)


def _told_by_botocore(ask: Callable[[], list[str]]) -> list[str]:
    """What botocore finds in its data and in the AWS configuration; nothing where it cannot read that."""
    from botocore.exceptions import BotoCoreError

    try:
        return ask()
    except BotoCoreError:
        return []


def _those(words: list[str], beginning: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(beginning)]

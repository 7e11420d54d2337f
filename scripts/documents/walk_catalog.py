"""A walk through publishing: images are made, two versions go into the catalog, and the first is deprecated."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from scripts.documents.walk import Step, Walk, transcript
from scripts.emulator import running

_SHOWN = "^✓ (Version|CloudFormation|The images|orthanc-aws-catalog)|^(LaunchRole|Portfolio|Product) "


@cache
def walk() -> tuple[Step, ...]:
    """The steps of the walk, which takes half a minute."""
    with running() as emulator, tempfile.TemporaryDirectory() as folder:
        hospital = Walk(emulator, Path(folder))
        return (*_published(hospital), *_offered(hospital))


def _published(hospital: Walk) -> Iterator[Step]:
    yield hospital.run(
        "The images are made in the account, and a version of the templates is published.",
        "images push hospital --builder account --yes",
        "^✓ (orthanc|Built)|^[A-Z][a-z]+Image ",
    )
    yield hospital.run("", "images list hospital", ".")
    yield hospital.run("", "publish templates 1.0 --parameters hospital", "^✓|^Template")


def _offered(hospital: Walk) -> Iterator[Step]:
    yield hospital.run(
        "The version is offered in the catalog.",
        "publish catalog 1.0 --launchers Imaging-* --parameters hospital --yes",
        _SHOWN,
    )
    hospital.change(NginxTasks="2-4")
    yield hospital.run("", "publish catalog 1.1 --parameters hospital --yes", _SHOWN)
    yield hospital.run("", "catalog list", ".")
    yield hospital.run("New stores are to have the second one.", "catalog deprecate 1.0", "^✓")
    yield hospital.run("", "catalog list", ".")


def quoted() -> str:
    """The walk as the page about publishing quotes it."""
    return transcript(walk())

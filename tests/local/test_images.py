"""By what an image counts as built already: everything that its build depends on, and nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.local import bases, images

ARGUMENTS = {"BASE": "debian:1"}


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "program").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM debian")
    (folder / "program" / "run.py").write_text("pass")
    return folder


def test_the_same_files_elsewhere_are_the_same_image(context: Path, tmp_path: Path) -> None:
    shutil.copytree(context, tmp_path / "copy")
    assert images.digest(tmp_path / "copy", ARGUMENTS) == images.digest(context, ARGUMENTS)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "Dockerfile").write_text("FROM debian "),
        lambda folder: (folder / "program" / "run.py").rename(folder / "program" / "start.py"),
        lambda folder: (folder / "program" / "run.py").chmod(0o755),
        lambda folder: (folder / "program" / "run.py").unlink(),
        lambda folder: (folder / "program" / "other.py").touch(),
    ],
    ids=["content", "name", "mode", "gone", "new"],
)
def test_another_file_makes_another_image(context: Path, change: Callable[[Path], object]) -> None:
    before = images.digest(context, ARGUMENTS)
    change(context)
    assert images.digest(context, ARGUMENTS) != before


def test_another_argument_makes_another_image(context: Path) -> None:
    assert images.digest(context, {"BASE": "debian:2"}) != images.digest(context, ARGUMENTS)


def test_what_python_leaves_behind_and_who_may_read_makes_no_difference(context: Path) -> None:
    before = images.digest(context, ARGUMENTS)
    (context / "program" / "__pycache__").mkdir()
    (context / "program" / "__pycache__" / "run.pyc").write_bytes(b"compiled")
    (context / "Dockerfile").chmod(0o600)
    assert images.digest(context, ARGUMENTS) == before


@pytest.mark.parametrize("title", images.SHIPPED)
def test_each_base_makes_another_image_of_the_shipped_ones(title: str) -> None:
    names = {images.planned(title, base) for base in (bases.OFFICIAL, bases.DEBIAN)}
    assert len(names) == 2
    assert all(name.startswith(f"localhost/orthanc-aws-{title}:") for name in names)

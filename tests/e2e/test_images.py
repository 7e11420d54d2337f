"""Images are pushed with a real container engine, and looked into by the script that lists their parts."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.aws.registry import Registry
from scripts.aws.session import Session
from scripts.images.bill import bill
from scripts.images.sources import LIST_PARTS, sources
from scripts.local import bases, engine
from scripts.local.engine import Engine
from scripts.local.images import build_one

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-images")]


@pytest.fixture(scope="module")
def container_engine() -> Engine:
    return engine.find()


@pytest.fixture
def tiny(container_engine: Engine, tmp_path: Path) -> Iterator[str]:
    """An image of one file."""
    (tmp_path / "file").write_text("content")
    subprocess.run(["tar", "-cf", "image.tar", "file"], cwd=tmp_path, check=True)
    name = f"localhost/tiny-{uuid.uuid4().hex[:8]}:1"
    container_engine.run("import", str(tmp_path / "image.tar"), name)
    yield name
    container_engine.run("rmi", "--force", name)


def test_an_engine_pushes_to_a_repository_and_keeps_no_other_name_of_the_image(
    container_engine: Engine, tiny: str, session: Session
) -> None:
    made = session.client("ecr").create_repository(repositoryName=f"tiny/{uuid.uuid4().hex[:8]}")
    repository = made["repository"]["repositoryUri"]
    registry = Registry(session)
    assert registry.reference(repository, "1") is None
    address = f"{registry.push_address(repository)}:1"
    container_engine.push(tiny, address, registry.login(repository))
    assert str(registry.reference(repository, "1")).startswith(f"{repository}@sha256:")
    assert not container_engine.succeeds("image", "inspect", address)
    assert container_engine.succeeds("image", "inspect", tiny)


@pytest.mark.parametrize(
    ("name", "wanted"), [("orthanc", "pkg:deb/debian/orthanc@"), ("nginx", "pkg:deb/debian/nginx@")]
)
def test_the_bill_of_a_shipped_image_names_its_server(
    container_engine: Engine, name: str, wanted: str
) -> None:
    image = build_one(container_engine, name, bases.DEBIAN, lambda _: None)
    (source,) = [item for item in sources("X86_64", bases.DEBIAN) if item.name == name]
    text = bill(source, container_engine.output(image, LIST_PARTS.read_text("utf-8")))
    assert wanted in text
    assert text.count('"pkg:deb/debian/') > 100

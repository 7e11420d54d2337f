"""Images are pushed with a real container engine, and looked into by the script that lists their parts."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.aws.artifacts import artifact_bucket
from scripts.aws.registry import Registry
from scripts.aws.session import Session
from scripts.cli import main
from scripts.console import Console
from scripts.images.bill import bill
from scripts.images.plugin import Plugin
from scripts.images.sources import LIST_PARTS, Source, own_architecture, sources
from scripts.local import bases, engine
from scripts.local.engine import Engine
from scripts.local.images import build_one
from scripts.operations.image_builds import ENGINE, Built, How, Place, make

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


def test_an_image_of_this_machine_is_pushed_with_the_version_of_its_plugin_even_after_an_interruption(
    container_engine: Engine, tiny: str, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = session.client("ecr").create_repository(
        repositoryName=f"tiny/{uuid.uuid4().hex[:8]}", imageTagMutability="IMMUTABLE"
    )
    repository = made["repository"]["repositoryUri"]
    registry, how = Registry(session), How(bases.DEBIAN, ENGINE, tmp_path)
    source = Source("orthanc", "OrthancImage", "0123456789abcdef", own_architecture(), bases.DEBIAN)
    built = Built(tiny, "orthanc\tpostgresql-index\t5.0\n")
    monkeypatch.setattr("scripts.operations.image_builds.build_here", lambda *_: built)
    interrupted = f"{registry.push_address(repository)}:{source.tag}-postgresql-5.0"
    container_engine.push(tiny, interrupted, registry.login(repository))
    place = Place({"OrthancRepository": repository}, artifact_bucket(session, None), "")
    make([source], how, place, session, Console())
    found = registry.tags(str(registry.reference(repository, source.tag)))
    assert found == (source.tag, f"{source.tag}-postgresql-5.0")
    assert Plugin.of_tags(found) == Plugin("5.0", 1)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("orthanc", "pkg:deb/debian/orthanc@"),
        ("orthanc", "pkg:generic/orthanc/postgresql-index@5.0"),
        ("nginx", "pkg:deb/debian/nginx@"),
    ],
)
def test_the_bill_of_a_shipped_image_names_its_server(
    container_engine: Engine, name: str, wanted: str
) -> None:
    image = build_one(container_engine, name, bases.DEBIAN, lambda _: None)
    (source,) = [item for item in sources("X86_64", bases.DEBIAN) if item.name == name]
    text = bill(source, container_engine.output(image, LIST_PARTS.read_text("utf-8")))
    assert wanted in text
    assert text.count('"pkg:deb/debian/') > 100


def test_build_prints_the_images_and_writes_their_bills(tmp_path: Path) -> None:
    parameters = tmp_path / "test.json"
    parameters.write_text(json.dumps({"Architecture": own_architecture()}))
    arguments = ["images", "build", str(parameters), "--base", "debian", "--bills", str(tmp_path / "bills")]
    result = CliRunner().invoke(main, [*arguments, "--output", "json"])
    assert result.exit_code == 0, result.stderr
    built = json.loads(result.stdout)
    assert built.keys() == {"OrthancImage", "NginxImage"}
    assert all(engine.find().succeeds("image", "inspect", name) for name in built.values())
    assert len(list((tmp_path / "bills").iterdir())) == 2

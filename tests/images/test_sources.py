"""Tags follow the files that an image is made of, and the archive holds these files as they are."""

import io
import shutil
import tarfile
from datetime import date
from pathlib import Path

import pytest

from scripts.images import sources
from scripts.images.sources import Source, archive, key
from scripts.local import images

NAMES = ["orthanc", "nginx"]


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A copy of the images' folders, which a test may change."""
    copied = {name: tmp_path / name for name in NAMES}
    for name, folder in copied.items():
        shutil.copytree(images.CONTEXTS[name], folder)
    for module in (images, sources):
        monkeypatch.setattr(module, "CONTEXTS", copied)
    return copied


def tags(architecture: str = "ARM64", base: str = "official") -> dict[str, str]:
    return {source.name: source.tag for source in sources.sources(architecture, base)}


@pytest.mark.usefixtures("contexts")
def test_each_image_has_a_tag_of_its_own_by_content_base_and_processor() -> None:
    every = [*tags("ARM64").values(), *tags("X86_64").values(), *tags("ARM64", "debian").values()]
    assert len(set(every)) == 6
    assert tags() == tags()


def test_a_changed_file_changes_the_tag_of_its_image_and_no_other(contexts: dict[str, Path]) -> None:
    before = tags()
    with (contexts["nginx"] / "base.conf").open("a") as file:
        file.write("# changed\n")
    after = tags()
    assert after["nginx"] != before["nginx"]
    assert after["orthanc"] == before["orthanc"]


@pytest.mark.parametrize("name", NAMES)
def test_another_date_has_an_image_built_anew_with_its_packages(contexts: dict[str, Path], name: str) -> None:
    before, refreshed = tags(), contexts[name] / "refreshed"
    date.fromisoformat(refreshed.read_text().strip())
    refreshed.write_text("2000-01-01\n")
    assert {other for other in NAMES if tags()[other] != before[other]} == {name}
    _, _, last_stage = (contexts[name] / "Dockerfile").read_text().rpartition("\nFROM ")
    assert 0 < last_stage.index("COPY refreshed") < last_stage.index("apt-get update")


def test_compiled_python_changes_nothing(contexts: dict[str, Path]) -> None:
    before, packed = tags(), archive(sources.sources("ARM64"))
    (contexts["nginx"] / "__pycache__").mkdir(exist_ok=True)
    (contexts["nginx"] / "__pycache__" / "log.pyc").write_bytes(b"compiled")
    assert tags() == before
    assert archive(sources.sources("ARM64")) == packed


def test_the_archive_holds_every_file_with_its_mode_and_says_what_to_build(contexts: dict[str, Path]) -> None:
    wanted = [Source("orthanc", "OrthancImage", "1" * 16, "ARM64"), Source("nginx", "x", "2" * 16, "ARM64")]
    with tarfile.open(fileobj=io.BytesIO(archive(wanted))) as tar:
        modes = {entry.name: entry.mode for entry in tar}
        listed = tar.extractfile("images")
        assert listed is not None
        assert listed.read().decode() == f"orthanc {'1' * 16}\nnginx {'2' * 16}\n"
        for name in NAMES:
            dockerfile = tar.extractfile(f"{name}/Dockerfile")
            assert dockerfile is not None
            assert dockerfile.read() == (contexts[name] / "Dockerfile").read_bytes()
    assert modes["nginx/viewer/fetch"] == modes["list-parts"] == 0o755
    assert modes["nginx/Dockerfile"] == 0o644
    assert "orthanc/program/run.py" in modes


def test_the_same_files_are_packed_into_the_same_bytes_whenever_it_is_done(contexts: dict[str, Path]) -> None:
    wanted = sources.sources("ARM64")
    packed = archive(wanted)
    (contexts["nginx"] / "Dockerfile").touch()
    assert archive(wanted) == packed
    assert key(packed) == key(archive(wanted))

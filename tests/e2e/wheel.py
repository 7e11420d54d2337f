"""The files that the pydicom wheel brings for its own tests: images of many makers, and ones that are broken."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

FOLDER = Path(pydicom.__file__).parent / "data"
_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_UNDEFINED_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class Image:
    """A file that can be stored, with what it is found by; images of the same identity replace each other."""

    path: Path
    patient: str
    study: str
    series: str
    instance: str
    transfer_syntax: str

    @property
    def data(self) -> bytes:
        """The file as it is on disk."""
        return self.path.read_bytes()

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes two files the same instance for Orthanc."""
        return self.patient, self.study, self.series, self.instance

    @property
    def url(self) -> str:
        """The instance's address below the DICOMweb root."""
        return f"studies/{self.study}/series/{self.series}/instances/{self.instance}"

    @property
    def dataset(self) -> FileDataset:
        """The file as pydicom reads it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(self.path)


@cache
def fit() -> tuple[Image, ...]:
    """Every file that a DICOM store must take: of Part 10, whole, with the UIDs of itself and what it belongs to."""
    return tuple(image for path in _part_10() if (image := _image(path)))


@cache
def unfit() -> tuple[Path, ...]:
    """The other files of Part 10, and what is no DICOM at all."""
    stored = {image.path for image in fit()}
    strangers = [path for path in _files() if path.suffix not in {".dcm", ""}]
    return tuple(path for path in [*_part_10(), *strangers] if path not in stored)


def _files() -> Iterator[Path]:
    return (
        path for path in sorted(FOLDER.rglob("*")) if path.is_file() and path.parent.name != "__pycache__"
    )


def _part_10() -> list[Path]:
    return [path for path in _files() if path.read_bytes()[128:132] == b"DICM"]


def _image(path: Path) -> Image | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # pydicom reads on where the encoding is not what the file says; a store must not.
            warnings.filterwarnings("error", message="Expected explicit VR")
            dataset = pydicom.dcmread(path)
            if not all(_has_uid(dataset, keyword) for keyword in _UIDS) or not _is_whole(dataset):
                return None
            uids = [str(dataset[keyword].value) for keyword in _UIDS]
            patient = str(dataset.get("PatientID") or "").strip()
    except (InvalidDicomError, UserWarning):
        return None
    _, instance, study, series = uids
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    return Image(path, patient, study, series, instance, str(syntax)) if syntax else None


def _has_uid(dataset: Dataset, keyword: str) -> bool:
    element = dataset.get_item(Tag(keyword))
    return element is not None and element.VR in {None, "UI"} and bool(element.value)


def _is_whole(dataset: Dataset) -> bool:
    """Whether no element, at any depth, promises more bytes than there are."""
    for tag in dataset.keys():  # noqa: SIM118 - iterating itself would convert the elements
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement):
            if element.value is not None and element.length not in {_UNDEFINED_LENGTH, len(element.value)}:
                return False
            element = dataset[tag]
        if element.VR == "SQ" and not all(_is_whole(item) for item in element.value):
            return False
    return True

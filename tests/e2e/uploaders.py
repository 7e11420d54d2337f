"""Modalities: four clients that each store CT images until they are told to stop, and try again until one is stored."""

import hashlib
import io
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import requests
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.e2e import multipart
from tests.e2e.running import Running

UPLOADERS = 4
# Seconds until an answer: few, so that a request that nobody will answer costs little.
TIMEOUT = 4
GIVE_UP_SECONDS = 90
# Between two images: the uploads are to be many at a time rather than many in all.
_PAUSE = 0.05
_PAUSES_AFTER_FAILURE = (0.1, 1.0)
_SIDES = (32, 64, 256)
_REFERENCED_SOP_SEQUENCE, _REFERENCED_SOP_INSTANCE = "00081199", "00081155"


@dataclass(frozen=True)
class Image:
    """A CT image as a DICOM file."""

    study: str
    uid: str
    file: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.file).hexdigest()


@dataclass
class Uploads:
    """What became of the images. `acknowledged` has the SHA-256 of each file by its SOPInstanceUID."""

    studies: list[str]
    acknowledged: dict[str, str] = field(default_factory=dict)
    retried: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Waits until so many more images are acknowledged than now."""
        wanted = len(self.acknowledged) + more
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert not self.refused, self.refused
            assert time.monotonic() < deadline, f"no {more} images stored; {Counter(self.retried)}"
            time.sleep(0.05)


@contextmanager
def uploading(store: Running) -> Iterator[Uploads]:
    """Uploads go on within; afterwards each has come to its end."""
    uploads = Uploads([generate_uid() for _ in range(UPLOADERS)])
    stop = Event()
    with ThreadPoolExecutor(UPLOADERS) as pool:
        running = [pool.submit(_upload, store, study, uploads, stop) for study in uploads.studies]
        try:
            yield uploads
        finally:
            stop.set()
    for uploader in running:
        uploader.result()


def make_image(study: str, number: int) -> Image:
    """An image of noise, of one of several sizes; a study has one series."""
    dataset = FileDataset("", {}, preamble=bytes(128))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, f"{study[:62]}.1"
    dataset.PatientID, dataset.PatientName, dataset.Modality = study[-16:], "Fault^Test", "CT"
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", 1, number
    dataset.Rows = dataset.Columns = side = _SIDES[number % len(_SIDES)]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = random.randbytes(2 * side * side)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return Image(study, dataset.SOPInstanceUID, stream.getvalue())


def is_acknowledged(response: requests.Response, image: Image) -> bool:
    """Whether the store says that it has the image (PS3.18, section 10.5.3)."""
    if response.status_code != 200:
        return False
    stored = response.json()[_REFERENCED_SOP_SEQUENCE]["Value"]
    return any(image.uid in item[_REFERENCED_SOP_INSTANCE]["Value"] for item in stored)


def _upload(store: Running, study: str, uploads: Uploads, stop: Event) -> None:
    number = 0
    with store.session() as session:
        while not stop.wait(_PAUSE):
            number += 1
            _store(session, store.root, make_image(study, number), number % 2 == 0, uploads)


def _store(session: requests.Session, root: str, image: Image, is_chunked: bool, uploads: Uploads) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        try:
            response = multipart.upload(session, root, [image.file], is_chunked, timeout=TIMEOUT)
        except requests.RequestException as error:
            uploads.retried.append(type(error).__name__)
        else:
            if is_acknowledged(response, image):
                uploads.acknowledged[image.uid] = image.digest
                return
            if response.status_code < 500:
                uploads.refused.append(f"HTTP status {response.status_code}: {response.text[:500]}")
                return
            uploads.retried.append(f"HTTP status {response.status_code}")
        time.sleep(random.uniform(*_PAUSES_AFTER_FAILURE))
    uploads.given_up.append(image.uid)

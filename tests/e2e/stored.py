"""What the shared store is filled with."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO

import requests
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from nginx.configuration import SEARCH_LIMIT
from tests.e2e import multipart, wheel
from tests.e2e.running import Running
from tests.e2e.wheel import Image

# A patient that no file of the wheel has.
PATIENT_NAME, PATIENT_ID = "Zebediah^Quillfeather", "ID-8471-QX"
_SIDE = 4
_FILES_PER_REQUEST = 120
_UPLOADS_AT_ONCE = 4


@dataclass(frozen=True)
class Wheel:
    """The images that are in the store, one for each identity, and how both uploads of each file were answered."""

    images: tuple[Image, ...]
    answers: tuple[tuple[Image, requests.Response], ...]

    def image(self, name: str) -> Image:
        """The image that is in the store from the file of this name."""
        return next(image for image in self.images if image.path.name == name)


@dataclass(frozen=True)
class Series:
    """A series of images; `files` by SOPInstanceUID."""

    study: str
    series: str
    files: dict[str, bytes]


def store_wheel(store: Running) -> Wheel:
    """Stores every fit file one by one, all in chunks and then all with a length; the last of an identity stays."""
    session = store.session()
    answers = tuple(
        (image, multipart.upload(session, store.root, [image.data], chunked))
        for chunked in (True, False)
        for image in wheel.fit()
    )
    return Wheel(tuple({image.identity: image for image in wheel.fit()}.values()), answers)


def store_long_series(store: Running) -> Series:
    """Stores some more images of one series than a search of everything returns."""
    made = make_series(SEARCH_LIMIT + 5)
    files = list(made.files.values())
    batches = [
        files[start : start + _FILES_PER_REQUEST] for start in range(0, len(files), _FILES_PER_REQUEST)
    ]

    def send(batch: list[bytes]) -> int:
        # Clients that make the same study at the same moment may be told to try again.
        with store.access.session() as session:
            return multipart.upload(session, store.root, batch).status_code

    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        assert set(pool.map(send, batches)) == {200}
    return made


def make_series(count: int, name: str = PATIENT_NAME, patient: str = PATIENT_ID) -> Series:
    """A series of tiny CT images of a study of its own."""
    study, series = generate_uid(), generate_uid()
    uids = [generate_uid() for _ in range(count)]
    return Series(study, series, dict(zip(uids, _files(study, series, uids, name, patient), strict=True)))


def _files(study: str, series: str, uids: Iterable[str], name: str, patient: str) -> Iterable[bytes]:
    image = FileDataset("", {}, preamble=bytes(128))
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = CTImageStorage
    image.StudyInstanceUID, image.SeriesInstanceUID = study, series
    image.PatientID, image.PatientName, image.Modality = patient, name, "CT"
    image.StudyDate, image.StudyID, image.SeriesNumber = "20260102", "1", 1
    image.Rows = image.Columns = _SIDE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    for number, uid in enumerate(uids, start=1):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
        image.InstanceNumber = number
        image.PixelData = number.to_bytes(2, "little") * _SIDE * _SIDE
        stream = BytesIO()
        image.save_as(stream, enforce_file_format=True)
        yield stream.getvalue()

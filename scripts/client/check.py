"""Tries a store as its clients would: stores an image, finds it, and fetches it in every form."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from scripts.client.access import TIMEOUT, Access

# Always the same image, so that a check that is repeated adds nothing. UIDs made of a UUID: DICOM PS3.5, annex B.2.
STUDY = "2.25.202512040010473386102297386410258341121"
SERIES = f"{STUDY}1"
INSTANCE = f"{STUDY}2"
PATIENT_ID = "ORTHANC-AWS-CHECK"
_SIDE = 64
# What the libraries raise where an answer is not what it should be.
_WRONG = (requests.RequestException, InvalidDicomError, OSError, ValueError, LookupError, AttributeError)


@dataclass(frozen=True)
class Finding:
    """One thing that was tried, and what was wrong, or nothing."""

    what: str
    wrong: str


def check(access: Access) -> Iterator[Finding]:
    """Tries one thing after the other; an image of the patient ORTHANC-AWS-CHECK stays in the store."""
    access.ensure_answers()
    session = access.session()
    # The library sets a header of the session for each kind of request.
    client = DICOMwebClient(access.url, session=access.session())
    image = _image()
    tries: tuple[tuple[str, Callable[[], str]], ...] = (
        ("A request without a credential is refused", lambda: _refused(access)),
        ("An image is stored (STOW-RS)", lambda: _store(client, image)),
        ("The study is found (QIDO-RS)", lambda: _find(client, access.url)),
        ("The image comes back as it was stored (WADO-RS)", lambda: _retrieve(client, image)),
        ("Its metadata come back", lambda: _metadata(client)),
        ("A frame comes back", lambda: _frame(client, image)),
        ("A frame comes back rendered for a browser", lambda: _rendered(client)),
        ("Orthanc's list of other servers cannot be reached", lambda: _closed(session, access.url)),
    )
    for what, attempt in tries:
        try:
            yield Finding(what, attempt())
        except _WRONG as error:
            yield Finding(what, f"{type(error).__name__}: {error}")


def _image() -> Dataset:
    """A small CT image of a ramp."""
    image = FileDataset("", Dataset(), preamble=bytes(128))
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = CTImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = UID(INSTANCE)
    image.StudyInstanceUID, image.SeriesInstanceUID = STUDY, SERIES
    image.PatientID, image.PatientName, image.Modality = PATIENT_ID, "Check^Of^Store", "CT"
    image.StudyDate, image.StudyTime, image.AccessionNumber = "20260101", "120000", "CHECK"
    image.StudyID, image.SeriesNumber, image.InstanceNumber = "1", 1, 1
    image.Rows = image.Columns = _SIDE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.PixelData = b"".join((value % 4096).to_bytes(2, "little") for value in range(_SIDE * _SIDE))
    return image


def _refused(access: Access) -> str:
    with Access(access.url, "", "", access.authority).session() as session:
        session.auth = None
        status = session.get(f"{access.url}/studies?limit=1", timeout=TIMEOUT).status_code
    return "" if status == 401 else f"HTTP status {status} instead of 401"


def _store(client: DICOMwebClient, image: Dataset) -> str:
    answer = client.store_instances([image])
    failed = answer.get("FailedSOPSequence")
    return f"the store refused it: {failed}" if failed else ""


def _find(client: DICOMwebClient, url: str) -> str:
    found = client.search_for_studies(
        limit=2, search_filters={"PatientID": PATIENT_ID, "StudyInstanceUID": STUDY}
    )
    if len(found) != 1:
        return f"{len(found)} studies instead of 1"
    retrieve = Dataset.from_json(found[0]).RetrieveURL
    if urlsplit(retrieve)[:2] != urlsplit(url)[:2]:
        return f"its RetrieveURL {retrieve} does not lead back to {url}"
    return ""


def _retrieve(client: DICOMwebClient, image: Dataset) -> str:
    same = client.retrieve_instance(STUDY, SERIES, INSTANCE).PixelData == image.PixelData
    return "" if same else "its pixels are others"


def _metadata(client: DICOMwebClient) -> str:
    found = Dataset.from_json(client.retrieve_instance_metadata(STUDY, SERIES, INSTANCE))
    return "" if found.PatientID == PATIENT_ID else f"they name the patient {found.PatientID}"


def _frame(client: DICOMwebClient, image: Dataset) -> str:
    frames = client.retrieve_instance_frames(STUDY, SERIES, INSTANCE, [1])
    return "" if b"".join(frames).rstrip(b"\0") == image.PixelData.rstrip(b"\0") else "its pixels are others"


def _rendered(client: DICOMwebClient) -> str:
    from PIL import Image

    picture = client.retrieve_instance_frames_rendered(
        STUDY, SERIES, INSTANCE, [1], media_types=("image/png",)
    )
    size = Image.open(BytesIO(picture)).size
    return "" if size == (_SIDE, _SIDE) else f"it is {size[0]} by {size[1]} pixels"


def _closed(session: requests.Session, url: str) -> str:
    status = session.get(f"{url}/servers", timeout=TIMEOUT).status_code
    return "" if status == 404 else f"HTTP status {status} instead of 404"

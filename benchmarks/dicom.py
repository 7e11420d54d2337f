"""DICOM instances to measure with: as large as wanted, each with UIDs of its own, made at next to no cost."""

import io
import random
from dataclasses import dataclass
from functools import cache

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MultiFrameGrayscaleWordSecondaryCaptureImageStorage

ROWS = COLUMNS = 512
FRAME_BYTES = ROWS * COLUMNS * 2
# As long as `uid` makes them, so that one can take the place of the other.
_STUDY, _SERIES, _INSTANCE = (f"2.25.{'1' * 38}{digit}" for digit in (1, 2, 3))
_PATIENT = "1" * 15 + "0"
_SEED = 1


@dataclass(frozen=True)
class Instance:
    """An instance by its UIDs, of so many frames of 512 by 512 pixels of 16 bits."""

    study: str
    series: str
    instance: str
    frames: int

    @property
    def path(self) -> str:
        """Its address below the DICOMweb root."""
        return f"/studies/{self.study}/series/{self.series}/instances/{self.instance}"

    @property
    def patient(self) -> str:
        """The patient's identifier, the same for all of a study."""
        return self.study[-len(_PATIENT) :]

    def file(self) -> tuple[bytes, bytes]:
        """The DICOM file, in two pieces, of which instances of the same size share the second."""
        head, pixels = _file(self.frames)
        for placeholder, own in (
            (_STUDY, self.study),
            (_SERIES, self.series),
            (_INSTANCE, self.instance),
            (_PATIENT, self.patient),
        ):
            head = head.replace(placeholder.encode(), own.encode())
        return head, pixels


def study(instances: int, frames: int) -> list[Instance]:
    """A new study of one series."""
    # Made here and not by a client, whose clock may be running.
    _file(frames)
    study_uid, series_uid = uid(), uid()
    return [Instance(study_uid, series_uid, uid(), frames) for _ in range(instances)]


def uid() -> str:
    """A new UID of 44 characters, made of a random number of 128 bits (PS3.5, annex B.2)."""
    return f"2.25.{random.SystemRandom().randrange(10**38, 2**128)}"


@cache
def _file(frames: int) -> tuple[bytes, bytes]:
    """A file with placeholders, up to its pixels, and the pixels: noise, which nothing on the way can compress."""
    pixels = random.Random(_SEED).randbytes(frames * FRAME_BYTES)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = UID(_INSTANCE)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    data.SOPInstanceUID = _INSTANCE
    data.StudyInstanceUID, data.SeriesInstanceUID = _STUDY, _SERIES
    data.PatientID, data.PatientName = _PATIENT, "Benchmark"
    data.StudyDate, data.StudyID, data.AccessionNumber = "20260101", "1", ""
    data.Modality, data.SeriesNumber, data.InstanceNumber = "OT", 1, 1
    data.NumberOfFrames = frames
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = (
        ROWS,
        COLUMNS,
        1,
        "MONOCHROME2",
    )
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelData = pixels
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()[: -len(pixels)], pixels

"""Retrieving (WADO-RS): every image comes back as it was stored, whole or in parts."""

import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pydicom
import pytest
import requests
from PIL import Image as Picture
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, JPEG2000Lossless

from tests.e2e import raw
from tests.e2e.multipart import DICOM, OCTETS, parts
from tests.e2e.running import Running
from tests.e2e.stored import Series, Wheel
from tests.e2e.wheel import Image

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]
JSON = "application/dicom+json"
PIXEL_DATA = "7FE00010"
# Orthanc leaves out what is only there to fill a file up.
TRAILING_PADDING = "FFFCFFFC"
COMPARED = (
    "SOPClassUID",
    "Modality",
    "PatientID",
    "StudyDate",
    "Manufacturer",
    "Rows",
    "Columns",
    "BitsStored",
)


@pytest.fixture
def get(shared_store: Running) -> Callable[..., requests.Response]:
    """Asks for an address, or a path below the DICOMweb root."""
    session = shared_store.session()

    def ask(address: str, accept: str = "*/*") -> requests.Response:
        whole = address if address.startswith("https:") else f"{shared_store.root}/{address}"
        return session.get(whole, headers={"Accept": accept}, timeout=60)

    return ask


def test_every_image_comes_back_byte_by_byte(wheel: Wheel, get: Callable[..., requests.Response]) -> None:
    changed = [image.path.name for image in wheel.images if parts(get(image.url, DICOM)) != [image.data]]
    assert not changed


def test_every_study_comes_back_whole(wheel: Wheel, get: Callable[..., requests.Response]) -> None:
    for study in {image.study for image in wheel.images}:
        wanted = sorted(image.data for image in wheel.images if image.study == study)
        assert sorted(parts(get(f"studies/{study}", DICOM))) == wanted


def test_every_series_comes_back_whole(wheel: Wheel, get: Callable[..., requests.Response]) -> None:
    for study, series in {(image.study, image.series) for image in wheel.images}:
        wanted = sorted(image.data for image in wheel.images if image.series == series)
        assert sorted(parts(get(f"studies/{study}/series/{series}", DICOM))) == wanted


def test_a_series_of_more_than_a_thousand_images_comes_back_whole(
    long_series: Series, get: Callable[..., requests.Response]
) -> None:
    study = f"studies/{long_series.study}"
    for address in (study, f"{study}/series/{long_series.series}"):
        assert sorted(parts(get(address, DICOM))) == sorted(long_series.files.values())
    metadata = get(f"{study}/metadata", JSON).json()
    assert {found["00080018"]["Value"][0] for found in metadata} == set(long_series.files)


def test_metadata_have_every_element_of_the_file(wheel: Wheel, get: Callable[..., requests.Response]) -> None:
    wrong = {}
    for image in wheel.images:
        answer = get(f"{image.url}/metadata", JSON)
        assert answer.headers["Content-Type"] == JSON
        (found,) = answer.json()
        wanted = {f"{element.tag:08X}" for element in image.dataset if element.tag.element}
        # One file of the wheel has pixel data without a byte.
        missing = wanted - set(found) - {TRAILING_PADDING, PIXEL_DATA}
        if missing or set(found) - wanted or _compared(image.dataset) != _compared(_from_json(found)):
            wrong[image.path.name] = sorted(missing ^ (set(found) - wanted))
    assert not wrong


def _from_json(found: dict[str, Any]) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Dataset.from_json(found, bulk_data_uri_handler=lambda _: None)


def _compared(dataset: Dataset) -> dict[str, str]:
    return {keyword: str(dataset[keyword].value or "") for keyword in COMPARED if keyword in dataset}


def test_metadata_spell_names_in_unicode(wheel: Wheel, get: Callable[..., requests.Response]) -> None:
    wanted = {"chrHbrw.dcm": "שרון^דבורה", "chrGreek.dcm": "Διονυσιος", "chrX1.dcm": "Wang^XiaoDong=王^小東"}
    for file, name in wanted.items():
        (found,) = get(f"{wheel.image(file).url}/metadata", JSON).json()
        (spelt,) = found["00100010"]["Value"]
        assert "=".join(spelt.values()).rstrip("=") == name


def test_metadata_of_a_study_and_a_series_are_those_of_their_instances(
    wheel: Wheel, get: Callable[..., requests.Response]
) -> None:
    study = wheel.image("CT_small.dcm").study
    of = [image for image in wheel.images if image.study == study]
    for address in (f"studies/{study}", f"studies/{study}/series/{of[0].series}"):
        found = get(f"{address}/metadata", JSON).json()
        assert {data["00080018"]["Value"][0] for data in found} == {image.instance for image in of}


def test_bulk_data_of_the_metadata_are_those_of_the_file(
    shared_store: Running, wheel: Wheel, get: Callable[..., requests.Response]
) -> None:
    wrong, compared = [], 0
    for image in wheel.images:
        (found,) = get(f"{image.url}/metadata", JSON).json()
        for address in _bulk_data(found):
            assert address.startswith(f"{shared_store.root}/{image.url}/bulk/")
            data = parts(get(address))
            value = _raw_value(image, address)
            if value is not None:
                wrong += [address] * (data != [value])
                compared += 1
    assert compared > 20
    assert not wrong


def _raw_value(image: Image, address: str) -> bytes | None:
    """The bytes that lie in the file; None for what has another form there."""
    tag = address.rpartition("/bulk/")[2]
    dataset = image.dataset
    if "/" in tag or not dataset.file_meta.TransferSyntaxUID.is_little_endian:
        return None
    element = dataset.get_item(int(tag, 16))
    is_encapsulated = tag.upper() == PIXEL_DATA and dataset.file_meta.TransferSyntaxUID.is_encapsulated
    return None if is_encapsulated else element.value


def _bulk_data(found: dict[str, Any]) -> Iterator[str]:
    for element in found.values():
        if "BulkDataURI" in element:
            yield element["BulkDataURI"]
        if element["vr"] == "SQ":
            for item in element.get("Value", []):
                yield from _bulk_data(item)


def _frames(image: Image) -> list[bytes]:
    """The frames as they lie in the file; those of native images in little endian, as DICOMweb has them."""
    dataset = image.dataset
    count = int(dataset.get("NumberOfFrames") or 1)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(generate_frames(dataset.PixelData, number_of_frames=count))
    size = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    pixels = dataset.PixelData
    if not dataset.file_meta.TransferSyntaxUID.is_little_endian:
        pixels = _swapped(pixels, dataset.BitsAllocated // 8, dataset["PixelData"].VR)
    return [pixels[start : start + size] for start in range(0, count * size, size)]


def _swapped(pixels: bytes, width: int, vr: str) -> bytes:
    """Big-endian words the other way round: OW has words of two bytes, whatever the pixels take (PS3.5, annex A.3)."""
    width = 2 if vr == "OW" else max(1, width)
    return b"".join(pixels[start : start + width][::-1] for start in range(0, len(pixels), width))


def _pictures(wheel: Wheel) -> list[Image]:
    """The images that have pixels, but one that Orthanc cannot take apart: YBR_FULL_422 without compression."""
    return [
        image
        for image in wheel.images
        if image.dataset.get("PixelData") and image.path.name != "SC_ybr_full_422_uncompressed.dcm"
    ]


def test_frames_are_those_of_the_file(wheel: Wheel, get: Callable[..., requests.Response]) -> None:
    images = _pictures(wheel)
    wrong = {}
    for image in images:
        wanted = _frames(image)
        numbers = ",".join(str(number) for number in range(1, len(wanted) + 1))
        found = parts(get(f"{image.url}/frames/{numbers}", OCTETS))
        if found != wanted:
            wrong[image.path.name] = (image.transfer_syntax, [len(one) for one in found], len(wanted[0]))
    assert len(images) > 60
    assert not wrong


def test_frames_are_decoded_for_clients_that_do_not_say_how(
    wheel: Wheel, get: Callable[..., requests.Response]
) -> None:
    """Of lossless ones, the pixels are the same to the bit."""
    for name in ("SC_rgb_rle.dcm", "MR_small_RLE.dcm", "image_dfl.dcm"):
        stored = [image for image in wheel.images if image.path.name == name]
        for image in stored:
            (found,) = parts(get(f"{image.url}/frames/1", "*/*"))
            assert found == image.dataset.pixel_array.tobytes()


def test_images_are_decoded_for_clients_that_do_not_say_how(
    wheel: Wheel, get: Callable[..., requests.Response]
) -> None:
    """Orthanc has no decoder for JPEG 2000; such clients must ask for the transfer syntax that is stored."""
    for image in _pictures(wheel):
        if image.transfer_syntax not in {JPEG2000, JPEG2000Lossless}:
            (found,) = parts(get(image.url, 'multipart/related; type="application/dicom"'))
            decoded = pydicom.dcmread(BytesIO(found))
            assert decoded.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian, image.path.name
            assert str(decoded.SOPInstanceUID) == image.instance


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_images_are_rendered_for_browsers(
    wheel: Wheel, get: Callable[..., requests.Response], media_type: str
) -> None:
    """Not JPEG 2000, which Orthanc does not decode, and not pixels of 32 bits."""
    rendered = 0
    for image in _pictures(wheel):
        if image.transfer_syntax in {JPEG2000, JPEG2000Lossless} or image.dataset.BitsAllocated > 16:
            continue
        for address in (f"{image.url}/rendered", f"{image.url}/frames/1/rendered"):
            answer = get(address, media_type)
            assert answer.status_code == 200, image.path.name
            assert answer.headers["Content-Type"] == media_type
            with Picture.open(BytesIO(answer.content)) as picture:
                picture.load()
                assert picture.size == (image.dataset.Columns, image.dataset.Rows)
        rendered += 1
    assert rendered > 50


def test_a_rendered_image_shows_what_the_file_shows(
    wheel: Wheel, get: Callable[..., requests.Response]
) -> None:
    image = wheel.image("CT_small.dcm")
    with Picture.open(BytesIO(get(f"{image.url}/rendered", "image/png").content)) as picture:
        shown = list(picture.convert("L").get_flattened_data())
    pixels = image.dataset.pixel_array.flatten().tolist()
    brighter = [
        (shown[a], shown[b])
        for a, b in zip(range(0, 8000, 7), range(4000, 12000, 7), strict=False)
        if pixels[a] < pixels[b]
    ]
    assert len(set(shown)) > 50
    assert brighter
    assert all(dark <= light for dark, light in brighter)


@pytest.mark.parametrize(
    "query",
    [
        "viewport=0,0",
        "viewport=64,0",
        "viewport=00,64",
        "viewport=0%2C64",
        "viewport=%30,64",
        "viewport=64,48&viewport=0,0",
        "view%70ort=0,0",
        "%76iewport=0,0",
        "viewport%3D0,0",
        "viewport=%20,0",
        "viewport=%2B0,0",
        "viewport=+0,0",
        "viewport%00=0,0",
        "x%26viewport=0,0",
        "x;viewport=0,0",
        "x%3Bviewport=0,0",
        "%20viewport=0,0",
        "+viewport=0,0",
        "viewport=64,48,0,0,0,0",
        "?viewport=0,0",
        "&viewport=0,0",
    ],
)
def test_no_size_of_a_picture_holds_orthanc(shared_store: Running, wheel: Wheel, query: str) -> None:
    """A side of no length holds a thread of Orthanc for good, which answers nobody any more."""
    for path in ("rendered", "frames/1/thumbnail"):
        lines = (
            f"GET /dicom-web/{wheel.image('CT_small.dcm').url}/{path}?{query} HTTP/1.1",
            "Host: localhost",
            raw.authorization(shared_store),
            "Connection: close",
        )
        (status,) = raw.statuses(raw.public(shared_store).exchange("\r\n".join([*lines, "", ""]).encode()))
        assert status in {200, 400, 404}


def test_thumbnails_of_studies_series_and_instances(
    wheel: Wheel, get: Callable[..., requests.Response]
) -> None:
    image = wheel.image("CT_small.dcm")
    for address in (f"studies/{image.study}", f"studies/{image.study}/series/{image.series}", image.url):
        answer = get(f"{address}/thumbnail", "image/jpeg")
        assert answer.headers["Content-Type"] == "image/jpeg"
        Picture.open(BytesIO(answer.content)).load()


def test_what_is_not_there_is_told_with_404(wheel: Wheel, get: Callable[..., requests.Response]) -> None:
    image = wheel.image("CT_small.dcm")
    for address in (
        "studies/1.2.3",
        "studies/1.2.3/metadata",
        f"studies/{image.study}/series/1.2.3",
        f"studies/{image.study}/series/{image.series}/instances/1.2.3",
        f"studies/{image.study}/series/{image.series}/instances/1.2.3/frames/1",
        f"studies/1.2.3/series/{image.series}/instances/{image.instance}",
    ):
        assert get(address).status_code == 404, address


def test_head_has_the_headers_of_get_and_nothing_else(shared_store: Running, wheel: Wheel) -> None:
    image = wheel.image("CT_small.dcm")
    answer = shared_store.session().head(f"{shared_store.root}/{image.url}/metadata")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == JSON
    assert answer.content == b""

"""dicomweb-client, a client that others use, works with the store unchanged."""

from io import BytesIO

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from PIL import Image as Picture
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from tests.e2e.running import Running
from tests.e2e.stored import PATIENT_ID, Series, Wheel, make_series

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]


@pytest.fixture
def client(shared_store: Running) -> DICOMwebClient:
    return DICOMwebClient(shared_store.root, session=shared_store.session())


def test_it_stores_and_fetches(client: DICOMwebClient, wheel: Wheel) -> None:
    image = wheel.image("CT_small.dcm")
    answer = client.store_instances([image.dataset])
    assert "FailedSOPSequence" not in answer
    assert answer.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.instance
    fetched = client.retrieve_instance(image.study, image.series, image.instance)
    assert fetched.PixelData == image.dataset.PixelData


def test_it_searches_at_every_level(client: DICOMwebClient, wheel: Wheel) -> None:
    image = wheel.image("CT_small.dcm")
    studies = client.search_for_studies(search_filters={"StudyInstanceUID": image.study})
    assert [Dataset.from_json(found).StudyInstanceUID for found in studies] == [image.study]
    series = client.search_for_series(image.study)
    assert [Dataset.from_json(found).SeriesInstanceUID for found in series] == [image.series]
    instances = client.search_for_instances(image.study, image.series)
    assert [Dataset.from_json(found).SOPInstanceUID for found in instances] == [image.instance]


def test_it_fetches_what_remains_until_it_has_everything(client: DICOMwebClient, long_series: Series) -> None:
    filters = {"PatientID": PATIENT_ID, "StudyInstanceUID": long_series.study}
    found = client.search_for_instances(search_filters=filters, get_remaining=True)
    assert {Dataset.from_json(one).SOPInstanceUID for one in found} == set(long_series.files)


def test_it_fetches_a_study_and_its_metadata(client: DICOMwebClient) -> None:
    made = make_series(12)
    assert not client.search_for_instances(made.study)
    client.store_instances([_read(file) for file in made.files.values()])
    assert {str(one.SOPInstanceUID) for one in client.retrieve_study(made.study)} == set(made.files)
    metadata = client.retrieve_series_metadata(made.study, made.series)
    assert {one["00080018"]["Value"][0] for one in metadata} == set(made.files)


def _read(file: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(file))


@pytest.mark.parametrize("name", ["CT_small.dcm", "SC_rgb_jpeg_dcmtk.dcm", "JPEG2000.dcm"])
def test_it_fetches_frames_of_any_kind_without_being_told_which(
    client: DICOMwebClient, wheel: Wheel, name: str
) -> None:
    image = wheel.image(name)
    (frame,) = client.retrieve_instance_frames(image.study, image.series, image.instance, [1])
    if image.dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        assert frame == next(generate_frames(image.dataset.PixelData, number_of_frames=1))
    else:
        assert frame == image.dataset.PixelData


def test_it_fetches_rendered_images_and_thumbnails(client: DICOMwebClient, wheel: Wheel) -> None:
    image = wheel.image("CT_small.dcm")
    ids = (image.study, image.series, image.instance)
    for picture in (
        client.retrieve_instance_rendered(*ids),
        client.retrieve_instance_frames_rendered(*ids, [1], media_types=("image/png",)),
    ):
        assert Picture.open(BytesIO(picture)).size == (image.dataset.Columns, image.dataset.Rows)


def test_it_fetches_bulk_data(client: DICOMwebClient, wheel: Wheel) -> None:
    image = wheel.image("CT_small.dcm")
    metadata = client.retrieve_instance_metadata(image.study, image.series, image.instance)
    (pixels,) = client.retrieve_bulkdata(metadata["7FE00010"]["BulkDataURI"])
    assert pixels == image.dataset.PixelData

"""Searching (QIDO-RS): everything is found, from everywhere, and nothing is left out without a word."""

import pytest
import requests

from nginx.configuration import SEARCH_LIMIT
from tests.e2e.running import Running
from tests.e2e.stored import PATIENT_ID, PATIENT_NAME, Series, Wheel

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]
STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
RETRIEVE_URL = "00081190"


def search(store: Running, path: str, **query: str) -> requests.Response:
    answer = store.session().get(f"{store.root}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/dicom+json"
    return answer


def values(answer: requests.Response, *tags: str) -> set[tuple[str, ...]]:
    """The values of these tags, of each result."""
    return {tuple(result[tag]["Value"][0] for tag in tags) for result in answer.json()}


def test_every_study_and_series_is_found(shared_store: Running, wheel: Wheel) -> None:
    assert {(image.study,) for image in wheel.images} <= values(search(shared_store, "studies"), STUDY)
    assert {(image.study, image.series) for image in wheel.images} <= values(
        search(shared_store, "series"), STUDY, SERIES
    )


def test_every_instance_is_found_from_everywhere(shared_store: Running, wheel: Wheel) -> None:
    wanted = {(image.study, image.series, image.instance) for image in wheel.images}
    assert wanted <= values(search(shared_store, "instances", limit="100000"), STUDY, SERIES, INSTANCE)


def test_every_instance_is_found_below_its_study_and_its_series(shared_store: Running, wheel: Wheel) -> None:
    for study in {image.study for image in wheel.images}:
        images = [image for image in wheel.images if image.study == study]
        assert values(search(shared_store, f"studies/{study}/series"), SERIES) == {
            (image.series,) for image in images
        }
        assert values(search(shared_store, f"studies/{study}/instances"), SERIES, INSTANCE) == {
            (image.series, image.instance) for image in images
        }
        for series in {image.series for image in images}:
            found = search(shared_store, f"studies/{study}/series/{series}/instances")
            assert values(found, INSTANCE) == {
                (image.instance,) for image in images if image.series == series
            }


@pytest.mark.parametrize(
    "query",
    [
        {"PatientID": PATIENT_ID},
        {"00100020": PATIENT_ID},
        {"PatientName": PATIENT_NAME},
        {"PatientName": "Zebed*"},
        {"PatientName": "zebediah^*"},
        {"PatientID": "ID-84?1-QX"},
        {"PatientID": PATIENT_ID, "StudyDate": "20260101-20260131"},
        {"PatientID": PATIENT_ID, "ModalitiesInStudy": "CT"},
    ],
)
def test_a_study_is_found_by_what_is_known_of_it(
    shared_store: Running, long_series: Series, query: dict[str, str]
) -> None:
    assert (long_series.study,) in values(search(shared_store, "studies", **query), STUDY)


@pytest.mark.parametrize(
    "query",
    [
        {"PatientID": "ID-8471"},
        {"PatientID": PATIENT_ID, "StudyDate": "20260103-"},
        {"PatientName": "Quill*"},
    ],
)
def test_a_study_is_not_found_by_what_it_is_not(
    shared_store: Running, long_series: Series, query: dict[str, str]
) -> None:
    assert (long_series.study,) not in values(search(shared_store, "studies", **query), STUDY)


def test_a_search_of_everything_without_a_limit_gets_one_and_is_told(
    shared_store: Running, long_series: Series
) -> None:
    found = search(shared_store, "instances")
    assert len(found.json()) == SEARCH_LIMIT
    assert found.headers["Warning"].startswith("299 ")


def test_with_limit_and_offset_everything_is_found(shared_store: Running, long_series: Series) -> None:
    pages = [
        search(shared_store, "instances", PatientID=PATIENT_ID, limit="600", offset=offset)
        for offset in ("0", "600")
    ]
    assert {(uid,) for uid in long_series.files} <= set.union(*(values(page, INSTANCE) for page in pages))
    assert all("Warning" not in page.headers for page in pages)


def test_a_search_within_a_study_is_never_cut_off(shared_store: Running, long_series: Series) -> None:
    study = f"studies/{long_series.study}"
    for path in (f"{study}/instances", f"{study}/series/{long_series.series}/instances"):
        found = search(shared_store, path)
        assert values(found, INSTANCE) == {(uid,) for uid in long_series.files}
        assert "Warning" not in found.headers


def test_each_result_leads_back_through_the_public_address(shared_store: Running, wheel: Wheel) -> None:
    image, session = wheel.image("CT_small.dcm"), shared_store.session()
    for path, shorter in (
        ("studies", f"studies/{image.study}"),
        (f"studies/{image.study}/series", f"studies/{image.study}/series/{image.series}"),
        (f"studies/{image.study}/instances", image.url),
    ):
        found = search(shared_store, path, **({"StudyInstanceUID": image.study} if path == "studies" else {}))
        addresses = [result[RETRIEVE_URL]["Value"][0] for result in found.json()]
        assert addresses == [f"{shared_store.root}/{shorter}"]
        assert session.get(addresses[0]).status_code == 200


def test_what_is_not_there_is_not_found(shared_store: Running) -> None:
    assert search(shared_store, "studies", StudyInstanceUID="1.2.3.4.5.6").json() == []
    assert search(shared_store, "studies/1.2.3.4.5.6/series").json() == []

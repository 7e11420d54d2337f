"""Two Orthancs with one database are one store: whichever is asked, and whichever stored, the answer is the same."""

import json
from typing import Any

import pytest
import requests

from scripts.local.services import ORTHANCS
from tests.e2e import inside
from tests.e2e.multipart import DICOM, parts, upload
from tests.e2e.running import Running
from tests.e2e.stored import PATIENT_NAME, Series, Wheel, make_series

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-shared"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]


@pytest.fixture(scope="module")
def orthancs(shared_store: Running) -> list[tuple[str, requests.Session]]:
    """The DICOMweb root of each Orthanc, and a session for it."""
    return [
        (
            f"https://{inside.address(shared_store, task)}:{inside.TLS_PORT}/dicom-web",
            inside.orthanc(shared_store),
        )
        for task in ORTHANCS
    ]


def sorted_json(answer: requests.Response) -> list[str]:
    """Results in an order of our own: DICOMweb promises none."""
    assert answer.status_code == 200, answer.text
    results: list[Any] = answer.json()
    return sorted(json.dumps(result, sort_keys=True) for result in results)


def test_both_find_the_same(
    orthancs: list[tuple[str, requests.Session]], wheel: Wheel, long_series: Series
) -> None:
    image = wheel.image("CT_small.dcm")
    for path in (
        "studies",
        "series",
        "studies?includefield=00081030&includefield=00081080",
        f"studies?PatientName={PATIENT_NAME}",
        "studies?ModalitiesInStudy=MR",
        f"studies/{image.study}/series",
        f"studies/{image.study}/instances",
        f"studies/{long_series.study}/instances",
    ):
        one, other = (sorted_json(session.get(f"{root}/{path}")) for root, session in orthancs)
        assert one
        assert one == other, path


def test_both_have_the_same_images(orthancs: list[tuple[str, requests.Session]], wheel: Wheel) -> None:
    for image in wheel.images[::7]:
        one, other = (
            parts(session.get(f"{root}/{image.url}", headers={"Accept": DICOM})) for root, session in orthancs
        )
        assert one == other == [image.data]
        one, other = (sorted_json(session.get(f"{root}/{image.url}/metadata")) for root, session in orthancs)
        assert one == other


def test_what_one_has_stored_the_other_has_at_once(orthancs: list[tuple[str, requests.Session]]) -> None:
    for (here, session), (there, other) in (orthancs, orthancs[::-1]):
        made = make_series(3)
        assert upload(session, here, made.files.values()).status_code == 200
        found = other.get(f"{there}/studies/{made.study}", headers={"Accept": DICOM})
        assert sorted(parts(found)) == sorted(made.files.values())

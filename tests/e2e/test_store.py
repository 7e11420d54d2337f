"""Storing (STOW-RS): what is stored, what of it the answer says, and what is kept where files compete."""

from collections import defaultdict

import pytest

from tests.e2e import multipart, wheel
from tests.e2e.multipart import DICOM, parts, upload
from tests.e2e.running import Running
from tests.e2e.stored import Wheel, make_series
from tests.e2e.wheel import Image

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]
FAILED, REFERENCED, RETRIEVE_URL = "00081198", "00081199", "00081190"
SOP_INSTANCE = "00081155"


def test_the_wheel_has_files_of_many_kinds() -> None:
    images = wheel.fit()
    assert len(images) >= 140
    assert len({image.study for image in images}) >= 29
    assert len({image.transfer_syntax for image in images}) >= 11


def test_every_fit_file_is_stored_in_chunks_and_with_a_length(shared_store: Running, wheel: Wheel) -> None:
    wrong = {
        image.path.name: answer.text
        for image, answer in wheel.answers
        if answer.status_code != 200 or not _acknowledges(answer.json(), image, shared_store.root)
    }
    assert not wrong
    assert {"Content-Length", "Transfer-Encoding"} <= {
        header for _, answer in wheel.answers for header in answer.request.headers
    }


def _acknowledges(answer: dict, image: Image, root: str) -> bool:
    stored = [item[SOP_INSTANCE]["Value"] for item in answer[REFERENCED]["Value"]]
    return (
        stored == [[image.instance]]
        and FAILED not in answer
        and answer[RETRIEVE_URL]["Value"] == [f"{root}/studies/{image.study}"]
    )


def test_of_files_with_one_identity_the_last_one_stored_is_kept(shared_store: Running, wheel: Wheel) -> None:
    session, root = shared_store.session(), shared_store.root
    rivals = defaultdict(list)
    for image, _ in wheel.answers[: len(wheel.answers) // 2]:
        rivals[image.identity].append(image)
    first, *others = max(rivals.values(), key=len)
    assert others
    for image in (first, *others):
        assert upload(session, root, [image.data]).status_code == 200
        assert parts(session.get(f"{root}/{image.url}", headers={"Accept": DICOM})) == [image.data]


def test_a_file_stored_twice_is_there_once(shared_store: Running) -> None:
    session, root, made = shared_store.session(), shared_store.root, make_series(1)
    before = session.get(f"{shared_store.url}/orthanc/statistics").json()["CountInstances"]
    for chunked in (True, False, True):
        assert upload(session, root, made.files.values(), chunked).status_code == 200
    assert session.get(f"{shared_store.url}/orthanc/statistics").json()["CountInstances"] == before + 1


def test_many_files_of_several_studies_are_stored_in_one_request(shared_store: Running) -> None:
    session, root = shared_store.session(), shared_store.root
    one, other = make_series(3), make_series(4)
    answer = upload(session, root, [*one.files.values(), *other.files.values()], chunked=True)
    assert len(answer.json()[REFERENCED]["Value"]) == 7
    for made in (one, other):
        found = session.get(f"{root}/studies/{made.study}", headers={"Accept": DICOM})
        assert sorted(parts(found)) == sorted(made.files.values())


def test_a_study_takes_only_its_own_images(shared_store: Running) -> None:
    session, root, made, stranger = shared_store.session(), shared_store.root, make_series(1), make_series(1)
    assert upload(session, root, made.files.values(), study=made.study).status_code == 200
    assert upload(session, root, stranger.files.values(), study=made.study).status_code == 409
    assert session.get(f"{root}/studies", params={"StudyInstanceUID": stranger.study}).json() == []


def test_a_good_file_beside_a_bad_one_is_stored_and_the_bad_one_is_told(shared_store: Running) -> None:
    session, root, made = shared_store.session(), shared_store.root, make_series(1)
    answer = upload(session, root, [*made.files.values(), b"no DICOM"])
    assert answer.status_code == 400
    assert len(answer.json()[REFERENCED]["Value"]) == 1
    assert len(session.get(f"{root}/studies/{made.study}/instances").json()) == 1


@pytest.mark.parametrize("quoted", [True, False])
def test_the_boundary_may_stand_in_quotes(shared_store: Running, quoted: bool) -> None:
    made, boundary = make_series(1), "a.b_c-d"
    answer = shared_store.session().post(
        f"{shared_store.root}/studies",
        data=b"".join(multipart.body(made.files.values(), boundary)),
        headers={
            "Content-Type": 'multipart/related; type="application/dicom"; boundary='
            + (f'"{boundary}"' if quoted else boundary)
        },
    )
    assert answer.status_code == 200
    assert len(shared_store.session().get(f"{shared_store.root}/studies/{made.study}/instances").json()) == 1

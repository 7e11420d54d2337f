"""What no store can use is refused as the client's mistake, and harms nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e import wheel
from tests.e2e.inside import counts
from tests.e2e.multipart import body, content_type, upload
from tests.e2e.running import Running
from tests.e2e.stored import Wheel, make_series

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]
BOUNDARY = "bad-input"


@pytest.fixture(autouse=True)
def unharmed(shared_store: Running, wheel: Wheel) -> Iterator[None]:
    """After each test, the store holds what it held before, and takes and gives images as before."""
    before = counts(shared_store)
    yield
    assert counts(shared_store) == before
    image = wheel.image("CT_small.dcm")
    assert upload(shared_store.session(), shared_store.root, [image.data]).status_code == 200
    assert shared_store.session().get(f"{shared_store.root}/{image.url}").status_code == 200
    assert counts(shared_store) == before


def test_every_unfit_file_is_refused(shared_store: Running) -> None:
    files = wheel.unfit()
    assert len(files) > 30
    session = shared_store.session()
    answers = {
        (path.name, chunked): upload(session, shared_store.root, [path.read_bytes()], chunked).status_code
        for path in files
        for chunked in (False, True)
    }
    assert {key: status for key, status in answers.items() if status != 400} == {}


def post(store: Running, data: bytes, header: str, path: str = "studies") -> requests.Response:
    return store.session().post(
        f"{store.root}/{path}", data=data, headers={"Content-Type": header}, timeout=30
    )


def whole(*files: bytes) -> bytes:
    return b"".join(body(files, BOUNDARY))


GOOD = next(iter(make_series(1).files.values()))
DELIMITER = f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n", id="an empty line"),
        pytest.param(whole(), id="no part"),
        pytest.param(whole(b""), id="an empty part"),
        pytest.param(whole(bytes(5000)), id="zeroes"),
        pytest.param(whole(GOOD[:132]), id="a preamble alone"),
        pytest.param(whole(GOOD[:-10]), id="a file that is cut off"),
        pytest.param(whole(GOOD).replace(BOUNDARY.encode(), b"other"), id="another boundary"),
        pytest.param(whole(GOOD).replace(b"\r\n", b"\n"), id="line feeds"),
        pytest.param(whole(GOOD).removesuffix(DELIMITER), id="no last delimiter"),
        pytest.param(whole(GOOD)[:-200], id="a part that is cut off"),
        pytest.param(GOOD, id="no multipart"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_malformed_upload_is_refused(shared_store: Running, data: bytes, chunked: bool) -> None:
    pieces: Any = iter([data[:50], data[50:]]) if chunked and len(data) > 50 else data
    assert post(shared_store, pieces, content_type(BOUNDARY)).status_code == 400


def test_an_upload_that_is_cut_off_after_an_image_is_refused_though_that_is_there(
    shared_store: Running, wheel: Wheel
) -> None:
    image = wheel.image("CT_small.dcm")
    for end in (b"", DELIMITER[:-6] + b"\r\n"):
        data = whole(image.data, image.data).removesuffix(DELIMITER) + end
        assert post(shared_store, data, content_type(BOUNDARY)).status_code == 400


@pytest.mark.parametrize(
    "header",
    [
        "",
        "application/dicom",
        "application/json",
        "text/plain",
        "multipart/related",
        f"multipart/related; boundary={BOUNDARY}",
        'multipart/related; type="application/dicom"',
        'multipart/related; type="application/dicom"; boundary=',
        'multipart/related; type="application/dicom"; boundary=""',
        f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}',
        f'multipart/related; type="application/dicom+xml"; boundary={BOUNDARY}',
        f'multipart/related; type="image/png"; boundary={BOUNDARY}',
        f"multipart/form-data; boundary={BOUNDARY}",
        f"multipart/mixed; boundary={BOUNDARY}",
    ],
)
def test_an_upload_of_another_type_is_refused(shared_store: Running, header: str) -> None:
    assert post(shared_store, whole(GOOD), header).status_code in {400, 415}


def test_an_upload_to_another_study_is_refused(shared_store: Running, wheel: Wheel) -> None:
    data = wheel.image("CT_small.dcm").data
    assert post(shared_store, whole(data), content_type(BOUNDARY), "studies/1.2.3").status_code == 409
    for path in ("studies/", "studies/x", "studies/1.2.3/series/4.5", "studies/" + "1" * 65):
        answer = post(shared_store, whole(data), content_type(BOUNDARY), path)
        assert answer.status_code in {404, 405}, path


@pytest.mark.parametrize(
    "query",
    [
        "limit=abc",
        "limit=",
        "limit=1e3",
        "limit=99999999999999999999",
        "offset=999999999999",
        "offset=x",
        "0010=1",
        "StudyInstanceUID",
    ],
)
def test_a_search_that_makes_no_sense_is_no_error_of_the_server(shared_store: Running, query: str) -> None:
    answer = shared_store.session().get(f"{shared_store.root}/studies?{query}")
    assert answer.status_code < 500
    if "=" in query and query.split("=")[0] in {"limit", "offset"}:
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "PatientName=%FF%FE",
        "PatientName=%00",
        "PatientName=" + "*" * 500,
        "PatientName=" + "A" * 6000,
        "StudyDate=yesterday",
        "StudyDate=20200101-20190101",
        "StudyInstanceUID=" + ",".join(["1.2.3"] * 500),
        "PatientID=%27%3B%20DROP%20TABLE%20Resources%3B--",
        "includefield=Nonsense",
        "&".join(["includefield=00081030"] * 300),
        "00100010=\u00fc",
        "=",
        "&&&",
        "%%%",
    ],
)
def test_a_strange_search_finds_nothing_or_is_refused(shared_store: Running, query: str) -> None:
    answer = shared_store.session().get(f"{shared_store.root}/studies?limit=1&{query}", timeout=30)
    assert answer.status_code in {200, 400}, answer.text


def test_frames_that_are_not_there_are_refused(shared_store: Running, wheel: Wheel) -> None:
    url = f"{shared_store.root}/{wheel.image('CT_small.dcm').url}"
    for path in ("frames/0", "frames/2", "frames/99999999999999", "frames/a", "frames/-1", "frames/1,,1"):
        assert shared_store.session().get(f"{url}/{path}").status_code in {400, 404}, path


def test_a_rendering_that_would_fill_the_memory_is_refused(shared_store: Running, wheel: Wheel) -> None:
    url = f"{shared_store.root}/{wheel.image('CT_small.dcm').url}/rendered"
    for query in (
        "viewport=99999,99999",
        "viewport=999999999,999999999",
        "quality=0",
        "window=a",
        "viewport=-1,-1",
    ):
        assert shared_store.session().get(f"{url}?{query}", timeout=30).status_code in {400, 404}, query


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/tiff", ";;;", "a" * 5000, '"'])
def test_a_type_that_the_store_does_not_have_is_refused(
    shared_store: Running, wheel: Wheel, accept: str
) -> None:
    url = f"{shared_store.root}/{wheel.image('CT_small.dcm').url}"
    for path in ("", "/rendered", "/frames/1"):
        answer = shared_store.session().get(url + path, headers={"Accept": accept})
        assert 400 <= answer.status_code < 500, path

"""The store in a real browser: the viewer shows images, Orthanc's interface opens, and strange pages get nothing."""

import base64
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageOps
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

from nginx.access.sources import FILE_SECONDS
from nginx.access.users import Role
from scripts.local import state
from scripts.operations import users
from scripts.operations.users_file import FileUsers
from tests.e2e import inside
from tests.e2e.browser import Browser, browser
from tests.e2e.inside import counts
from tests.e2e.multipart import body, content_type
from tests.e2e.pages import page
from tests.e2e.running import Running, free_port
from tests.e2e.stored import Wheel, make_series
from tests.e2e.wheel import Image

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-shared"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]
VIEWPORT = "canvas.cornerstone-canvas"
# Where the viewer writes nothing over the image, as parts of the viewport's width and height.
MIDDLE = (0.15, 0.15, 0.85, 0.85)
LIKE_ENOUGH = 0.9
# Of a network for documentation (RFC 5737).
ADDRESS = "203.0.113.8"


@pytest.fixture(scope="module")
def admin(shared_store: Running, wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with the login of the first user, an administrator."""
    with browser(shared_store, tmp_path_factory.mktemp("browser")) as opened:
        opened.log_in(
            shared_store.url, shared_store.credentials.first_user, shared_store.credentials.first_password
        )
        yield opened


@pytest.fixture
def reader(shared_store: Running) -> Iterator[tuple[str, str]]:
    """Name and password of a user that may only read."""
    file = FileUsers(state.users_file(shared_store.store.name))
    name, password = "a-viewing-reader", users.generate_password()
    users.add(file, name, Role.READER, lambda: password)
    # As seen from an address of its own: what is tried too early is a failed login.
    url, session = inside.front(shared_store, ADDRESS, name, password)
    deadline = time.monotonic() + 5 * FILE_SECONDS
    while session.get(f"{url}/viewer/LICENSE").status_code != 200:
        assert time.monotonic() < deadline, "NGINX has not taken up the user."
        time.sleep(FILE_SECONDS)
    yield name, password
    users.remove(file, name)


@pytest.fixture
def stranger() -> Iterator[str]:
    """The origin of a page that the store knows nothing of."""
    with page(free_port()) as origin:
        yield origin


def viewer_of(store: Running, image: Image) -> str:
    return f"{store.url}/viewer/viewer?StudyInstanceUIDs={image.study}"


def likeness(shown: bytes, image: Image) -> float:
    """The correlation of the grey values in the middle of a viewport with those of an image: 1 where it is shown."""
    if not shown:
        return 0
    dataset = image.dataset
    pixels = pixel_array(dataset, index=0 if "NumberOfFrames" in dataset else None)
    pixels = apply_voi_lut(apply_modality_lut(pixels, dataset), dataset).astype("float32")
    grey = Picture.fromarray(pixels.mean(axis=2) if pixels.ndim == 3 else pixels)
    viewport = Picture.open(BytesIO(shown)).convert("L")
    wanted = ImageOps.pad(grey, viewport.size)
    box = [round(part * side) for part, side in zip(MIDDLE, viewport.size * 2, strict=True)]
    pair = [np.asarray(picture.crop(box), dtype=float).ravel() for picture in (viewport, wanted)]
    return float(np.corrcoef(pair)[0, 1]) if pair[0].std() else 0


def shows(opened: Browser, image: Image) -> bool:
    """Whether the viewer shows the image, once what lies over it is put away."""
    opened.press("Confirm and hide", "Skip all")
    return likeness(opened.picture(VIEWPORT), image) > LIKE_ENOUGH


def test_the_viewer_lists_every_study(admin: Browser, shared_store: Running, wheel: Wheel) -> None:
    studies = counts(shared_store)["CountStudies"]
    assert studies >= len({image.study for image in wheel.images})
    admin.open(f"{shared_store.url}/viewer/", lambda: f"of {studies}" in admin.text)
    assert "CompressedSamples" in admin.text
    assert "for investigational use only" in admin.text
    admin.save("studies")
    assert admin.errors() == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("CT_small.dcm", id="uncompressed"),
        pytest.param("image_dfl.dcm", id="deflated"),
        pytest.param("examples_ybr_color.dcm", id="JPEG"),
        pytest.param("693_J2KI.dcm", id="JPEG 2000"),
    ],
)
def test_the_viewer_shows_an_image(admin: Browser, shared_store: Running, wheel: Wheel, name: str) -> None:
    image = wheel.image(name)
    admin.open(viewer_of(shared_store, image), lambda: shows(admin, image))
    admin.save(name)
    assert admin.errors() == []


def test_without_a_login_there_is_no_viewer(shared_store: Running, tmp_path: Path) -> None:
    with browser(shared_store, tmp_path) as opened:
        for path in ("/viewer/", "/viewer/app-config.js", "/dicom-web/studies", "/orthanc/"):
            assert opened.open(f"{shared_store.url}{path}", lambda: opened.status) == 401
            assert opened.text == ""


def test_a_reader_views_images_and_manages_none(
    reader: tuple[str, str], shared_store: Running, wheel: Wheel, tmp_path: Path
) -> None:
    image = wheel.image("CT_small.dcm")
    with browser(shared_store, tmp_path) as opened:
        opened.log_in(shared_store.url, *reader)
        opened.open(viewer_of(shared_store, image), lambda: shows(opened, image))
        assert opened.errors() == []
        opened.save("reader")
        assert opened.open(f"{shared_store.url}/orthanc/", lambda: opened.status) == 403
        assert "This is not allowed." in opened.text


def test_an_administrator_sees_orthancs_own_interface(
    admin: Browser, shared_store: Running, wheel: Wheel
) -> None:
    admin.open(f"{shared_store.url}/orthanc/", lambda: "Lookup studies" in admin.text)
    admin.save("orthanc")
    assert admin.errors() == []
    image = wheel.image("CT_small.dcm")
    found = shared_store.session().post(f"{shared_store.url}/orthanc/tools/lookup", data=image.study).json()
    admin.open(
        f"{shared_store.url}/orthanc/app/explorer.html#study?uuid={found[0]['ID']}",
        lambda: "CompressedSamples" in admin.text,
    )
    admin.save("orthanc-study")
    assert admin.errors() == []


# Returns what of the answer the page may read, or why it may read nothing.
FETCH = """
    const [url, options, body] = arguments;
    if (body) options.body = Uint8Array.from(atob(body), letter => letter.charCodeAt(0));
    return fetch(url, options).then(
        async answer => [answer.status, Object.fromEntries(answer.headers), await answer.text()],
        error => [0, {}, String(error)],
    );
"""
SUBMIT = """
    const form = document.createElement("form");
    Object.assign(form, {action: arguments[0], method: arguments[1], enctype: "multipart/form-data"});
    document.body.append(form);
    form.submit();
"""


def fetch(
    opened: Browser, origin: str, url: str, options: dict[str, Any], data: bytes = b""
) -> tuple[int, dict[str, str], str]:
    """What a page of this origin gets from `fetch`."""

    def asked() -> Any:
        return opened.run(FETCH, url, options, base64.b64encode(data).decode())

    status, headers, text = opened.open(origin, asked)
    return status, headers, text


def authorization(store: Running) -> str:
    login = f"{store.credentials.first_user}:{store.credentials.first_password}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def test_a_page_of_an_allowed_origin_searches_and_stores(
    admin: Browser, shared_store: Running, page_port: int
) -> None:
    headers = {"Authorization": authorization(shared_store), "Accept": "application/dicom+json"}
    made = make_series(1)
    with page(page_port) as origin:
        stored, _, text = fetch(
            admin,
            origin,
            f"{shared_store.root}/studies",
            {"method": "POST", "headers": headers | {"Content-Type": content_type("page")}},
            b"".join(body(made.files.values(), "page")),
        )
        assert stored == 200, text
        status, readable, text = fetch(admin, origin, f"{shared_store.root}/studies", {"headers": headers})
    assert status == 200
    assert made.study in text
    assert {"warning", "x-request-id"} <= set(readable)
    assert "strict-transport-security" not in readable
    assert admin.errors() == []


def test_a_page_of_another_origin_reads_nothing(admin: Browser, shared_store: Running, stranger: str) -> None:
    url = f"{shared_store.root}/studies"
    with_login = {"headers": {"Authorization": authorization(shared_store)}}
    assert fetch(admin, stranger, url, with_login) == (0, {}, "TypeError: Failed to fetch")
    assert "blocked by CORS policy" in str(admin.errors())
    # Without asking to read it, as an image or a script of a page does.
    unread = {"mode": "no-cors", "credentials": "include"}
    assert fetch(admin, stranger, url, unread) == (0, {}, "TypeError: Failed to fetch")
    assert "ERR_BLOCKED_BY_RESPONSE" in str(admin.errors())


def test_a_page_of_another_origin_changes_nothing(
    admin: Browser, shared_store: Running, wheel: Wheel, stranger: str
) -> None:
    """Though the browser sends the login along."""

    def submit(path: str, method: str) -> tuple[int, str]:
        def act() -> None:
            admin.open(stranger, lambda: "A page" in admin.text)
            admin.run(SUBMIT, f"{shared_store.url}{path}", method)

        admin.do(act, lambda: "A page" not in admin.text and admin.status)
        return admin.status, admin.text

    before = counts(shared_store)
    status, text = submit("/dicom-web/studies", "get")
    assert (status, wheel.image("CT_small.dcm").study in text) == (200, True)
    for path in ("/dicom-web/studies", "/orthanc/tools/find", "/viewer/"):
        assert submit(path, "post")[0] in {403, 405}, path
    ours = shared_store.session().get(f"{shared_store.url}/orthanc/studies").json()
    for method, url in (
        ("DELETE", f"{shared_store.url}/orthanc/studies/{ours[0]}"),
        ("POST", f"{shared_store.root}/studies"),
    ):
        options = {
            "method": method,
            "credentials": "include",
            "headers": {"Content-Type": content_type("page")},
        }
        data = b"".join(body(make_series(1).files.values(), "page")) if method == "POST" else b""
        assert fetch(admin, stranger, url, options, data)[0] == 0
        assert "blocked by CORS policy" in str(admin.errors())
    assert counts(shared_store) == before

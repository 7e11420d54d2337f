"""What of a request the front decides by its address: the table of what there is."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scripts.documents.tables import NOTHING
from tests.docs.pages import rows
from tests.nginx.maps import values

STUDY = "/dicom-web/studies/1.2.3"
SERIES = f"{STUDY}/series/1.2.3.4"
INSTANCE = f"{SERIES}/instances/1.2.3.4.5"
ORTHANC_ID = "7b5f82d7-011e7118-ffac48a8-9204a296-775e6f54"


def task(front: str, method: str, target: str) -> str:
    return values(front, request=f"{method} {target} HTTP/1.1", request_uri=target)["task"]


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/dicom-web/studies", "search-everywhere"),
        ("HEAD", "/dicom-web/studies", "search-everywhere"),
        ("GET", "/dicom-web/studies?PatientName=A*&limit=3", "search-everywhere"),
        ("GET", "/dicom-web/series", "search-everywhere"),
        ("GET", "/dicom-web/instances?limit=1", "search-everywhere"),
        ("GET", f"{STUDY}/series", "search"),
        ("GET", f"{STUDY}/instances?SOPClassUID=1", "search"),
        ("GET", f"{SERIES}/instances", "search"),
        ("GET", STUDY, "retrieve"),
        ("GET", f"{STUDY}?accept=x", "retrieve"),
        ("GET", f"{STUDY}/metadata", "retrieve"),
        ("GET", f"{STUDY}/rendered", "retrieve"),
        ("GET", f"{STUDY}/thumbnail", "retrieve"),
        ("GET", SERIES, "retrieve"),
        ("GET", f"{SERIES}/metadata", "retrieve"),
        ("GET", f"{SERIES}/rendered", "retrieve"),
        ("GET", f"{SERIES}/thumbnail", "retrieve"),
        ("GET", INSTANCE, "retrieve"),
        ("GET", f"{INSTANCE}/metadata", "retrieve"),
        ("GET", f"{INSTANCE}/rendered?window=1,2,linear", "retrieve"),
        ("GET", f"{INSTANCE}/thumbnail", "retrieve"),
        ("GET", f"{INSTANCE}/frames/1", "retrieve"),
        ("GET", f"{INSTANCE}/frames/1,2,30", "retrieve"),
        ("GET", f"{INSTANCE}/frames/1%2C2", "retrieve"),
        ("GET", f"{INSTANCE}/frames/1/rendered", "retrieve"),
        ("GET", f"{INSTANCE}/frames/1/thumbnail", "retrieve"),
        ("GET", f"{INSTANCE}/bulk/7fe00010", "retrieve"),
        ("GET", f"{INSTANCE}/bulk/54000100/1/54001010", "retrieve"),
        ("POST", "/dicom-web/studies", "store"),
        ("POST", STUDY, "store"),
        # Methods that these addresses do not have.
        ("DELETE", STUDY, "refused"),
        ("PUT", "/dicom-web/studies", "refused"),
        ("PATCH", INSTANCE, "refused"),
        ("TRACE", "/dicom-web/studies", "refused"),
        ("POST", "/dicom-web/series", "refused"),
        ("POST", f"{STUDY}/series", "refused"),
        ("POST", SERIES, "refused"),
        # What Orthanc has besides, and what is no DICOMweb.
        ("GET", "/dicom-web/servers", "nowhere"),
        ("PUT", "/dicom-web/servers/evil", "nowhere"),
        ("POST", "/dicom-web/servers/evil/stow", "nowhere"),
        ("POST", f"{STUDY}/update-dicomweb", "nowhere"),
        ("GET", "/dicom-web/", "nowhere"),
        ("GET", "/dicom-web/studies/", "nowhere"),
        ("GET", "/dicom-web/workitems", "nowhere"),
        ("GET", f"{STUDY}/instances/1.2.3.4.5", "nowhere"),
        ("GET", f"{INSTANCE}/frames", "nowhere"),
        ("GET", f"{INSTANCE}/frames/", "nowhere"),
        ("GET", f"{INSTANCE}/frames/x", "nowhere"),
        ("GET", f"{INSTANCE}/bulk/../../", "nowhere"),
        ("GET", f"{INSTANCE}/bulk/7fe00010/1", "nowhere"),
        ("GET", f"/dicom-web/studies/{'1' * 64}", "retrieve"),
        ("GET", f"/dicom-web/studies/{'1' * 65}", "nowhere"),
        # Other spellings of an address.
        ("GET", "/dicom-web/studies/..", "nowhere"),
        ("GET", "/dicom-web/studies/../servers", "nowhere"),
        ("GET", "/dicom-web/studies/%2e%2e/servers", "nowhere"),
        ("GET", "/dicom-web//studies", "nowhere"),
        ("GET", "/dicom-web/./studies", "nowhere"),
        ("GET", "/dicom-web/%73tudies", "nowhere"),
        ("GET", "/DICOM-WEB/studies", "nowhere"),
        ("GET", "/dicom-web/studies;x", "nowhere"),
        ("GET", "/dicom-web/studies%00", "nowhere"),
        ("GET", "/dicom-web/studies#", "nowhere"),
        ("GET", "/x/dicom-web/studies", "nowhere"),
    ],
)
def test_each_address_has_its_task(front: str, method: str, target: str, expected: str) -> None:
    assert task(front, method, target) == expected


# The parts of addresses of DICOMweb, of which the conformance statement names those that there are.
_COLLECTIONS = ("studies", "series", "instances")
_INSIDE = (
    "",
    "series",
    "instances",
    "metadata",
    "rendered",
    "thumbnail",
    "frames",
    "frames/{frames}",
    "bulk/{attribute}",
)
_MORE = ("bulk", "bulkdata", "pixeldata", "renderedMPR", "servers", "update-dicomweb")
_NAMES = {
    "{study}": "1.2",
    "{series}": "1.2.3",
    "{instance}": "1.2.3.4",
    "{frames}": "1,2",
    "{attribute}": "7fe00010",
}


def _every_address() -> set[str]:
    """Addresses as the conformance statement writes them, many of which there are not."""
    resources = {f"/{name}" for name in _COLLECTIONS} | {"/studies/{study}"}
    resources |= {"/studies/{study}/instances/{instance}", "/studies/{study}/series/{series}"}
    resources |= {"/studies/{study}/series/{series}/instances/{instance}"}
    below = {f"{resource}/{part}".rstrip("/") for resource in resources for part in (*_INSIDE, *_MORE)}
    return below | {
        f"{address}/{part}" for address in below for part in ("metadata", "rendered", "thumbnail")
    }


def _tasks_of_the_page() -> set[tuple[str, str, str]]:
    """Method, address and task of all that the conformance statement names."""
    found = set()
    for resource, search, store, retrieve in rows("docs/conformance.md", "5.1 Resources"):
        address, single = resource.strip("`"), resource.count("/") == 1
        if search == "Yes":
            found.add(("GET", address, "search-everywhere" if single else "search"))
        if store == "Yes":
            found.add(("POST", address, "store"))
        for part in retrieve.split(", ") if retrieve != NOTHING else ():
            found.add(("GET", address + part.strip("`").removeprefix("Itself"), "retrieve"))
    return found


def test_there_is_what_the_conformance_statement_names_and_nothing_else(front: str) -> None:
    page = _tasks_of_the_page()
    addresses = _every_address() | {address for _, address, _ in page}
    found = {
        (method, address, given)
        for address in addresses
        for method in ("GET", "POST")
        if (given := task(front, method, "/dicom-web" + _named(address))) not in {"nowhere", "refused"}
    }
    assert found == page


def _named(address: str) -> str:
    for name, value in _NAMES.items():
        address = address.replace(name, value)
    return address


@pytest.mark.parametrize("resource", ["rendered", "thumbnail", "frames/1/rendered", "frames/1/thumbnail"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("viewport=1,1", "retrieve"),
        ("viewport=9999,9999", "retrieve"),
        ("viewport=64%2C48&quality=50", "retrieve"),
        ("accept=image%2Fjpeg", "retrieve"),
        ("window=40,400,linear&viewport=64,48,0,0,10,10", "retrieve"),
        ("viewport=0,0", "nowhere"),
        ("viewport=64,0", "nowhere"),
        ("viewport=0%2C64", "nowhere"),
        ("viewport=64,1e-9", "nowhere"),
        ("viewport=10000,10000", "nowhere"),
        ("viewport=", "nowhere"),
        ("viewport=64,48&viewport=0,0", "nowhere"),
        ("view%70ort=0,0", "nowhere"),
        ("viewport%3D0,0", "nowhere"),
        ("x%26viewport=0,0", "nowhere"),
        ("viewport=%30,64", "nowhere"),
    ],
)
def test_an_image_is_rendered_in_a_size_that_orthanc_survives(
    front: str, resource: str, query: str, expected: str
) -> None:
    assert task(front, "GET", f"{INSTANCE}/{resource}?{query}") == expected


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/orthanc/", "orthanc-start"),
        ("GET", "/orthanc/app/explorer.html?x", "orthanc"),
        ("GET", "/orthanc/app/images/ajax-loader.gif", "orthanc"),
        ("GET", "/orthanc/statistics", "orthanc"),
        ("GET", "/orthanc/system", "orthanc"),
        ("GET", "/orthanc/plugins/explorer.js", "orthanc"),
        ("GET", f"/orthanc/studies/{ORTHANC_ID}/statistics", "orthanc"),
        ("DELETE", f"/orthanc/studies/{ORTHANC_ID}", "orthanc-delete"),
        ("POST", "/orthanc/tools/find", "orthanc"),
        ("DELETE", "/orthanc/studies", "nowhere"),
        ("DELETE", f"/orthanc/studies/{ORTHANC_ID}/attachments/dicom", "nowhere"),
        ("POST", "/orthanc/instances", "nowhere"),
        ("PUT", f"/orthanc/studies/{ORTHANC_ID}/metadata/1", "nowhere"),
        ("POST", f"/orthanc/studies/{ORTHANC_ID}/modify", "nowhere"),
        ("POST", "/orthanc/tools/shutdown", "nowhere"),
        ("POST", "/orthanc/tools/reset", "nowhere"),
        ("POST", "/orthanc/tools/execute-script", "nowhere"),
        ("GET", "/orthanc/tools/log-level", "nowhere"),
        ("GET", "/orthanc/peers", "nowhere"),
        ("GET", "/orthanc/modalities", "nowhere"),
        ("GET", "/orthanc/dicom-web/servers", "nowhere"),
        ("GET", "/orthanc/app/../tools/reset", "nowhere"),
        ("GET", "/orthanc/app/%2e%2e/tools/reset", "nowhere"),
        ("GET", "/orthanc/studies/../modalities", "nowhere"),
    ],
)
def test_of_orthancs_own_interface_there_is_what_its_pages_and_a_deletion_need(
    front: str, method: str, target: str, expected: str
) -> None:
    known = {"request": f"{method} {target} HTTP/1.1", "request_uri": target}
    assert values(front, **known)["orthanc_task"] == expected
    assert values(front.replace('map "1 $method', 'map "0 $method'), **known)["orthanc_task"] == "nowhere"


@hypothesis_settings(suppress_health_check=["function_scoped_fixture"])  # type: ignore[list-item]
@given(
    st.lists(
        st.sampled_from(
            ["studies", "series", "instances", "1.2", "..", ".", "", "%2e", "servers", "bulk", "a?b"]
        )
    )
)
def test_no_address_that_passes_has_parts_that_can_be_read_in_two_ways(front: str, parts: list[str]) -> None:
    target = "/dicom-web/" + "/".join(parts)
    if task(front, "GET", target) != "nowhere":
        path = target.partition("?")[0]
        assert not {"", ".", "..", "servers", "%2e"} & set(path.split("/")[1:])


@pytest.mark.parametrize(
    ("target", "uids"),
    [
        ("/dicom-web/studies?StudyInstanceUID=1.2.3", ("", "", "")),
        (STUDY, ("1.2.3", "", "")),
        (f"{STUDY}/series", ("1.2.3", "", "")),
        (f"{SERIES}/metadata?x", ("1.2.3", "1.2.3.4", "")),
        (f"{INSTANCE}/frames/1", ("1.2.3", "1.2.3.4", "1.2.3.4.5")),
    ],
)
def test_the_audit_log_has_the_uids_of_the_address(
    front: str, target: str, uids: tuple[str, str, str]
) -> None:
    found = values(front, request_uri=target, audited_studies="")
    assert (found["study"], found["series"], found["instance"]) == uids


def test_the_audit_log_has_the_studies_that_an_upload_stored(front: str) -> None:
    assert values(front, request_uri="/dicom-web/studies", audited_studies="1.2 1.3")["study"] == "1.2 1.3"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/dicom-web/studies?PatientName=DOE^JOHN", "/dicom-web/studies"),
        ("/dicom-web/studies/DOE^JOHN", "/dicom-web/studies/DOE"),
        ("/a%20name", "/a"),
        ("/" + "x" * 5000, "/" + "x" * 499),
    ],
)
def test_the_audit_log_has_of_the_address_what_can_be_no_name_of_a_patient(
    front: str, target: str, path: str
) -> None:
    assert values(front, request_uri=target)["path"] == path


@pytest.mark.parametrize(
    ("method", "target", "action"),
    [
        ("GET", "/healthz", "health"),
        ("GET", "/dicom-web/studies", "search"),
        ("GET", f"{STUDY}/series", "search"),
        ("GET", INSTANCE, "retrieve"),
        ("POST", "/dicom-web/studies", "store"),
        ("OPTIONS", "/dicom-web/studies", "preflight"),
        ("DELETE", STUDY, "other"),
        ("GET", "/dicom-web/servers", "other"),
        ("GET", "/viewer/", "view"),
        ("GET", "/orthanc/system", "admin"),
        ("DELETE", f"/orthanc/studies/{ORTHANC_ID}", "delete"),
        ("GET", "/wp-login.php", "other"),
    ],
)
def test_the_audit_log_has_an_action(front: str, method: str, target: str, action: str) -> None:
    assert values(front, request=f"{method} {target} HTTP/1.1", request_uri=target)["action"] == action


@pytest.mark.parametrize(
    ("query", "sent", "warned"),
    [
        ("", "limit=1000", True),
        ("PatientName=A", "PatientName=A&limit=1000", True),
        ("limit=5", "limit=5", False),
        ("PatientName=A&limit=5&offset=3", "PatientName=A&limit=5&offset=3", False),
        ("unlimited=1", "unlimited=1&limit=1000", True),
    ],
)
def test_a_search_of_everything_gets_a_limit_and_says_so(
    front: str, query: str, sent: str, warned: bool
) -> None:
    found = values(front, args=query)
    assert found["search_arguments"] == sent
    assert found["search_warning"].startswith("299 ") is warned


OWN, ALLOWED, FOREIGN = "https://images.example.org", "https://viewer.example.org", "https://evil.example"


@pytest.mark.parametrize(
    ("method", "target", "origin", "site", "forged"),
    [
        ("POST", "/dicom-web/studies", "", "", False),
        ("POST", "/dicom-web/studies", OWN, "same-origin", False),
        ("POST", "/dicom-web/studies", ALLOWED, "cross-site", False),
        ("POST", "/dicom-web/studies", "https://other.example.org", "cross-site", False),
        ("POST", "/dicom-web/studies", FOREIGN, "cross-site", True),
        ("POST", "/dicom-web/studies", FOREIGN, "", True),
        ("POST", "/dicom-web/studies", "null", "", True),
        ("POST", "/dicom-web/studies", "", "cross-site", True),
        ("POST", "/dicom-web/studies", "", "same-site", True),
        ("GET", "/dicom-web/studies", FOREIGN, "cross-site", False),
        ("DELETE", "/orthanc/studies/x", OWN, "same-origin", False),
        ("DELETE", "/orthanc/studies/x", ALLOWED, "cross-site", True),
        ("POST", "/orthanc/tools/find", FOREIGN, "cross-site", True),
    ],
)
def test_a_page_of_another_origin_changes_nothing(
    front: str, method: str, target: str, origin: str, site: str, forged: bool
) -> None:
    known = {"request": f"{method} {target} HTTP/1.1", "request_uri": target}
    found = values(front, http_origin=origin, http_sec_fetch_site=site, **known)
    assert bool(found["forged"]) is forged

"""The conformance statement: what its tables say is what the store does."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

import pytest
import requests
from PIL import Image as Picture
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from tests.docs.pages import rows
from tests.e2e import multipart, wheel
from tests.e2e.multipart import OCTETS
from tests.e2e.running import Running
from tests.e2e.stored import Wheel, make_series
from tests.e2e.wheel import Image

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shared")]
PAGE = "docs/conformance.md"
LEVELS = {"studies": ("Study",), "series": ("Study", "Series"), "instances": ("Study", "Series", "Instance")}
ITSELF = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}
# What section 5.2 says below the table, by level.
COMPUTED = {
    "studies": {"ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"},
    "series": {"NumberOfSeriesRelatedInstances", "RequestAttributesSequence"},
    "instances": {"InstanceAvailability", "RequestAttributesSequence"},
}
EVERYWHERE = {"SpecificCharacterSet", "RetrieveURL"}


@dataclass(frozen=True)
class Attribute:
    """A line of the table of attributes."""

    keyword: str
    tag: str
    level: str
    matching: str
    returned: str


ATTRIBUTES = [Attribute(*row) for row in rows(PAGE, "Attributes")]
VALUES = {
    "DA": ("20250102", "20250302"),
    "TM": ("101112", "131415"),
    "IS": ("3", "4"),
    "US": ("4", "8"),
    "PN": ("Abel^Anna", "Bert^Bo"),
}
OWN_VALUES = {
    "Modality": ("CT", "MR"),
    "SOPClassUID": (CTImageStorage, MRImageStorage),
    "TimezoneOffsetFromUTC": ("+0100", "-0200"),
    "NumberOfFrames": ("1", "2"),
    "BitsAllocated": ("8", "16"),
}


@dataclass(frozen=True)
class Pair:
    """Two instances that have every attribute of the table, each with another value."""

    store: Running
    values: tuple[dict[str, str], dict[str, str]]

    def ask(self, level: str, **query: str) -> requests.Response:
        return self.store.session().get(f"{self.store.root}/{level}", params=query)

    def found(self, level: str, **query: str) -> str:
        """Which of the two a search finds, of these two only: "", "A", "B" or "AB"."""
        patients = ",".join(values["PatientID"] for values in self.values)
        answer = self.ask(level, **{"PatientID": patients, "limit": "100000", **query})
        assert answer.status_code == 200, (level, query, answer.text)
        own = keyword_for_tag(ITSELF[level])
        there = {result[ITSELF[level]]["Value"][0] for result in answer.json()}
        return "".join(name for name, values in zip("AB", self.values, strict=True) if values[own] in there)


@pytest.fixture(scope="module")
def pair(shared_store: Running) -> Pair:
    a, b = ({one.keyword: _value(one.keyword, number) for one in ATTRIBUTES} for number in (0, 1))
    answer = multipart.upload(shared_store.session(), shared_store.root, [_file(a), _file(b)])
    assert answer.status_code == 200
    return Pair(shared_store, (a, b))


def _value(keyword: str, number: int) -> str:
    vr = dictionary_VR(keyword)
    if keyword in OWN_VALUES:
        return OWN_VALUES[keyword][number]
    if vr in VALUES:
        return VALUES[vr][number]
    # The beginning tells the two apart, and the end as well.
    return generate_uid() if vr == "UI" else f"{'AB'[number]}{keyword[:10]}{number}".upper()


def _file(values: dict[str, str]) -> bytes:
    image = FileDataset("", {}, preamble=bytes(128))
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in values.items():
        setattr(image, keyword, int(value) if dictionary_VR(keyword) == "US" else value)
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.SpecificCharacterSet = "ISO_IR 192"
    image.RequestAttributesSequence = [Dataset()]
    image.RequestAttributesSequence[0].ScheduledProcedureStepID = "STEP"
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.BitsStored, image.HighBit = image.BitsAllocated, image.BitsAllocated - 1
    image.PixelData = bytes(image.Rows * image.Columns * image.BitsAllocated // 8 * int(image.NumberOfFrames))
    stream = BytesIO()
    image.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _at(level: str) -> Iterator[tuple[Attribute, str]]:
    """The attributes that are keys of a level, each with what the page names it by: keyword and tag by turns."""
    for number, attribute in enumerate(ATTRIBUTES):
        if attribute.level in LEVELS[level]:
            yield attribute, attribute.tag if number % 2 else attribute.keyword


def test_the_table_names_each_attribute_by_its_tag() -> None:
    assert len(ATTRIBUTES) > 40
    assert [keyword_for_tag(one.tag) for one in ATTRIBUTES] == [one.keyword for one in ATTRIBUTES]


@pytest.mark.parametrize("level", LEVELS)
def test_each_key_is_matched_by_a_value_a_list_and_an_empty_value(pair: Pair, level: str) -> None:
    wrong = {}
    for attribute, key in _at(level):
        a, b = (values[attribute.keyword] for values in pair.values)
        wanted = {a: "A", b: "B", f"{a},{b}": "AB", f"{a}\\{b}": "", "": "AB"}
        got = {asked: pair.found(level, **{key: asked}) for asked in wanted}
        if got != wanted:
            wrong[attribute.keyword] = got
    assert not wrong


@pytest.mark.parametrize("level", LEVELS)
def test_each_key_takes_the_wildcards_that_the_table_says(pair: Pair, level: str) -> None:
    wrong = {}
    for attribute, key in _at(level):
        a, b = (values[attribute.keyword] for values in pair.values)
        if attribute.matching == "Wildcard":
            wanted: dict[str, str | int] = {f"{a[0]}*": "A", f"{b[0]}*": "B", f"?{a[1:]}": "A"}
            got: dict[str, str | int] = {asked: pair.found(level, **{key: asked}) for asked in wanted}
        else:
            wanted = {"1*": 400, "1?": 400}
            got = {asked: pair.ask(level, **{key: asked}).status_code for asked in wanted}
        if got != wanted:
            wrong[attribute.keyword] = got
    assert not wrong


@pytest.mark.parametrize("level", LEVELS)
def test_each_key_takes_the_ranges_that_the_table_says(pair: Pair, level: str) -> None:
    wrong = {}
    for attribute, key in _at(level):
        a, b = (values[attribute.keyword] for values in pair.values)
        wanted = {f"{a}-{b}": "AB", f"{a}-{a}": "A", f"-{a}": "A", f"{b}-": "B"}
        got = {asked: pair.found(level, **{key: asked}) for asked in wanted}
        if got != (wanted if attribute.matching == "Range" else dict.fromkeys(wanted, "")):
            wrong[attribute.keyword] = got
    assert not wrong


@pytest.mark.parametrize("level", LEVELS)
def test_each_key_can_be_searched_by_the_page(pair: Pair, level: str) -> None:
    for _, key in _at(level):
        assert pair.ask(level, **{key: "1", "offset": "1", "limit": "1"}).status_code == 200, key


@pytest.mark.parametrize("level", LEVELS)
def test_a_search_returns_what_the_table_says_and_nothing_else(pair: Pair, level: str) -> None:
    below = [one for one in ATTRIBUTES if one.level in LEVELS[level]]
    always = {one.keyword for one in below if one.returned == "Always"}
    (result,) = pair.ask(level, PatientID=pair.values[0]["PatientID"]).json()
    assert {keyword_for_tag(tag) for tag in result} == always | COMPUTED[level] | EVERYWHERE
    asked = ",".join(one.keyword for one in below if one.returned == "Asked for")
    (result,) = pair.ask(level, PatientID=pair.values[0]["PatientID"], includefield=asked).json()
    assert {keyword_for_tag(tag) for tag in result} == {one.keyword for one in below} | COMPUTED[
        level
    ] | EVERYWHERE


def test_an_attribute_that_is_a_key_is_returned(pair: Pair) -> None:
    assert "00081030" in pair.ask("studies", StudyDescription=pair.values[0]["StudyDescription"]).json()[0]


@pytest.mark.parametrize("parameter", ["includefield=all", "includefield=00091001", "fuzzymatching=true"])
def test_parameters_that_change_nothing(pair: Pair, parameter: str) -> None:
    plain = {"PatientID": pair.values[0]["PatientID"], "limit": "5"}
    name, _, value = parameter.partition("=")
    assert pair.ask("studies", **plain, **{name: value}).json() == pair.ask("studies", **plain).json()


def test_names_are_matched_whole_without_regard_to_case_and_not_by_their_likeness(
    pair: Pair, wheel: Wheel
) -> None:
    image = wheel.image("chrGerm.dcm")  # Äneas^Rüdiger
    for name, found in (("äneas^rüdiger", True), ("Äneas*", True), ("Aneas*", False), ("Äneas", False)):
        uids = {r["0020000D"]["Value"][0] for r in pair.ask("studies", PatientName=name).json()}
        assert (image.study in uids) is found, name
    assert pair.found("studies", PatientName="Able^Ana", fuzzymatching="true") == ""


def test_names_in_several_scripts_are_one_text(pair: Pair, wheel: Wheel) -> None:
    image = wheel.image("chrX1.dcm")  # Wang^XiaoDong=王^小東
    for name, found in (("Wang^XiaoDong*", True), ("*王^小東*", True), ("Wang^XiaoDong", False)):
        uids = {r["0020000D"]["Value"][0] for r in pair.ask("studies", PatientName=name).json()}
        assert (image.study in uids) is found, name


def test_a_key_that_is_unknown_or_within_a_sequence_is_ignored(pair: Pair) -> None:
    for key in ("patientid", "RequestAttributesSequence.ScheduledProcedureStepID", "00091001"):
        assert pair.found("studies", **{key: "x"}) == "AB"


def test_a_limit_of_nothing_is_no_limit_and_others_are_numbers(pair: Pair) -> None:
    everything = len(pair.ask("studies", limit="100000").json())
    assert len(pair.ask("studies", limit="0").json()) == everything > 20
    assert len(pair.ask("studies", limit="7").json()) == 7
    assert len(pair.ask("studies", offset="3", limit="100000").json()) == everything - 3


def test_attributes_of_what_is_named_by_a_key_are_left_out(pair: Pair) -> None:
    values = pair.values[0]
    (result,) = pair.ask("series", StudyInstanceUID=values["StudyInstanceUID"]).json()
    assert "00100010" not in result
    (result,) = pair.ask("instances", SeriesInstanceUID=values["SeriesInstanceUID"]).json()
    assert "00080060" not in result
    assert "00100010" in result
    (result,) = pair.ask(f"studies/{values['StudyInstanceUID']}/instances").json()
    assert {"00100010", "00080060"} <= set(result)


def test_modalities_are_a_key_of_studies_that_cannot_be_paged(pair: Pair) -> None:
    assert [pair.found("studies", ModalitiesInStudy=value) for value in ("CT", "M?", "CT,MR")] == [
        "A",
        "B",
        "AB",
    ]
    assert pair.ask("studies", ModalitiesInStudy="CT", offset="1").status_code == 400


def test_other_attributes_are_keys_without_pages(pair: Pair, wheel: Wheel) -> None:
    image = wheel.image("CT_small.dcm")
    query = {"ContentDate": str(image.dataset.ContentDate)}
    uids = {r["0020000D"]["Value"][0] for r in pair.ask("studies", **query).json()}
    assert image.study in uids
    assert not pair.found("studies", **query)
    assert pair.ask("studies", **query, offset="1").status_code == 400


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("application/json", "application/dicom+json"),
        ("image/jpeg", "application/dicom+json"),
        ("application/dicom+xml", "multipart/related"),
        ('multipart/related; type="application/dicom+xml"', "multipart/related"),
    ],
)
def test_a_search_is_answered_in_json_or_xml(pair: Pair, accept: str, given: str) -> None:
    answer = pair.store.session().get(f"{pair.store.root}/studies?limit=2", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith(given)


# --- Transfer syntaxes ---


@pytest.mark.parametrize("line", rows(PAGE, "Media types", 1, 1), ids=lambda line: line[1])
def test_each_transfer_syntax_is_handed_out_as_the_table_says(shared_store: Running, line: list[str]) -> None:
    _, uid, as_stored, decoded = line
    session, (file, address) = shared_store.session(), _alone(_of_syntax(uid))
    assert multipart.upload(session, shared_store.root, [file]).status_code == 200

    def get(path: str, accept: str) -> requests.Response:
        return session.get(f"{shared_store.root}/{address}{path}", headers={"Accept": accept})

    stored = get("/frames/1", OCTETS)
    assert re.findall(rb"Content-Type: ([a-z/0-9-]+)", stored.content)[0].decode() == as_stored.strip("`")
    expected = {"Yes": (200, 200, 200), "No": (500, 500, 400)}[decoded]
    whole = get("", 'multipart/related; type="application/dicom"')
    frame = get("/frames/1", 'multipart/related; type="application/octet-stream"')
    assert (whole.status_code, frame.status_code, get("/rendered", "image/png").status_code) == expected


def _of_syntax(uid: str) -> Image:
    """An image of a transfer syntax that is not left out for its kind of pixels."""
    return next(
        image
        for image in wheel.fit()
        if image.transfer_syntax == uid
        and image.dataset.get("PixelData")
        and image.dataset.BitsAllocated <= 16
        and image.path.name != "SC_ybr_full_422_uncompressed.dcm"
    )


def _alone(image: Image) -> tuple[bytes, str]:
    """The image as one that no other file is the rival of, and its address."""
    dataset, stream = image.dataset, BytesIO()
    dataset.StudyInstanceUID, dataset.SOPInstanceUID = generate_uid(), generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(stream, enforce_file_format=True)
    address = f"studies/{dataset.StudyInstanceUID}/series/{image.series}/instances/{dataset.SOPInstanceUID}"
    return stream.getvalue(), address


def test_a_picture_has_the_size_and_the_window_that_are_asked_for(
    shared_store: Running, wheel: Wheel
) -> None:
    session, url = shared_store.session(), f"{shared_store.root}/{wheel.image('CT_small.dcm').url}/rendered"
    for width, height in ((64, 20), (500, 300), (20, 64)):
        answer = session.get(url, params={"viewport": f"{width},{height}"})
        with Picture.open(BytesIO(answer.content)) as picture:
            assert picture.size == (width, height)
    shown = {
        function: session.get(url, params={"window": f"40,400,{function}"}, headers={"Accept": "image/png"})
        for function in ("linear", "linear-exact", "sigmoid")
    }
    assert {answer.status_code for answer in shown.values()} == {200}
    assert shown["linear"].content != shown["sigmoid"].content


# --- Status codes ---

# Shown by tests of their own, which need other users, faults or floods.
ELSEWHERE = {403, 429, 503}
Ask = Callable[[requests.Session, str, Wheel], requests.Response]


def _get(path: str, accept: str = "*/*") -> Ask:
    def ask(session: requests.Session, root: str, wheel: Wheel) -> requests.Response:
        url = wheel.image("CT_small.dcm").url
        jpeg_2000 = wheel.image("693_J2KI.dcm").url
        address = path.format(instance=url, jpeg2000=jpeg_2000, long="9" * 20_000)
        return session.get(f"{root}/{address}", headers={"Accept": accept})

    return ask


def _post(files: Iterable[bytes], path: str = "studies", kind: str = "") -> Ask:
    def ask(session: requests.Session, root: str, wheel: Wheel) -> requests.Response:
        body = b"".join(multipart.body(files, "b"))
        content_type = kind or multipart.content_type("b")
        return session.post(f"{root}/{path}", data=body, headers={"Content-Type": content_type})

    return ask


def _anonymous(ask: Ask) -> Ask:
    def without(session: requests.Session, root: str, wheel: Wheel) -> requests.Response:
        session.auth = None
        return ask(session, root, wheel)

    return without


def _method(method: str, path: str) -> Ask:
    return lambda session, root, wheel: session.request(method, f"{root}/{path}")


SEARCH = {
    200: [_get("studies?PatientID=nobody-has-this"), _get("studies/1.2.3/series")],
    400: [
        _get("studies?StudyDate=2025*"),
        _get("studies?StudyInstanceUID=1.2*"),
        _get("studies?limit=few"),
        _get("studies?offset=x"),
        _get("studies?ContentDate=20250101&offset=1"),
    ],
    401: [_anonymous(_get("studies"))],
    404: [_get("patients"), _get("studies/"), _get("studies/x/series")],
    405: [_method("PUT", "studies"), _method("DELETE", "series")],
    414: [_get("studies?PatientID={long}")],
}
RETRIEVE = {
    200: [_get("{instance}"), _get("{instance}/rendered"), _get("{instance}/bulk/7fe00010")],
    400: [
        _get("{instance}", "application/dicom"),
        _get("{instance}/metadata", "text/html"),
        _get("{instance}/frames/1", "application/octet-stream"),
        _get("{instance}/frames/2"),
        _get("{instance}/rendered", "image/webp,*/*"),
        _get("{instance}/rendered?window=40,400"),
        _get("{instance}/rendered?quality=101"),
        _get("{instance}", 'multipart/related; type="application/dicom"; transfer-syntax=1.2.3'),
        _get("{jpeg2000}/rendered"),
    ],
    401: [_anonymous(_get("{instance}"))],
    404: [
        _get("studies/1.2.3"),
        _get("studies/1.2.3/metadata"),
        _get("{instance}/bulk/00109999"),
        _get("{instance}/frames"),
        _get("{instance}/bulkdata"),
        _get("{instance}/rendered?viewport=0,0"),
    ],
    405: [_method("DELETE", "studies/1.2.3"), _method("PUT", "studies/1.2.3/metadata")],
    414: [_get("studies/1.2.3?x={long}")],
    500: [
        _get("{jpeg2000}", 'multipart/related; type="application/dicom"'),
        _get(
            "{instance}", 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.5'
        ),
    ],
}
STORE = {
    200: [_post(make_series(1).files.values())],
    400: [_post([b"no DICOM"]), _post([])],
    401: [_anonymous(_post([b"no DICOM"]))],
    404: [_post([b""], "studies/x"), _post([b""], "patients")],
    405: [_post([b""], "series"), _method("PUT", "studies/1.2.3")],
    409: [_post(make_series(1).files.values(), "studies/1.2.3")],
    415: [
        _post([b""], kind="application/dicom"),
        _post([b""], kind="multipart/related; boundary=b"),
        _post([b""], kind='multipart/related; type="application/dicom+json"; boundary=b'),
    ],
}
# A deployment's greatest upload is too much for a test; the search below needs a study of its own.
CASES = {
    "Search": (SEARCH, ELSEWHERE | {500}),
    "Retrieve": (RETRIEVE, ELSEWHERE),
    "Store": (STORE, ELSEWHERE | {413}),
}


@pytest.mark.parametrize("transaction", CASES)
def test_the_status_codes_are_those_that_are_shown_here_or_elsewhere(transaction: str) -> None:
    section = f"7.{list(CASES).index(transaction) + 2} Status codes of the {transaction} transaction"
    cases, elsewhere = CASES[transaction]
    assert {int(row[0]) for row in rows(PAGE, section)} == cases.keys() | elsewhere


@pytest.mark.parametrize(
    ("transaction", "status"), [(name, status) for name, (cases, _) in CASES.items() for status in cases]
)
def test_each_status_code_has_its_conditions(
    shared_store: Running, wheel: Wheel, transaction: str, status: int
) -> None:
    asked = CASES[transaction][0][status]
    answers = [ask(shared_store.session(), shared_store.root, wheel) for ask in asked]
    assert [answer.status_code for answer in answers] == [status] * len(asked)


def test_a_search_of_studies_by_an_attribute_of_series_fails_where_two_series_match(
    shared_store: Running,
) -> None:
    study, name = generate_uid(), generate_uid()[-16:]
    values = {one.keyword: _value(one.keyword, 0) for one in ATTRIBUTES}
    files = [_file({**values, **_identity(study), "ProtocolName": name, "PatientID": name}) for _ in range(2)]
    session, root = shared_store.session(), shared_store.root
    assert multipart.upload(session, root, files).status_code == 200
    assert session.get(f"{root}/studies", params={"ProtocolName": name}).status_code == 500
    assert len(session.get(f"{root}/series", params={"ProtocolName": name}).json()) == 2


def _identity(study: str) -> dict[str, str]:
    return {"StudyInstanceUID": study, "SeriesInstanceUID": generate_uid(), "SOPInstanceUID": generate_uid()}

"""The status that an upload gets, for what Orthanc says of it; the bodies are Orthanc's own."""

import json

import pytest

from nginx.stow_verdict import Upload, verdict

STORED = json.dumps(
    {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}]}}, indent=1
)
NOTHING = json.dumps({"00081199": {"vr": "SQ"}}, indent=1)
XML_STORED = '<DicomAttribute tag="00081155" vr="UI" keyword="ReferencedSOPInstanceUID">\n<Value number="1">1.2</Value>'


def failed(reason: int) -> str:
    item = {"00081155": {"Value": ["1.2"]}, "00081197": {"Value": [reason], "vr": "US"}}
    return json.dumps({"00081198": {"Value": [item], "vr": "SQ"}}, indent="\t")


def failed_xml(reason: int) -> str:
    return f'<DicomAttribute tag="00081197" vr="US" keyword="FailureReason">\n  <Value number="1">{reason}</Value>'


@pytest.mark.parametrize(
    ("status", "body", "is_whole", "expected"),
    [
        (200, STORED, True, 200),
        (200, XML_STORED, True, 200),
        (200, STORED, False, 400),
        (200, XML_STORED, False, 400),
        (200, NOTHING, True, 400),
        (200, "", True, 400),
        (202, failed(0x0110), True, 503),
        (202, failed(0xC000), True, 202),
        (202, failed(0xC000), False, 400),
        (400, failed(0x0110), True, 503),
        (400, failed_xml(0x0110), True, 503),
        (400, failed(0xC000), True, 400),
        (400, failed_xml(0xC000), True, 400),
        (400, NOTHING, True, 400),
        (400, "no JSON", True, 400),
    ],
)
def test_the_status_says_what_became_of_an_upload(
    status: int, body: str, is_whole: bool, expected: int
) -> None:
    assert verdict(status, body.encode(), is_whole) == expected


def upload(body: bytes, content_type: str, piece: int) -> Upload:
    request = (
        b"POST /dicom-web/studies HTTP/1.1\r\nContent-Type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    noted = Upload()
    for start in range(0, len(request), piece):
        noted.add(request[start : start + piece])
    return noted


@pytest.mark.parametrize("piece", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("end", "is_whole"),
    [
        (b"\r\n--x-y--\r\n", True),
        (b"\r\n--x-y--", True),
        (b"\r\n--x-y--\r\nan epilogue", True),
        (b"\r\n--x-y\r\n", False),
        (b"\r\n--other--\r\n", False),
        (b"", False),
        # In chunks that end anywhere.
        (b"9\r\n\r\n--x-y--\r\n0\r\n\r\n", True),
        (b"5\r\n\r\n--x\r\n4\r\n-y--\r\n0\r\n\r\n", True),
        (b"8\r\n\r\n--x-y-\r\n1\r\n-\r\n0\r\n\r\n", True),
        (b"8\r\n\r\n--x-y-\r\n0\r\n\r\n", False),
    ],
)
@pytest.mark.parametrize("boundary", ["x-y", '"x-y"', "x-y; start=a"])
def test_an_upload_is_whole_with_its_last_delimiter(
    end: bytes, is_whole: bool, boundary: str, piece: int
) -> None:
    content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
    assert upload(bytes(50_000) + end, content_type, piece).is_whole is is_whole


def test_an_upload_without_a_boundary_is_never_whole() -> None:
    assert not upload(b"--x--", "multipart/related", 100).is_whole

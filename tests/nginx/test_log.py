import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nginx.log import copy, copy_redacted, redacted

START = (
    b"2026/01/01 00:00:00 [error] 7#7: *1 upstream timed out (110: Timed out), client: 10.0.0.1, server: _, "
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            START + b'request: "GET /dicom-web/studies?PatientName=DOE HTTP/1.1", upstream: '
            b'"https://10.0.0.9:443/dicom-web/studies?PatientName=DOE&limit=1000", host: "a", referrer: "https://a/?DOE"',
            START + b'request: "GET /dicom-web/studies?", upstream: '
            b'"https://10.0.0.9:443/dicom-web/studies?", host: "a", referrer: "https://a/?"',
        ),
        (
            START + b'request: "GET /x?a="DOE", b HTTP/1.1", host: "a"',
            START + b'request: "GET /x?", host: "a"',
        ),
        (START + b'request: "GET /x?DOE', START + b'request: "GET /x?'),
        (START + b'request: "GET /x HTTP/1.1", host: "a"', START + b'request: "GET /x HTTP/1.1", host: "a"'),
        (b"2026/01/01 00:00:00 [notice] 1#1: exiting", b"2026/01/01 00:00:00 [notice] 1#1: exiting"),
    ],
)
def test_a_line_of_the_error_log_loses_its_queries(line: bytes, expected: bytes) -> None:
    assert redacted(line) == expected


@given(
    st.binary(max_size=50).filter(lambda query: b"\n" not in query),
    st.sampled_from([b"request", b"upstream", b"referrer"]),
)
def test_nothing_of_a_query_is_left_unless_it_looks_like_the_fields_that_follow(
    query: bytes, field: bytes
) -> None:
    secret = b"PatientName=DOE" + query.replace(b'"', b"")
    line = redacted(START + field + b': "GET /dicom-web/studies?' + secret + b' HTTP/1.1", host: "a"')
    assert b"DOE" not in line
    assert line.endswith(b', host: "a"')


def test_logs_are_copied_to_their_end(tmp_path: Path) -> None:
    script = "import sys; sys.stdout.write('a' * 300_000); sys.stderr.write('request: \"GET /?DOE\"\\n' * 3)"
    with (
        subprocess.Popen([sys.executable, "-c", script], stdout=-1, stderr=-1, bufsize=0) as process,
        (tmp_path / "out").open("wb") as out,
        (tmp_path / "errors").open("wb") as errors,
    ):
        assert process.stdout
        assert process.stderr
        copy(process.stdout, out.fileno())
        copy_redacted(process.stderr, errors.fileno())
    assert (tmp_path / "out").read_bytes() == b"a" * 300_000
    assert (tmp_path / "errors").read_bytes() == b'request: "GET /?"\n' * 3


def test_who_writes_to_a_log_that_nobody_takes_does_not_wait_for_ever() -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(["yes"], stdout=-1, stderr=subprocess.DEVNULL, bufsize=0) as process:
        assert process.stdout
        with pytest.raises(BrokenPipeError):
            copy(process.stdout, write)
        assert process.wait(10) != 0
    os.close(write)

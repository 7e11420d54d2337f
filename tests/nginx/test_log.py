import os
import subprocess
import sys

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


def test_logs_are_copied_to_their_end() -> None:
    script = "import sys; sys.stdout.write('a' * 300_000); sys.stderr.write('x \"GET /?DOE\"\\n' * 3)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=-1, stderr=-1, bufsize=0) as process:
        read, write = os.pipe()
        read_errors, write_errors = os.pipe()
        threads = [copy(process.stdout, write), copy_redacted(process.stderr, write_errors)]
        total = 0
        while total < 300_000:
            total += len(os.read(read, 65536))
        for thread in threads:
            thread.join(10)
        assert len(os.read(read_errors, 65536).splitlines()) == 3

import pytest

from nginx.access.rules import permits
from nginx.access.users import Role

READER, WRITER, ADMIN = Role


@pytest.mark.parametrize(
    ("area", "method", "allowed"),
    [
        ("dicom-web", "GET", {READER, WRITER, ADMIN}),
        ("dicom-web", "HEAD", {READER, WRITER, ADMIN}),
        ("dicom-web", "POST", {WRITER, ADMIN}),
        ("dicom-web", "DELETE", set()),
        ("dicom-web", "PUT", set()),
        ("viewer", "GET", {READER, WRITER, ADMIN}),
        ("viewer", "POST", set()),
        ("orthanc", "GET", {ADMIN}),
        ("orthanc", "POST", {ADMIN}),
        ("orthanc", "DELETE", {ADMIN}),
        ("nowhere", "GET", {READER, WRITER, ADMIN}),
        ("nowhere", "PUT", {READER, WRITER, ADMIN}),
        ("", "GET", set()),
        ("other", "GET", set()),
    ],
)
def test_who_may_do_what(area: str, method: str, allowed: set[Role]) -> None:
    assert {role for role in Role if permits(role, area, method)} == allowed

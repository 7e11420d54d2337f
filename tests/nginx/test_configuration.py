import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from nginx.certificate import make_certificate
from nginx.configuration import common_values, fill, front_values, resolver, write_private
from nginx.settings import Settings
from tests.nginx.maps import values


def filled(settings: Settings, folder: Path, mode: str) -> str:
    """The front's configuration in an access mode."""
    return fill("front", front_values(replace(settings, access_mode=mode), folder, "nameserver 10.0.0.2"))


def test_everything_is_filled_in(front: str, tmp_path: Path) -> None:
    assert "%{" not in front
    assert "%{" not in fill("sidecar", common_values(tmp_path))


def test_braces_are_balanced(front: str) -> None:
    blocks = [line for line in front.splitlines() if not line.lstrip().startswith(("#", '"~', "'{", "'\""))]
    assert sum(line.endswith(" {") for line in blocks) == sum(line.strip() == "}" for line in blocks)


def test_an_origin_of_ones_own_is_not_listed_twice(settings: Settings, tmp_path: Path) -> None:
    found = front_values(settings, tmp_path, "nameserver 10.0.0.2")
    assert found["OWN_ORIGIN"] == "https://images.example.org"
    assert found["ALLOWED_ORIGINS"].split() == [
        '"https://viewer.example.org"',
        "allowed;",
        '"https://other.example.org"',
        "allowed;",
    ]


@pytest.mark.parametrize(
    ("mode", "challenge"),
    [("basic", 'Basic realm="Image store", charset="UTF-8"'), ("jwt", "Bearer"), ("mtls", "")],
)
def test_a_401_asks_for_what_the_access_mode_takes(
    settings: Settings, tmp_path: Path, mode: str, challenge: str
) -> None:
    front = filled(settings, tmp_path, mode)
    assert values(front, status="401")["challenge"] == challenge
    assert values(front, status="403")["challenge"] == ""


@pytest.mark.parametrize(
    ("mode", "method", "shown"),
    [
        ("basic", "GET", ("secret", "")),
        ("jwt", "POST", ("secret", "")),
        ("mtls", "GET", ("", "CN=ct-2")),
        *((mode, "OPTIONS", ("", "")) for mode in ("basic", "jwt", "mtls")),
    ],
)
def test_an_options_shows_nothing_that_is_believed(
    settings: Settings, tmp_path: Path, mode: str, method: str, shown: tuple[str, str]
) -> None:
    found = values(
        filled(settings, tmp_path, mode),
        request=f"{method} /orthanc/x HTTP/1.1",
        http_authorization="secret",
        http_x_amzn_mtls_clientcert_subject="CN=ct-2",
    )
    assert (found["credentials"], found["subject"]) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 169.254.169.253\n", "169.254.169.253"),
        ("search a.b\nnameserver\t10.89.1.1\nnameserver 1.1.1.1\n", "10.89.1.1"),
        ("nameserver fe80::1%eth0", "[fe80::1]"),
        ("# nameserver 1.1.1.1\nnameserver 2.2.2.2", "2.2.2.2"),
    ],
)
def test_the_first_name_server_is_asked(text: str, expected: str) -> None:
    assert resolver(text) == expected


def test_without_a_name_server_nothing_starts() -> None:
    with pytest.raises(ValueError, match="no name server"):
        resolver("search example.org\n")


def test_what_is_private_is_readable_by_its_user_only(tmp_path: Path) -> None:
    write_private(tmp_path / "a", "secret")
    make_certificate("images.example.org", tmp_path)
    for name in ("a", "key.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_certificate_is_of_the_name_even_where_that_is_long(tmp_path: Path) -> None:
    name = f"{'a' * 60}.{'b' * 60}.example.org"
    make_certificate(name, tmp_path)
    text = subprocess.run(
        ["openssl", "x509", "-in", str(tmp_path / "certificate.pem"), "-noout", "-text"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"DNS:{name}" in text
    assert "prime256v1" in text

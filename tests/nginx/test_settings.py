from pathlib import Path

import pytest

from nginx.settings import SettingsError, read_settings

GOOD = {
    "DOMAIN_NAME": "images.example.org",
    "INTERNAL_NAME": "internal.images.example.org",
    "INTERNAL_CA": __file__,
    "ACCESS_MODE": "basic",
    "FIRST_USER": "admin",
    "FIRST_PASSWORD": "first secret",
    "ORTHANC_USER": "nginx",
    "ORTHANC_PASSWORD": "service secret",
}


def test_what_is_not_set_has_its_default() -> None:
    settings = read_settings(GOOD)
    assert settings.public_host == "images.example.org"
    assert settings.largest_upload == "4g"
    assert settings.cors_allowed_origins == ()
    assert settings.viewer
    assert not settings.orthanc_ui
    assert settings.users_file is None


def test_another_port_is_a_part_of_the_public_host() -> None:
    assert read_settings(GOOD | {"PUBLIC_PORT": "8443"}).public_host == "images.example.org:8443"


def test_lists_are_parted_by_commas() -> None:
    settings = read_settings(
        GOOD
        | {
            "CORS_ALLOWED_ORIGINS": "https://a.org, http://localhost:3000",
            "TRUSTED_PROXIES": "10.0.0.0/16,::1/128",
        }
    )
    assert settings.cors_allowed_origins == ("https://a.org", "http://localhost:3000")
    assert settings.trusted_proxies == ("10.0.0.0/16", "::1/128")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOMAIN_NAME", ""),
        ("DOMAIN_NAME", "a b"),
        ("DOMAIN_NAME", 'a";}'),
        ("DOMAIN_NAME", "a\nb"),
        ("INTERNAL_NAME", "-a.example"),
        ("INTERNAL_NAME", "a" * 64 + ".example"),
        ("INTERNAL_PORT", "0"),
        ("PUBLIC_PORT", "https"),
        ("INTERNAL_CA", "/nowhere/ca.pem"),
        ("INTERNAL_CA", "/tmp/a;b"),
        ("ACCESS_MODE", "none"),
        ("ACCESS_MODE", ""),
        ("CORS_ALLOWED_ORIGINS", "https://a.org/"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", 'https://a" x;'),
        ("LARGEST_UPLOAD", "4"),
        ("LARGEST_UPLOAD", "4g;"),
        ("IDLE_SECONDS", "-1"),
        ("TRUSTED_PROXIES", "10.0.0.1/16"),
        ("VIEWER", "yes"),
        ("ORTHANC_UI", "1"),
        ("USERS_SECRET_ARN", "users"),
        ("USERS_FILE", "users.json"),
        ("FIRST_USER", ""),
        ("FIRST_PASSWORD", ""),
        ("ORTHANC_USER", "a:b"),
        ("ORTHANC_PASSWORD", ""),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} "):
        read_settings(GOOD | {name: value})


def test_every_wrong_variable_is_named_at_once_and_no_secret_told() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(GOOD | {"VIEWER": "maybe", "PUBLIC_PORT": "x", "ORTHANC_USER": "a:b"})
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["PUBLIC_PORT", "VIEWER", "ORTHANC_USER"]
    assert "secret" not in str(caught.value)


def test_an_empty_environment_names_all_that_must_be_set() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({})
    for name in ("DOMAIN_NAME", "INTERNAL_NAME", "ACCESS_MODE", "ORTHANC_USER", "ORTHANC_PASSWORD"):
        assert f"{name} must be set." in str(caught.value)


def test_only_basic_mode_needs_a_first_user() -> None:
    settings = read_settings(
        {name: value for name, value in GOOD.items() if "FIRST" not in name} | {"ACCESS_MODE": "jwt"}
    )
    assert settings.first_user == ""
    assert settings.internal_ca == Path(__file__)

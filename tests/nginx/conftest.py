import pytest

from nginx.configuration import fill, front_values
from nginx.settings import Settings, read_settings
from tests.nginx.test_settings import GOOD


@pytest.fixture
def settings() -> Settings:
    """A front with everything switched on."""
    return read_settings(
        GOOD
        | {
            "ORTHANC_UI": "true",
            "CORS_ALLOWED_ORIGINS": "https://viewer.example.org,https://Other.example.org",
            "TRUSTED_PROXIES": "10.0.0.0/16",
        }
    )


@pytest.fixture
def front(settings: Settings, tmp_path) -> str:
    """The front's configuration."""
    return fill("front", front_values(settings, tmp_path, "nameserver 10.0.0.2"))

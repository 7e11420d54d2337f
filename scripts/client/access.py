"""How a client reaches a store and shows who it is."""

from dataclasses import dataclass, field
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from scripts.errors import OperationError

# Seconds to connect, and seconds that an answer may pause: a large study takes minutes to be stored.
TIMEOUT = (10, 400)
_ATTEMPTS = 6


@dataclass(frozen=True)
class Access:
    """A store's DICOMweb root, a user and its password, and the authority's file where it is not a public one."""

    url: str
    user: str
    password: str = field(repr=False)
    authority: Path | None = None

    def session(self) -> requests.Session:
        """A session that tries again what the store asks to be tried again.

        Each upload is idempotent: Orthanc keeps one copy of an instance, however often it is sent.
        """
        session = requests.Session()
        # Without this, a variable of the environment would override the authority.
        session.trust_env = False
        session.verify = str(self.authority) if self.authority else True
        session.auth = (self.user, self.password)
        retry = Retry(
            total=_ATTEMPTS,
            backoff_factor=0.5,
            status_forcelist=(429, 502, 503, 504),
            raise_on_status=False,
            allowed_methods=None,
            respect_retry_after_header=True,
        )
        session.mount("https://", HTTPAdapter(max_retries=retry, pool_maxsize=16))
        return session

    def ensure_answers(self) -> None:
        """Raises OperationError at once where nothing answers; a session would try again for half a minute."""
        with self.session() as session:
            session.mount("https://", HTTPAdapter())
            try:
                session.get(f"{self.url}/studies?limit=1", timeout=TIMEOUT)
            except requests.RequestException as error:
                raise unreachable(self.url, error) from error


def unreachable(url: str, error: requests.RequestException) -> OperationError:
    """What is said where a store cannot be reached: the reason at the root of the error, without what is around it."""
    cause: BaseException = error
    while cause.__context__:
        cause = cause.__context__
    return OperationError(f"{url} cannot be reached", str(cause))


def root_of(url: str) -> str:
    """The DICOMweb root of a store's URL, or of the root itself; raises OperationError unless it is HTTPS."""
    if not url.startswith("https://"):
        raise OperationError(f"{url} is no address of an image store", "", "It begins with https://.")
    bare = url.rstrip("/")
    return bare if bare.endswith("/dicom-web") else f"{bare}/dicom-web"

"""An authority of the store's own, and the certificates of its load balancers and its database."""

import base64
from dataclasses import dataclass
from pathlib import Path

from scripts.local import state

INTERNAL_NAME = "internal.orthanc.test"
DATABASE_HOST = "database"


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, PEM in Base64, as a line of an environment file can hold them."""

    certificate: str
    key: str

    @property
    def together(self) -> str:
        """Certificate and key in one, as HAProxy wants them."""
        pem = base64.b64decode(self.certificate) + base64.b64decode(self.key)
        return base64.b64encode(pem).decode()


def authority_file(name: str) -> Path:
    """The certificate of the authority, for clients of the store."""
    return state.folder(name) / "authority" / "authority.pem"


def issue(file: Path) -> dict[str, Certificate]:
    """The certificates `public`, `internal` and `database`, of an authority that is made anew with each call.

    The authority's own certificate is written to `file`. Its key is not kept: nothing else can ever be issued by it.
    """
    import trustme

    authority = trustme.CA()
    file.parent.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(file))
    identities = {
        "public": ("localhost", "127.0.0.1", "::1"),
        "internal": (INTERNAL_NAME,),
        "database": (DATABASE_HOST,),
    }
    return {title: _certificate(authority.issue_cert(*names)) for title, names in identities.items()}


def _certificate(leaf: "trustme.LeafCert") -> Certificate:  # type: ignore[name-defined]  # noqa: F821 - imported late
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return Certificate(
        base64.b64encode(chain).decode(), base64.b64encode(leaf.private_key_pem.bytes()).decode()
    )

"""The key and certificate that a container makes for itself. Load balancers verify neither; they encrypt."""

import subprocess
from pathlib import Path

DAYS = 365


def make_certificate(name: str, folder: Path) -> None:
    """Writes `key.pem` and `certificate.pem`, P-256 and self-signed, for a host name; the key leaves memory nowhere."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
            # A subject's common name ends after 64 characters; a host name need not.
            *("-subj", "/CN=orthanc-aws", "-addext", f"subjectAltName=DNS:{name}", "-days", str(DAYS)),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
        umask=0o077,
    )

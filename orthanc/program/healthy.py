"""A deep health check: Orthanc answers on loopback, and so does its database, which this resource is read from."""

import base64
import os
import sys
import urllib.request

URL = "http://127.0.0.1:8042/changes?last"
TIMEOUT_SECONDS = 10


def main() -> int:
    """Returns 0 when both answer, 1 and a reason when not."""
    credential = f"{os.environ['ORTHANC_USER']}:{os.environ['ORTHANC_PASSWORD']}"
    authorization = f"Basic {base64.b64encode(credential.encode()).decode()}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(URL, headers={"Authorization": authorization}), timeout=TIMEOUT_SECONDS
        ):
            return 0
    except OSError as error:
        print(f"Orthanc or its database does not answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

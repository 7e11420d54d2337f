"""A deep health check: Orthanc answers on loopback, and so does its database, which this resource is read from.

After a failover of the database each connection that Orthanc had open before makes one request fail. So a failure is
tried again until the time is up: otherwise an idle Orthanc with twenty such connections would seem ill for twenty
checks, and ECS would replace it.
"""

import base64
import os
import sys
import time
import urllib.request

URL = "http://127.0.0.1:8042/changes?last"
# Less than the `Timeout` of the health check in the task definition.
SECONDS = 12
SECONDS_BETWEEN = 0.05


def main() -> int:
    """Returns 0 when both answer, 1 and a reason when not."""
    deadline = time.monotonic() + SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            _read(left)
            return 0
        except OSError as error:
            reason = error
            time.sleep(SECONDS_BETWEEN)
    print(f"Orthanc or its database does not answer: {reason}", file=sys.stderr)
    return 1


def _read(seconds: float) -> None:
    credential = f"{os.environ['ORTHANC_USER']}:{os.environ['ORTHANC_PASSWORD']}"
    authorization = f"Basic {base64.b64encode(credential.encode()).decode()}"
    request = urllib.request.Request(URL, headers={"Authorization": authorization})
    with urllib.request.urlopen(request, timeout=seconds):
        pass


if __name__ == "__main__":
    sys.exit(main())

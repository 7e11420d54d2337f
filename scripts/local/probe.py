"""Whether a local store answers a search, through all of its tiers."""

import base64
import http.client
import ssl
from pathlib import Path

from scripts.local.state import Credentials


def answers(port: int, authority: Path, made: Credentials) -> bool:
    """True when a search reaches the database and comes back; False while any tier is still starting.

    In the access modes jwt and mtls a refusal counts as an answer: a probe has no token and no certificate.
    """
    context = ssl.create_default_context(cafile=str(authority))
    pair = f"{made.first_user}:{made.first_password}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
    try:
        connection.request("GET", "/dicom-web/studies?limit=1", headers=headers)
        return connection.getresponse().status in (200, 204, 401, 403)
    except ssl.SSLError as error:
        return "certificate required" in str(error).lower()
    except OSError:
        return False
    finally:
        connection.close()

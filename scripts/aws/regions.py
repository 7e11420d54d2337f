"""Which services AWS offers in which region, as botocore's own data has it."""

import re
from itertools import pairwise
from urllib.parse import urlsplit

from botocore.exceptions import UnknownServiceError
from botocore.session import Session

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


def not_offered(endpoint_url: str) -> tuple[str, str] | None:
    """The service and the region of an endpoint where botocore knows none; None where it does or cannot tell.

    Its data is as old as its release: what it does not know may be there.
    """
    labels = (urlsplit(endpoint_url).hostname or "").split(".")
    for service, region in pairwise(labels):
        if _REGION.fullmatch(region):
            places = offering(service)
            return (service, region) if places and region not in places else None
    return None


def offering(service: str) -> list[str]:
    """The regions of all partitions in which AWS offers a service; none for one that botocore does not know."""
    session = Session()
    try:
        return [
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions(service, partition)
        ]
    except UnknownServiceError:
        return []

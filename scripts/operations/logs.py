"""`orthanc-aws logs`: the lines of a deployment's log groups."""

from collections.abc import Iterator
from datetime import datetime

from scripts.aws import log_groups
from scripts.aws.log_groups import Line
from scripts.aws.session import Session
from scripts.operations.environment import Environment
from scripts.operations.status import resource

# Where each log group is in the tree of stacks.
GROUPS = {
    "nginx": ("Logs", "NginxLogGroup"),
    "orthanc": ("Logs", "OrthancLogGroup"),
    "trail": ("Logs", "TrailLogGroup"),
}


def lines(
    environment: Environment, name: str, since: datetime, follow: bool, session: Session
) -> Iterator[Line]:
    """The lines of one of the `GROUPS` since a moment; to follow, without end."""
    group = log_group(environment, name, session)
    return log_groups.lines(session.client("logs"), group, since, follow)


def log_group(environment: Environment, name: str, session: Session) -> str:
    """The name of one of the `GROUPS`; raises OperationError where the deployment has none."""
    return resource(environment, session, GROUPS[name])

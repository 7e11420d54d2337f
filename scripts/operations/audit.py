"""`orthanc-aws audit`: who accessed a study, and what a user did."""

import re
from datetime import datetime

from generator.parts.audit import NAME_TO_REPLACE, QUERIES, STUDY_TO_REPLACE
from nginx.access.users import audited_name
from scripts.aws import log_groups
from scripts.aws.session import Session
from scripts.errors import OperationError
from scripts.operations.environment import Environment
from scripts.operations.logs import log_group

# Source: DICOM PS3.5, section 9.1.
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_LONGEST_UID = 64

Row = dict[str, str]


def accesses(
    environment: Environment, study: str, since: datetime, until: datetime, session: Session
) -> list[Row]:
    """Who accessed a study, the latest first; raises OperationError where `study` is no UID."""
    if len(study) > _LONGEST_UID or not _UID.fullmatch(study):
        raise OperationError(
            f"{study!r} is no UID",
            "A Study Instance UID is up to 64 characters: numbers joined by dots.",
        )
    _, query = QUERIES["WhoAccessedAStudy"]
    text = query.replace(STUDY_TO_REPLACE, re.escape(study))
    return _asked(environment, text, since, until, session)


def actions(
    environment: Environment, user: str, since: datetime, until: datetime, session: Session
) -> list[Row]:
    """What a user did, the latest first."""
    _, query = QUERIES["WhatAUserDid"]
    quoted = audited_name(user).replace("\\", "\\\\").replace('"', '\\"')
    return _asked(environment, query.replace(NAME_TO_REPLACE, quoted), since, until, session)


def _asked(
    environment: Environment, text: str, since: datetime, until: datetime, session: Session
) -> list[Row]:
    group = log_group(environment, "nginx", session)
    return log_groups.query(session.client("logs"), group, text, since, until)

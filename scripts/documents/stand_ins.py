"""What people and tasks do that no command does, for walks and guides on the emulator, where nothing runs."""

import json
import time
from typing import Any

STUDY = "1.2.840.113619.2.1"

_AUDITED = (
    {
        "user": "ct-1",
        "role": "writer",
        "address": "192.0.2.20",
        "method": "POST",
        "action": "store",
        "status": 200,
    },
    {
        "user": "alice",
        "role": "reader",
        "address": "192.0.2.7",
        "method": "GET",
        "action": "retrieve",
        "status": 200,
    },
)
_STARTED = "W0301 12:30:00.000000 main.cpp:2085] Orthanc has started"


def image(name: str, digit: int) -> str:
    """An image that nobody has made; another digit makes it another one."""
    return f"registry.example.org/{name}@sha256:{f'{digit}' * 64}"


def serve(logs: Any) -> None:
    """Writes what NGINX logs of an upload and of a reading of one study, and what Orthanc logs at its start."""
    path = f"/dicom-web/studies/{STUDY}"
    audited = [json.dumps({**line, "path": path, "study": STUDY}) for line in _AUDITED]
    _write(logs, "nginx", audited)
    _write(logs, "orthanc", [_STARTED])


def keep_audit_log_for(logs: Any, days: int) -> None:
    """What somebody does in the console: NGINX's lines are kept for another time than the template says."""
    logs.put_retention_policy(logGroupName=_group(logs, "nginx"), retentionInDays=days)


def _write(logs: Any, tier: str, lines: list[str]) -> None:
    # A query ends with the second in which it is asked.
    group, stream, now = _group(logs, tier), "task", int(time.time() * 1000) - 60_000
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": now + at, "message": line} for at, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _group(logs: Any, tier: str) -> str:
    (group,) = [
        group["logGroupName"]
        for group in logs.describe_log_groups()["logGroups"]
        if group["logGroupName"].endswith(f"/{tier}")
    ]
    return str(group)

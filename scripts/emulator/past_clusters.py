"""Database clusters that are restored to a moment, which ministack cannot do; the emulator has no data to go back in.

Source: RDS API reference, RestoreDBClusterToPointInTime.
"""

from typing import Any

from ministack.services import rds

_ACTION = "RestoreDBClusterToPointInTime"
_INHERITED = ("Engine", "EngineVersion", "MasterUsername")


def install() -> None:
    """Has the ministack of this process restore clusters."""
    rds._ACTION_MAP[_ACTION] = restore


def restore(request: dict[str, list[str]]) -> Any:
    """A new cluster like that which the request names as its source."""
    name = rds._p(request, "SourceDBClusterIdentifier")
    source = rds._clusters.get(name)
    if source is None:
        return rds._error("DBClusterNotFoundFault", f"DBCluster {name} not found.", 404)
    inherited = {key: [source[key]] for key in _INHERITED if source.get(key)}
    status, headers, body = rds._create_db_cluster({**request, **inherited})
    return status, headers, body.replace(b"CreateDBCluster", _ACTION.encode())

"""CloudFormation's words: its statuses, the reasons that it gives for them, the types that matter."""

NESTED_STACK = "AWS::CloudFormation::Stack"
CLUSTER = "AWS::RDS::DBCluster"

# The statuses from which a stack can be updated. Source: CloudFormation user guide, "Stack status codes".
UPDATABLE = frozenset(
    (
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    )
)

# How CloudFormation begins the reason of a failure that only follows from another one.
_CONSEQUENCES = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
    "Embedded stack ",
    "The following resource(s) failed",
    "Rollback requested",
    "User Initiated",
)


def is_in_progress(status: str) -> bool:
    """Whether the status will change without anybody's doing; a stack that awaits a change set is at rest."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def is_failure(status: str) -> bool:
    """Whether what was asked for was not done: every rollback counts as a failure."""
    return status.endswith("_FAILED") or "ROLLBACK" in status


def is_consequence(reason: str) -> bool:
    """Whether the reason of a failure, or the lack of one, says that another failure is the cause."""
    return not reason or reason.startswith(_CONSEQUENCES)

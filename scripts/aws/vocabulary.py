"""CloudFormation's words: its statuses, the reasons that it gives for them, its own resource type."""

NESTED_STACK = "AWS::CloudFormation::Stack"

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

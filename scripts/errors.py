"""The one kind of error that the command line expects."""


class OperationError(Exception):
    """An operation that failed for a reason that a person can act on.

    `what` failed, the first `reason` why, and the `advice` what to do next: each a sentence, or empty.
    Whatever else is raised is a defect of ours and keeps its traceback.
    """

    def __init__(self, what: str, reason: str = "", advice: str = "") -> None:
        super().__init__(": ".join(part for part in (what, reason) if part))
        self.what = what
        self.reason = reason
        self.advice = advice


class ChangedMeanwhileError(OperationError):
    """Somebody else changed what was read and was to be replaced, so that nothing was written."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} were changed by somebody else meanwhile",
            "Nothing was written.",
            "Run the same command again.",
        )

"""The users of a deployed store, in a secret of AWS Secrets Manager."""

from typing import Any

from botocore.exceptions import ClientError

from scripts.errors import ChangedMeanwhileError, OperationError

# What the label AWSCURRENT is on, is what NGINX reads; a new version waits under this one until that moves to it.
CANDIDATE = "candidate"
LARGEST_BYTES = 65536  # Source: Secrets Manager user guide, "AWS Secrets Manager quotas"


class SecretUsers:
    """Writes with a condition: the label AWSCURRENT moves only away from the version that was read.

    Source: Secrets Manager API, UpdateSecretVersionStage, which fails if RemoveFromVersionId is not where the label is.
    """

    def __init__(self, secrets_manager: Any, secret_id: str) -> None:
        self._client = secrets_manager
        self._secret_id = secret_id
        self._version = ""

    def read(self) -> str:
        """The secret's current text."""
        secret = self._client.get_secret_value(SecretId=self._secret_id)
        self._version = secret["VersionId"]
        return str(secret["SecretString"])

    def write(self, text: str) -> None:
        """Makes the text the current one; raises OperationError where another was made meanwhile."""
        if len(text.encode()) > LARGEST_BYTES:
            raise OperationError(
                "There are too many users", "A secret holds 64 KiB.", "Remove those that are needed no more."
            )
        made = self._client.put_secret_value(
            SecretId=self._secret_id, SecretString=text, VersionStages=[CANDIDATE]
        )
        try:
            self._client.update_secret_version_stage(
                SecretId=self._secret_id,
                VersionStage="AWSCURRENT",
                MoveToVersionId=made["VersionId"],
                RemoveFromVersionId=self._version,
            )
        except ClientError:
            current = self._current_version()
            if current == made["VersionId"]:  # Only the answer to a first attempt was lost.
                return
            if current != self._version:
                raise ChangedMeanwhileError("The users") from None
            raise

    def _current_version(self) -> str:
        versions = self._client.describe_secret(SecretId=self._secret_id)["VersionIdsToStages"]
        return next(version for version, stages in versions.items() if "AWSCURRENT" in stages)

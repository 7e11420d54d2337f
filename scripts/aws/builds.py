"""Builds of AWS CodeBuild: started, and followed by their logs to the end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.errors import code_of
from scripts.aws.patience import Patience, Say
from scripts.aws.session import Session
from scripts.errors import OperationError

# Longer than a project's own time limit with the time that a build may wait for a machine, in seconds.
_LONGEST_BUILD = 3 * 3600.0
# A log's last lines arrive some seconds after the build's end.
_LOG_DELAY = 10.0
_LINES_IN_ERROR = 15


@dataclass(frozen=True)
class Machine:
    """What a build runs on, other than its project says: CodeBuild's type of environment, and its image."""

    kind: str
    image: str


class Builds:
    """The builds of one project."""

    def __init__(self, session: Session, project: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._codebuild = session.client("codebuild")
        self._logs = session.client("logs")
        self._project = project
        self._clock = clock

    def under_way(self, variables: Mapping[str, str], machine: Machine) -> str | None:
        """The id of a build with these variables on this machine that is under way: it is as good as a new one."""
        latest = self._codebuild.list_builds_for_project(projectName=self._project)["ids"][:10]
        builds = self._codebuild.batch_get_builds(ids=latest)["builds"] if latest else []
        for build in builds:
            environment = build.get("environment", {})
            given = {item["name"]: item["value"] for item in environment.get("environmentVariables", [])}
            same = variables.items() <= given.items() and environment.get("type") == machine.kind
            if build["buildStatus"] == "IN_PROGRESS" and same:
                return str(build["id"])
        return None

    def start(self, variables: Mapping[str, str], machine: Machine) -> str:
        """Starts a build with these variables on this machine, and returns its id."""
        overrides = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
        build = self._codebuild.start_build(
            projectName=self._project,
            environmentVariablesOverride=overrides,
            environmentTypeOverride=machine.kind,
            imageOverride=machine.image,
        )["build"]
        return str(build["id"])

    def follow(self, build_id: str, say: Say) -> None:
        """Says each line of a build's log until the build ends; patient with a throttled API and a lost connection.

        Raises OperationError where it fails, with the reason and its last lines.
        """
        log, patience = _Log(self._logs), Patience(say, self._clock)
        for delay in growing(_LONGEST_BUILD, self._clock):
            build = patience.keep_trying(lambda: self._describe(build_id))
            patience.keep_trying(partial(log.tell, build, say))
            if build["buildStatus"] != "IN_PROGRESS":
                break
            self._clock.sleep(delay)
        else:
            raise OperationError(f"Build {build_id} does not end", "", f"Look at it in {self._place(build)}.")
        if build["buildStatus"] != "SUCCEEDED":
            self._clock.sleep(_LOG_DELAY)
            patience.keep_trying(partial(log.tell, build, say))
            raise self._failed(build, log.lines)

    def _describe(self, build_id: str) -> dict[str, Any]:
        build: dict[str, Any] = self._codebuild.batch_get_builds(ids=[build_id])["builds"][0]
        return build

    def _failed(self, build: dict[str, Any], lines: list[str]) -> OperationError:
        reasons = [
            f"{phase['phaseType']}: {context['message']}"
            for phase in build.get("phases", [])
            for context in phase.get("contexts", [])
            if context.get("message")
        ]
        return OperationError(
            f"Build {build['id']} ended with {build['buildStatus']}",
            "\n".join((*reasons, *lines[-_LINES_IN_ERROR:])),
            f"The whole log is in {self._place(build)}.",
        )

    def _place(self, build: dict[str, Any]) -> str:
        logs = build.get("logs", {})
        return f"the log group {logs.get('groupName')}, stream {logs.get('streamName')}"


class _Log:
    """The log of one build, read onward from where the last reading ended."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._token: str | None = None
        self.lines: list[str] = []

    def tell(self, build: dict[str, Any], say: Say) -> None:
        """Says the lines that are new."""
        place = build.get("logs", {})
        if not place.get("streamName"):
            return
        for line in self._new_lines(place["groupName"], place["streamName"]):
            self.lines.append(line)
            say(line)

    def _new_lines(self, group: str, stream: str) -> Iterator[str]:
        while True:
            arguments = {"nextToken": self._token} if self._token else {"startFromHead": True}
            try:
                page = self._client.get_log_events(logGroupName=group, logStreamName=stream, **arguments)
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return  # the stream comes with its first line
                raise
            for event in page["events"]:
                yield event["message"].rstrip("\n")
            if page["nextForwardToken"] == self._token or not page["events"]:
                self._token = page["nextForwardToken"]
                return
            self._token = page["nextForwardToken"]

"""`orthanc-aws upgrade`: another version of Orthanc, without two versions ever at work on one database.

A version whose database plugin has another schema converts the database when it starts, and the former one must not run
then. Source: Orthanc Book, "PostgreSQL plugins", on upgrades with several Orthancs on one database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from generator.stacks.orthanc import START_SECONDS
from scripts.aws import services, snapshots
from scripts.aws.errors import INTERRUPTIONS, interrupted, told
from scripts.aws.session import Session
from scripts.aws.snapshots import Snapshot
from scripts.aws.vocabulary import UPDATABLE
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.deploy import Options, deploy
from scripts.operations.environment import Environment
from scripts.operations.status import find, resource

_CLUSTER = ("Database", "Cluster")
# A snapshot of an upgrade that has not ended bears this tag, with the former image.
_UPGRADE_FROM = "UpgradeFrom"
_STOPPED = "Orthanc is left stopped, and clients get 503"
_STARTING = "Orthanc was being started, and is not known to run yet"


def upgrade(environment: Environment, options: Options, session: Session, console: Console) -> dict[str, str]:
    """Deploys with Orthanc stopped, after a snapshot of its database, and starts it; returns the root's outputs.

    Orthanc is stopped once the change is known and agreed to; where nothing would change, it is started if an earlier
    run left it stopped. Raises OperationError where the answer is no or a step fails. Where the stack is at rest then,
    the former version is started again, which finds the database as it was. Otherwise Orthanc stays stopped: the same
    command, run again, carries on with the snapshot of the first run.
    """
    upgrading = _Upgrade(environment, session, console)
    if upgrading.orthanc().standing().is_held:
        upgrading.state = _STOPPED
    options = replace(options, verb="upgrade", around=upgrading.stopped)
    try:
        outputs = deploy(environment, options, session, console)
        if upgrading.orthanc().standing().is_held:
            upgrading.start()
    except INTERRUPTIONS as error:
        if not upgrading.state:
            raise
        raise upgrading.left(error) from None
    return outputs


@dataclass
class _Upgrade:
    environment: Environment
    session: Session
    console: Console
    state: str = ""  # what Orthanc is left in where it ends now; empty where Orthanc runs

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Orthanc is stopped and its database saved meanwhile; after a failure it is started as it was."""
        orthanc = self.orthanc()
        is_resumed = orthanc.standing().is_held
        try:
            self.console.step("Stopping all tasks of Orthanc; clients get 503 until it has started again")
            self.state = _STOPPED
            orthanc.stop()
            self._save(is_resumed)
            yield
        except BaseException:
            self._go_back()
            raise

    def start(self, *, may_convert: bool = True) -> None:
        """Starts Orthanc, which ends the upgrade."""
        self.console.step("Starting Orthanc")
        self.state = _STARTING
        try:
            self.orthanc().start(START_SECONDS, may_convert=may_convert)
        except OperationError as error:
            self.state = _STOPPED
            raise OperationError(error.what, error.reason, self._advice()) from None
        self.state = ""
        self.console.done("Orthanc runs again")
        self._forget()

    def left(self, error: BaseException) -> OperationError:
        """The error for what ended it: how Orthanc is left, why, and what carries on."""
        command = f"`orthanc-aws upgrade {self.environment.arguments}`"
        is_told = command in told(error).advice
        return interrupted(self.state, error, "" if is_told else f"{command} carries on, and starts it.")

    def orthanc(self) -> services.Service:
        return services.service(self.session, self._resource(services.ORTHANC), self.console.step)

    def _save(self, is_resumed: bool) -> None:
        """Has a snapshot of the database as it was before any task of another version."""
        if not is_resumed:
            self._forget()
        first = next(iter(self._unfinished()), None)
        cluster = self._resource(_CLUSTER)
        name = first.name if first else f"{cluster}-before-{datetime.now(UTC):%Y%m%d%H%M%S}"
        self.console.step(f"{'Keeping' if first else 'Taking'} the snapshot {name}")
        image = find(self.environment, self.session).parameters.get("OrthancImage", "")
        arn = snapshots.take(
            self.session.client("rds"), cluster, name, {_UPGRADE_FROM: image}, self.console.step
        )
        self.console.done(f"The database as it was is {arn}")

    def _unfinished(self) -> list[Snapshot]:
        """The snapshots of upgrades that have not ended, the first one first."""
        found = snapshots.of_cluster(self.session.client("rds"), self._resource(_CLUSTER))
        return [snapshot for snapshot in reversed(found) if _UPGRADE_FROM in snapshot.tags]

    def _forget(self) -> None:
        for snapshot in self._unfinished():
            self.session.client("rds").remove_tags_from_resource(
                ResourceName=snapshot.arn, TagKeys=[_UPGRADE_FROM]
            )

    def _go_back(self) -> None:
        try:
            if find(self.environment, self.session).status in UPDATABLE:
                self.console.step("Going back to Orthanc as it is deployed")
                self.start(may_convert=False)
        except OperationError as error:
            self.console.failure(error)
        except (BotoCoreError, ClientError, KeyboardInterrupt) as error:
            self.console.step(f"Orthanc cannot be started again now: {told(error)}")

    def _advice(self) -> str:
        arguments = self.environment.arguments
        advice = (
            f"`orthanc-aws logs {arguments} orthanc` says why; once that is mended, `orthanc-aws upgrade {arguments}` "
            "starts it."
        )
        for snapshot in self._unfinished()[:1]:
            advice += (
                f" To go back, put the former image, {snapshot.tags[_UPGRADE_FROM]}, into the parameter set, "
                f"`orthanc-aws restore {arguments} --snapshot {snapshot.arn}`, and `orthanc-aws upgrade {arguments}`."
            )
        return advice

    def _resource(self, path: tuple[str, ...]) -> str:
        return resource(self.environment, self.session, path)

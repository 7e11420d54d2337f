"""What another Orthanc image means for the database: another schema where its PostgreSQL plugin has one."""

from scripts.aws.changeset import Request
from scripts.aws.registry import Registry
from scripts.aws.stacks import Stack
from scripts.errors import OperationError
from scripts.images.plugin import Plugin
from scripts.operations.deployment import Deployment

_IMAGE, _GENERATION = "OrthancImage", "DatabaseGeneration"


def compare(deployment: Deployment, stack: Stack, wanted: Request) -> None:
    """Tells how the schema of the wanted image differs from that of the running one, where the image is another.

    Raises OperationError where it differs and the verb is `deploy`, which replaces tasks one by one.
    """
    images = (stack.parameters.get(_IMAGE), wanted.parameters.get(_IMAGE))
    generation = stack.parameters.get(_GENERATION)
    # With a new database, tasks of two versions work on one each.
    if (
        None in images
        or len(set(images)) == 1
        or wanted.parameters.get(_GENERATION, generation) != generation
    ):
        return
    registry, arguments = Registry(deployment.session), deployment.environment.arguments
    former, later = (Plugin.of_tags(registry.tags(str(image))) for image in images)
    tell = _before_upgrade if deployment.verb == "upgrade" else _before_deploy
    deployment.console.step(tell(arguments, former, later))


def _before_deploy(arguments: str, former: Plugin | None, later: Plugin | None) -> str:
    if former is None or later is None:
        return (
            "The Orthanc image is another, and tasks are replaced one by one. Where the schema of its database is "
            f"another, too, only `orthanc-aws upgrade {arguments}` does"
        )
    if former.schema != later.schema:
        raise OperationError(
            "The schema of the database would change",
            f"It is {_from(former, later)}, and `deploy` has tasks of both work on one database.",
            f"`orthanc-aws upgrade {arguments}` stops all tasks, takes a snapshot, deploys, and starts them."
            if former.schema < later.schema
            else f"`orthanc-aws restore {arguments}` goes back to a snapshot, and deploys the image with it.",
        )
    return f"The Orthanc image is another, but the schema of the database is not: {_from(former, later)}"


def _before_upgrade(arguments: str, former: Plugin | None, later: Plugin | None) -> str:
    if former is None or later is None:
        return "Whether the schema of the database changes is not known"
    what = f"The schema of the database: {_from(former, later)}. "
    if former.schema == later.schema:
        return f"{what}`orthanc-aws deploy {arguments}` would do, without a standstill"
    if former.schema > later.schema:
        return (
            f"{what}Orthanc does not start on a database that was converted: restore the snapshot from before"
        )
    return f"{what}The first task converts it"


def _from(former: Plugin, later: Plugin) -> str:
    return f"{former.schema} with PostgreSQL plugin {former.version}, {later.schema} with {later.version}"

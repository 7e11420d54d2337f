"""What a deployment asks of CloudFormation: the templates in a bucket, and the request for a change set."""

from collections.abc import Mapping

from scripts.aws import artifacts, changeset, stacks
from scripts.errors import OperationError
from scripts.operations import regions
from scripts.operations.deployment import Deployment
from scripts.operations.environment import Environment

_STORAGE = "ImageStorage"


def upload(deployment: Deployment, bucket_name: str | None) -> artifacts.Bucket:
    """Uploads the templates that are not there yet, to the bucket of that name or to the account's own.

    Tells before what the region does not have, as far as is known: CloudFormation has the last word.
    """
    session, templates = deployment.session, deployment.template.all
    deployment.console.step(f"Account {session.account}, region {session.region}, as {session.caller}")
    for sentence in regions.missing(deployment.environment, deployment.template, session.region):
        deployment.console.step(sentence)
    bucket = artifacts.artifact_bucket(session, bucket_name)
    count = artifacts.upload(session, bucket, templates)
    deployment.console.done(f"{count} of {len(templates)} templates uploaded to s3://{bucket.name}")
    return bucket


def request(
    deployment: Deployment, tags: Mapping[str, str], bucket: artifacts.Bucket, stack: stacks.Stack | None
) -> changeset.Request:
    """The request for the deployment's change set; a stack that is there keeps the tags that it has.

    Raises OperationError where stored DICOM files would no longer be found.
    """
    environment, template = deployment.environment, deployment.template
    if stack:
        _require_same_storage(environment, stack)
    location = artifacts.location(bucket)
    filled_in = {name: value for name, value in location.items() if name in template.parameters}
    own_tags = {"Application": "orthanc-aws", "Environment": environment.name}
    return changeset.Request(
        stack_name=environment.stack_name,
        template_url=artifacts.url(deployment.session, bucket, template),
        parameters=environment.values() | filled_in,
        tags={**(stack.tags if stack else {}), **own_tags, **tags},
        description=f"orthanc-aws deploy {environment.name}, by {deployment.session.caller}",
    )


def _require_same_storage(environment: Environment, stack: stacks.Stack) -> None:
    """No resource that bears data need change for it, so that nothing else would refuse it."""
    before = stack.parameters.get(_STORAGE)
    default = environment.declared().get(_STORAGE, {}).get("Default")
    after = environment.values().get(_STORAGE, default)
    if before and after != before:
        raise OperationError(
            f"{_STORAGE} of {stack.name} cannot become {after}",
            f"It is {before}: the DICOM files that are stored stay there, and Orthanc would no longer find them.",
            f"Take the change back. To move the images, deploy another parameter set with {after} and send them there.",
        )

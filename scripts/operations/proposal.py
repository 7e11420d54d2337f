"""What a deployment asks of CloudFormation: the templates in a bucket, and the request for a change set."""

from collections.abc import Mapping

from scripts.aws import artifacts, changeset, stacks
from scripts.operations.deployment import Deployment


def upload(deployment: Deployment, bucket_name: str | None) -> artifacts.Bucket:
    """Uploads the templates that are not there yet, to the bucket of that name or to the account's own."""
    session, templates = deployment.session, deployment.template.all
    deployment.console.step(f"Account {session.account}, region {session.region}, as {session.caller}")
    bucket = artifacts.artifact_bucket(session, bucket_name)
    count = artifacts.upload(session, bucket, templates)
    deployment.console.done(f"{count} of {len(templates)} templates uploaded to s3://{bucket.name}")
    return bucket


def request(
    deployment: Deployment, tags: Mapping[str, str], bucket: artifacts.Bucket, stack: stacks.Stack | None
) -> changeset.Request:
    """The request for the deployment's change set; a stack that is there keeps the tags that it has."""
    environment, template = deployment.environment, deployment.template
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

"""`orthanc-aws package`: the rendered set as CloudFormation can read it, in a folder or in a bucket."""

from pathlib import Path

from scripts.aws import artifacts
from scripts.aws.package import package
from scripts.aws.session import Session


def write(templates: Path, out: Path) -> str:
    """Writes the packaged set into the folder `out`, which may hold others; returns the path of the root."""
    out.mkdir(parents=True, exist_ok=True)
    root = package(templates)
    for template in root.all:
        (out / template.key).write_text(template.body, encoding="utf-8")
    return str(out / root.key)


def upload(templates: Path, bucket_name: str, session: Session) -> str:
    """Uploads the packaged set to a bucket and returns the address of the root."""
    bucket = artifacts.artifact_bucket(session, bucket_name)
    root = package(templates)
    artifacts.upload(session, bucket, root.all)
    return artifacts.url(session, bucket, root)

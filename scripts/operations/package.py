"""`orthanc-aws package`: the rendered set as CloudFormation can read it, in a folder or in a bucket."""

from pathlib import Path

from scripts.aws import artifacts
from scripts.aws.package import Template, package
from scripts.aws.session import Session


def write(templates: Path, out: Path) -> list[Path]:
    """Writes the packaged set into the folder `out`, which may hold others; returns its files, root last."""
    out.mkdir(parents=True, exist_ok=True)
    return [_write(template, out) for template in package(templates).all]


def upload(templates: Path, bucket_name: str, session: Session) -> str:
    """Uploads the packaged set to a bucket and returns the address of the root."""
    bucket = artifacts.artifact_bucket(session, bucket_name)
    root = package(templates)
    artifacts.upload(session, bucket, root.all)
    return artifacts.url(session, bucket, root)


def _write(template: Template, out: Path) -> Path:
    file = out / template.key
    file.write_text(template.body, encoding="utf-8")
    return file

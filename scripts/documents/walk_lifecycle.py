"""A walk through the life of a deployment: created, used, updated, put back, upgraded and taken down."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from scripts.documents.stand_ins import STUDY, image, keep_audit_log_for, serve
from scripts.documents.walk import Step, Walk, transcript
from scripts.emulator import Emulator, running

_SNAPSHOT = "arn:aws:rds:us-east-1:000000000000:cluster-snapshot:monday"
_ENDINGS = r"^[✓✗→!] |^  root/|^  then "


@cache
def walk() -> tuple[Step, ...]:
    """The steps of the walk, which takes a minute."""
    images = {"OrthancImage": image("orthanc", 0), "NginxImage": image("nginx", 0)}
    with running() as emulator, tempfile.TemporaryDirectory() as folder:
        hospital = Walk(emulator, Path(folder), **images)
        return (
            *_before(hospital),
            *_created(hospital),
            *_used(hospital),
            *_updated(hospital, emulator),
            *_looked_after(hospital),
        )


def _before(hospital: Walk) -> Iterator[Step]:
    yield hospital.run("Before anything is deployed.", "render --check", "^✓")
    yield hospital.run("", "lint", "^✓")
    yield hospital.run("", "validate hospital", "^✓")
    yield hospital.run("", "cost hospital", "^[AO]|^  Sum")
    yield hospital.run("", "package --out package", ".")
    yield hospital.run("", "diff hospital --exit-code", r"^Changes|^  \+ (Keys|Database|Orthanc|Nginx) ")


def _created(hospital: Walk) -> Iterator[Step]:
    yield hospital.run("A deployment is created.", "deploy hospital --yes", rf"{_ENDINGS}|E      root \(")
    yield hospital.run("", "outputs hospital DicomWebUrl", ".")
    yield hospital.run("", "status hospital", r"^orthanc|^changed|^✓ root|^[✓✗?] .*: ")


def _used(hospital: Walk) -> Iterator[Step]:
    yield hospital.run("It gets users.", "users hospital add alice --role reader --generate", "^✓")
    yield hospital.run("", "users hospital add ct-1 --role reader --generate", "^✓")
    yield hospital.run("", "users hospital role ct-1 writer", "^✓")
    yield hospital.run("", "users hospital passwd alice --generate", "^✓")
    yield hospital.run("", "users hospital list", ".")
    serve(hospital.client("logs"))
    yield hospital.run("`ct-1` stores a study, and `alice` opens it.", "logs hospital orthanc", ".")
    yield hospital.run("", f"audit hospital --study {STUDY}", ".")
    yield hospital.run("", "users hospital remove ct-1", "^✓")


def _updated(hospital: Walk, emulator: Emulator) -> Iterator[Step]:
    hospital.change(NginxTasks="2-4")
    yield hospital.run(
        "`NginxTasks` is changed to `2-4`.", "deploy hospital --yes", r"^✓ orthanc|^Changes|^  +[~±+-] "
    )
    hospital.change(OrthancTaskSize="2vcpu-8gib")
    emulator.inject("fail", "Service", reason="ECS Deployment Circuit Breaker was triggered")
    yield hospital.run(
        "`OrthancTaskSize` is changed, and the new tasks do not become healthy: AWS puts everything back.",
        "deploy hospital --yes",
        r"^[✗→!] |^  root/|_FAILED|ROLLBACK_COMPLETE root ",
    )
    yield hospital.run("", "status hospital", r"^orthanc|^failed first|^[✓✗?] tasks")
    hospital.change(OrthancTaskSize="1vcpu-4gib", DatabaseSnapshot=_SNAPSHOT, DatabaseGeneration="2")
    yield hospital.run(
        "Somebody names a snapshot and the next generation of the database in the parameter set.",
        "deploy hospital --yes",
        r"^[✗→!] |^  root/",
    )
    hospital.change(DatabaseSnapshot="", DatabaseGeneration="1")


def _looked_after(hospital: Walk) -> Iterator[Step]:
    keep_audit_log_for(hospital.client("logs"), days=7)
    yield hospital.run(
        "Somebody shortens in the console how long a log is kept.", "drift hospital --exit-code", "."
    )
    hospital.change(OrthancImage=image("orthanc", 1))
    yield hospital.run(
        "The parameter set names another version of Orthanc.",
        "upgrade hospital --yes",
        r"^… (Stop|Tak|Start)|^✓ (The d|orth|Orth)",
    )
    yield hospital.run("", "restore hospital --list", ".")
    yield hospital.run(
        "The deployment is taken down.",
        "destroy hospital --yes-destroy orthanc-hospital",
        r"^[✓✗] |^kept .*(Vault|Secret|ArchiveBucket|DataKey|NginxLogGroup)\b|^snapshot",
    )


def quoted() -> str:
    """The walk as the operations guide quotes it."""
    return transcript(walk())

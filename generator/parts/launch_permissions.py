"""What a role needs to create, change and delete the store's stacks: actions by service, and where they may be used."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from awacs.aws import Action, Statement, StringEquals, StringLike
from troposphere import FindInMap, Partition, Region, Template, encode_to_dict

from generator.names import arn
from generator.parts.policies import allow

# Actions by type of resource; written by `python -m scripts.permissions`.
FILE = Path(__file__).with_name("permissions.json")
# Service Catalog names stacks so, and CloudFormation begins with that what it names by itself.
STACK_PREFIX = "SC-"
# Names that the stacks give begin with that of the deployment, `orthanc-` and eight digits.
_GIVEN_PREFIX = "orthanc-????????-"
# IAM allows this many characters in a managed policy, white space apart, and ten of them to a role.
POLICY_CHARACTERS = 6144
_ROOM = 5200
# The services that roles of the set are for; the checks compare this with the roles' trust policies.
PASSED_TO = (
    "backup",
    "cloudtrail",
    "ecs-tasks",
    "export.rds",
    "monitoring.rds",
    "scheduler",
    "vpc-flow-logs",
)
# Where names tell which resources are meant. Everything else is bound to the Region.
_NAMED = {
    "cloudformation": [arn("cloudformation", f"stack/{STACK_PREFIX}*")],
    "iam": [
        arn("iam", f"role/{_GIVEN_PREFIX}*", region=""),
        *(arn("iam", f"{kind}/{STACK_PREFIX}*", region="") for kind in ("role", "policy")),
    ],
    "s3": [arn("s3", f"{STACK_PREFIX.lower()}*", region="", account="")],
    "secretsmanager": [arn("secretsmanager", f"secret:{name}*") for name in ("orthanc-", "rds!cluster-")],
}
# Actions of those services that are of no single resource. Source: the service authorization reference.
_WITHOUT_RESOURCE = frozenset(("iam:ListRoles", "s3:ListTagsForResource", "secretsmanager:GetRandomPassword"))
_PASS, _SERVICE_LINKED = "iam:PassRole", "iam:CreateServiceLinkedRole"


def actions() -> list[str]:
    """Every action that the set's resources need, in order, each once."""
    table: dict[str, list[str]] = json.loads(FILE.read_text("utf-8"))
    return sorted({action for needed in table.values() for action in needed})


def add_global_region(template: Template) -> None:
    """The Region in which requests to IAM and Route 53 count as made. Source: IAM user guide, aws:RequestedRegion."""
    template.add_mapping(
        "GlobalServices",
        {
            "aws": {"Region": "us-east-1"},
            "aws-us-gov": {"Region": "us-gov-west-1"},
            "aws-cn": {"Region": "cn-north-1"},
        },
    )


def statements() -> Iterator[Statement]:
    """The statements for the actions, one or two for each service, and those for roles that are passed on."""
    by_service: dict[str, list[str]] = {}
    for action in actions():
        if action not in (_PASS, _SERVICE_LINKED):
            by_service.setdefault(action.partition(":")[0], []).append(action)
    for service, wanted in by_service.items():
        named = [action for action in wanted if service in _NAMED and action not in _WITHOUT_RESOURCE]
        unnamed = [action for action in wanted if action not in named]
        if named:
            yield allow(_sid(service), _actions(named), _NAMED[service])
        if unnamed:
            yield allow(f"{_sid(service)}InRegion", _actions(unnamed), ["*"], in_region())
    yield from _roles_passed_on()


def packed(wanted: Sequence[Statement]) -> list[list[Statement]]:
    """The statements in as few policies as their length allows."""
    policies: list[list[Statement]] = [[]]
    for statement in wanted:
        if policies[-1] and _length([*policies[-1], statement]) > _ROOM:
            policies.append([])
        policies[-1].append(statement)
    return policies


def _roles_passed_on() -> list[Statement]:
    return [
        allow(
            "PassRoles",
            [Action("iam", "PassRole")],
            [arn("iam", f"role/{prefix}*", region="") for prefix in (STACK_PREFIX, _GIVEN_PREFIX)],
            StringEquals("iam:PassedToService", [f"{service}.amazonaws.com" for service in PASSED_TO]),
        ),
        allow(
            "MakeServiceLinkedRoles",
            [Action("iam", "CreateServiceLinkedRole")],
            [arn("iam", "role/aws-service-role/*", region="")],
            StringLike("iam:AWSServiceName", ["*.amazonaws.com"]),
        ),
    ]


def in_region() -> StringEquals:
    """In the Region of the stack, or in the one that stands for services without any."""
    return StringEquals("aws:RequestedRegion", [Region, FindInMap("GlobalServices", Partition, "Region")])


def _sid(service: str) -> str:
    return "".join(word.capitalize() for word in service.split("-"))


def _actions(names: Sequence[str]) -> list[Action]:
    return [Action(*name.split(":")) for name in names]


def _length(wanted: Sequence[Any]) -> int:
    return sum(len(json.dumps(encode_to_dict(statement), separators=(",", ":"))) for statement in wanted)

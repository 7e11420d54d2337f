"""What a role needs to create, change and delete the store's stacks: actions by service, and where they may be used."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from awacs.aws import Action, Statement, StringEquals, StringLike
from troposphere import FindInMap, Partition, Region, Sub, Template, encode_to_dict

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
# Services without Regions. Source: the service authorization reference; IAM user guide, aws:RequestedRegion.
_GLOBAL = frozenset(("budgets", "iam", "route53"))
# Where names tell which resources are meant. Everything else is bound to the Region.
_NAMED = {
    "cloudformation": [arn("cloudformation", f"stack/{STACK_PREFIX}*")],
    "iam": [
        arn("iam", f"role/{_GIVEN_PREFIX}*", region=""),
        *(arn("iam", f"{kind}/{STACK_PREFIX}*", region="") for kind in ("role", "policy")),
    ],
    "s3": [arn("s3", f"{STACK_PREFIX.lower()}*", region="", account="")],
    "secretsmanager": [arn("secretsmanager", f"secret:{_GIVEN_PREFIX[:-1]}/*")],
}
# RDS makes the secret of the database's master user in the name of whoever creates the cluster; the rest it does in its
# own. Source: RDS user guide, "Password management with Aurora and AWS Secrets Manager".
_OF_DATABASES = ("secretsmanager:CreateSecret", "secretsmanager:TagResource")
# Services make use of keys for whoever creates a vault, a database or a secret; nothing in the stacks does so directly.
_USE_OF_KEYS = frozenset(("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant"))
_USING_KEYS = ("backup", "rds", "secretsmanager")
# CloudFormation tags keys with the name of their stack. KMS takes up to five minutes to heed a tag, so this is no bound
# for what is done to a key just made. Source: KMS developer guide, "ABAC for AWS KMS".
_LATER_WITH_KEYS = frozenset(
    f"kms:{verb}"
    for verb in ("DisableKeyRotation", "ScheduleKeyDeletion", "UntagResource", "UpdateKeyDescription")
)
# Actions of those services that are of no single resource. Source: the service authorization reference.
_WITHOUT_RESOURCE = frozenset(("iam:ListRoles", "s3:ListTagsForResource", "secretsmanager:GetRandomPassword"))
_BY_NAME, _IN_REGION, _GLOBALLY = "", "InRegion", "Globally"
_THROUGH_SERVICES, _OF_STACKS = "ThroughServices", "OfStacks"
_PASS, _SERVICE_LINKED = "iam:PassRole", "iam:CreateServiceLinkedRole"


def actions() -> list[str]:
    """Every action that the set's resources need, in order, each once."""
    table: dict[str, list[str]] = json.loads(FILE.read_text("utf-8"))
    return sorted({action for needed in table.values() for action in needed})


def add_global_region(template: Template) -> None:
    """The Regions in which requests to services without any count as made.

    Source: IAM user guide, aws:RequestedRegion; AWS general reference, "Service endpoints and quotas" of each service.
    """
    template.add_mapping(
        "GlobalServices",
        {
            "aws": {"Regions": ["us-east-1"]},
            "aws-us-gov": {"Regions": ["us-gov-west-1"]},
            "aws-cn": {"Regions": ["cn-north-1", "cn-northwest-1"]},
        },
    )


def statements() -> Iterator[Statement]:
    """The statements for the actions, one for each service and bound, and those for roles that are passed on."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for action in actions():
        if action not in (_PASS, _SERVICE_LINKED):
            service = action.partition(":")[0]
            grouped.setdefault((service, _bound(service, action)), []).append(action)
    for (service, bound), wanted in grouped.items():
        resources = _NAMED[service] if bound == _BY_NAME else ["*"]
        yield allow(_sid(service) + bound, _actions(wanted), resources, *_conditions(bound))
    databases = [arn("secretsmanager", "secret:rds!cluster-*")]
    yield allow("SecretsmanagerOfDatabases", _actions(_OF_DATABASES), databases)
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
    """In the Region of the stack."""
    return StringEquals("aws:RequestedRegion", Region)


def _bound(service: str, action: str) -> str:
    if service in _NAMED and action not in _WITHOUT_RESOURCE:
        return _BY_NAME
    if action in _USE_OF_KEYS:
        return _THROUGH_SERVICES
    if action in _LATER_WITH_KEYS:
        return _OF_STACKS
    return _GLOBALLY if service in _GLOBAL else _IN_REGION


def _conditions(bound: str) -> list[Any]:
    """What a statement with a bound asks of requests besides the resource's name."""
    by_services = [Sub(f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}") for service in _USING_KEYS]
    stacks = StringLike("aws:ResourceTag/aws:cloudformation:stack-name", f"{STACK_PREFIX}*")
    regions = FindInMap("GlobalServices", Partition, "Regions")
    asked: dict[str, list[Any]] = {
        _BY_NAME: [],
        _IN_REGION: [in_region()],
        _GLOBALLY: [StringEquals("aws:RequestedRegion", regions)],
        _THROUGH_SERVICES: [StringEquals("kms:ViaService", by_services)],
        _OF_STACKS: [in_region(), stacks],
    }
    return asked[bound]


def _sid(service: str) -> str:
    return "".join(word.capitalize() for word in service.split("-"))


def _actions(names: Sequence[str]) -> list[Action]:
    return [Action(*name.split(":")) for name in names]


def _length(wanted: Sequence[Any]) -> int:
    return sum(len(json.dumps(encode_to_dict(statement), separators=(",", ":"))) for statement in wanted)

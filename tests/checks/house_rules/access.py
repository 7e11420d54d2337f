"""Policies give no more than is needed, to nobody in general."""

from collections.abc import Iterator

from tests.checks.house_rules.policies import Statement, statements
from tests.checks.house_rules.rule import Finding, must, resources, rule
from tests.checks.rendered import Template

_ACCOUNT = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}

# Actions that IAM cannot restrict to a resource, and why a role of ours may have them.
# Source: the service authorization reference, column "Resource types" empty.
_WITHOUT_RESOURCE = {
    "ecr:GetAuthorizationToken": "needed to pull any image; gives no right to one",
}

# Services that take a role on without telling for which account: a trust policy that asked would never be met.
# Source: their user guides, whose trust policies have no condition, unlike those of the other services.
_TELLS_NO_SOURCE = {
    "backup.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "export.rds.amazonaws.com",
    "lambda.amazonaws.com",
    "servicecatalog.amazonaws.com",
}


def _is_account_default(statement: Statement) -> bool:
    """The statement that lets the account's IAM policies decide about a key: without it nobody could."""
    return statement.principals == (_ACCOUNT,) and statement.actions == ("kms:*",)


def _is_narrowed(statement: Statement) -> bool:
    """Whether it says more than who; an endpoint's policy gives no rights, it only takes some away."""
    is_endpoint = statement.resource_type == "AWS::EC2::VPCEndpoint"
    return bool(statement.conditions) or (is_endpoint and "*" not in statement.resources)


def any_principal(template: Template) -> Iterator[Finding]:
    for statement in statements(template):
        if statement.effect == "Allow" and statement.has_any_principal() and not _is_narrowed(statement):
            yield Finding(statement.resource, statement.path, "allows everyone, on no condition")


def any_action(template: Template) -> Iterator[Finding]:
    for statement in statements(template):
        wide = [action for action in statement.actions if action == "*" or action.endswith(":*")]
        unconditional = statement.effect == "Allow" and not statement.conditions
        if wide and unconditional and not _is_account_default(statement):
            yield Finding(statement.resource, statement.path, f"allows {wide[0]} on no condition")


def any_resource(template: Template) -> Iterator[Finding]:
    for statement in statements(template):
        if statement.effect == "Allow" and statement.is_identity_policy() and "*" in statement.resources:
            wide = [action for action in statement.actions if action not in _WITHOUT_RESOURCE]
            if wide and not statement.conditions:
                yield Finding(statement.resource, statement.path, f"allows {wide[0]} on every resource")


def negations(template: Template) -> Iterator[Finding]:
    for logical_id, resource in template.section("Resources").items():
        for element in ("NotAction", "NotPrincipal", "NotResource"):
            if f"'{element}'" in str(resource.get("Properties")):
                yield Finding(logical_id, element, "is used")


def service_without_source(template: Template) -> Iterator[Finding]:
    """A service acts for any account, so a policy has to say for which."""
    for statement in statements(template):
        silent = _TELLS_NO_SOURCE if statement.actions == ("sts:AssumeRole",) else set()
        services = [
            item
            for item in statement.principals
            if str(item).endswith("amazonaws.com") and item not in silent
        ]
        if statement.effect == "Allow" and services and not statement.conditions:
            yield Finding(statement.resource, statement.path, f"lets {services[0]} in for any account")


def users_and_inline_keys(template: Template) -> Iterator[Finding]:
    for resource_type in ("AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::IAM::Group"):
        for logical_id, _ in template.resources(resource_type):
            yield Finding(logical_id, "Type", f"is an {resource_type}")


def _role(statement: str) -> str:
    return resources(f"""
        Role:
          Type: AWS::IAM::Role
          Properties:
            Policies:
            - PolicyDocument:
                Statement:
                - {statement}
    """)


def _bucket_policy(statement: str) -> str:
    return resources(f"""
        Policy:
          Type: AWS::S3::BucketPolicy
          Properties:
            PolicyDocument:
              Statement:
              - {statement}
    """)


RULES = (
    rule(
        "Policy/any-principal",
        "A statement for everyone opens the resource to the world.",
        any_principal,
        _bucket_policy("{Effect: Allow, Principal: '*', Action: 's3:GetObject', Resource: x}"),
        _bucket_policy("{Effect: Allow, Principal: {AWS: '*'}, Action: 's3:GetObject', Resource: x}"),
        _bucket_policy("{Effect: Allow, Principal: {AWS: ['*']}, Action: 's3:GetObject', Resource: x}"),
        resources("""
            Endpoint:
              Type: AWS::EC2::VPCEndpoint
              Properties:
                PolicyDocument:
                  Statement: [{Effect: Allow, Principal: '*', Action: 's3:GetObject', Resource: '*'}]
        """),
    ),
    rule(
        "Policy/any-action",
        "A right to do everything includes what nobody thought of.",
        any_action,
        _role("{Effect: Allow, Action: '*', Resource: x}"),
        _role("{Effect: Allow, Action: ['s3:GetObject', 's3:*'], Resource: x}"),
    ),
    rule(
        "Policy/any-resource",
        "A role needs its own resources, not those of the whole account.",
        any_resource,
        _role("{Effect: Allow, Action: 's3:PutObject', Resource: '*'}"),
        _role("{Effect: Allow, Action: ['ecr:GetAuthorizationToken', 'ecr:PutImage'], Resource: ['*']}"),
    ),
    rule(
        "Policy/negation",
        "What is left out of a negation grows with every service that AWS adds.",
        negations,
        _role("{Effect: Allow, NotAction: 'iam:*', Resource: x}"),
        _role("{Effect: Allow, Action: 's3:GetObject', NotResource: x}"),
    ),
    rule(
        "Policy/confused-deputy",
        "A service acts for all its customers: a policy must say for which of them.",
        service_without_source,
        _bucket_policy(
            "{Effect: Allow, Principal: {Service: backup.amazonaws.com}, Action: 's3:PutObject', Resource: x}"
        ),
        resources("""
            Role:
              Type: AWS::IAM::Role
              Properties:
                AssumeRolePolicyDocument:
                  Statement:
                  - {Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: 'sts:AssumeRole'}
        """),
    ),
    rule(
        "IAM/no-users",
        "Users have keys that last; roles have none.",
        users_and_inline_keys,
        resources("User: {Type: AWS::IAM::User}"),
        resources("Key: {Type: AWS::IAM::AccessKey}"),
    ),
    must("AWS::S3::Bucket", "PublicAccessBlockConfiguration/BlockPublicAcls", "No image is public.", True),
    must("AWS::S3::Bucket", "PublicAccessBlockConfiguration/BlockPublicPolicy", "No image is public.", True),
    must("AWS::S3::Bucket", "PublicAccessBlockConfiguration/IgnorePublicAcls", "No image is public.", True),
    must(
        "AWS::S3::Bucket", "PublicAccessBlockConfiguration/RestrictPublicBuckets", "No image is public.", True
    ),
    must(
        "AWS::S3::Bucket",
        "OwnershipControls/Rules/*/ObjectOwnership",
        "ACLs of single objects are out of anybody's sight.",
        "BucketOwnerEnforced",
    ),
)

"""Mends what ministack does differently from AWS; one function for each defect."""

import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import yaml
from ministack.services import alb, cloudformation, rds
from ministack.services.cloudformation import changesets, engine, handlers, helpers, provisioners, stacks

from scripts.emulator import api, attributes, schemas
from scripts.emulator.patching import Function, replace, replace_action

Attributes = dict[str, Any]
STACK = "AWS::CloudFormation::Stack"
_VIRTUAL_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-].*amazonaws\.com(\.cn)?")


def install() -> None:
    """Applies every fix of this module to the ministack of this process."""
    read_templates_in_c()
    replace("_resolve_document", (helpers,), virtual_hosted_documents)
    replace("_evaluate_conditions", (engine, stacks, handlers, changesets), functions_in_conditions)
    replace("_provision_resource", (provisioners, stacks), created_attributes)
    replace("_update_resource", (provisioners, stacks), updated_attributes)
    replace("_property_recreation", (provisioners, stacks), recreation_by_schema)
    replace("_add_event", (stacks,), events_with_physical_ids)
    replace("_runs_on_worker_thread", (stacks,), provisioning_off_the_event_loop)
    replace("_rds_db_cluster_attrs", (provisioners,), managed_master_secret)
    replace("_target_group_full_name_from_arn", (alb,), full_name_of_target_group)
    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"] |= secret_by_arn()
    replace_action("DescribeStacks", family_of_stacks)
    replace_action("ListStacks", family_of_stacks)
    replace("new_uuid", (handlers, changesets), reserved_id)
    replace_action("CreateChangeSet", kept_placeholder)
    for action, token in _TOKENS.items():
        replace_action(action, partial(repeated_requests, token))


def read_templates_in_c() -> None:
    """Templates are read by libyaml where it is there: ministack's reading in Python is nine times slower."""
    if yaml.__with_libyaml__:
        constructors = {"yaml_constructors": engine.CfnLoader.yaml_constructors}
        engine.CfnLoader = type("CfnLoader", (yaml.CSafeLoader,), constructors)


def virtual_hosted_documents(original: Function) -> Function:
    """`TemplateURL` and `StackPolicyURL` as https://BUCKET.s3.REGION.amazonaws.com/KEY.

    ministack takes the first part of the path for the bucket whatever the host; AWS accepts both styles.
    """

    def resolve(params: dict[str, Any], body_key: str, url_key: str, label: str) -> Any:
        url = urlsplit(helpers._p(params, url_key))
        match = _VIRTUAL_HOST.fullmatch(url.netloc)
        if match:
            params = {**params, url_key: [f"https://s3.amazonaws.com/{match['bucket']}{url.path}"]}
        return original(params, body_key, url_key, label)

    return resolve


def functions_in_conditions(original: Function) -> Function:
    """Fn::FindInMap, Fn::Join, Fn::Split, Fn::Sub and pseudo parameters in Conditions.

    ministack compares them as they are written, so that a condition which uses them is wrong.
    """

    def evaluate(template: dict[str, Any], parameters: dict[str, Any]) -> Any:
        def resolve(node: Any) -> Any:
            if isinstance(node, dict) and node.keys() & _LOGICAL_FUNCTIONS:
                return {name: [resolve(item) for item in items] for name, items in node.items()}
            if isinstance(node, dict) and "Condition" not in node:
                return engine._resolve_refs(node, {}, parameters, {}, template.get("Mappings", {}), "", "")
            return node

        conditions = {name: resolve(node) for name, node in template.get("Conditions", {}).items()}
        return original({**template, "Conditions": conditions}, parameters)

    return evaluate


_LOGICAL_FUNCTIONS = {"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"}


def created_attributes(original: Function) -> Function:
    """Fn::GetAtt of an attribute that the schema declares, or of a property, such as `CidrBlock` of a VPC.

    ministack knows only those attributes that the type's handler returns.
    """

    def provision(resource_type: str, logical_id: str, properties: Attributes, stack_name: str) -> Any:
        physical_id, created = original(resource_type, logical_id, properties, stack_name)
        return physical_id, _readable(resource_type, physical_id, properties, {}, created or {})

    return provision


def updated_attributes(original: Function) -> Function:
    """Fn::GetAtt of a resource that is updated in place.

    ministack keeps only those attributes that the type's update returns, and some return none; on AWS they
    stay.
    """

    def update(
        resource_type: str,
        physical_id: str,
        old: Attributes,
        new: Attributes,
        stack_name: str,
        logical_id: str | None = None,
        known: Attributes | None = None,
    ) -> tuple[str, Attributes]:
        new_id, updated = original(resource_type, physical_id, old, new, stack_name, logical_id, known)
        kept = known if new_id == physical_id and resource_type != STACK else None
        return new_id, _readable(resource_type, new_id, new, kept or {}, updated or {})

    return update


def _readable(
    resource_type: str, physical_id: str, properties: Attributes, kept: Attributes, returned: Attributes
) -> Attributes:
    if resource_type == STACK or resource_type not in schemas.types():
        return {**kept, **returned}
    invented = attributes.made_up(resource_type, physical_id)
    return {**invented, **kept, **attributes.given(properties), **returned}


def recreation_by_schema(original: Function) -> Function:
    """Which changes of a property replace the resource.

    ministack knows it for some types and answers `Conditionally` for the others; AWS takes it from the type's
    schema.
    """

    def recreation(resource_type: str, name: str) -> str:
        known = resource_type in provisioners._REPLACING_PROPERTIES
        if known or resource_type not in schemas.types():
            return str(original(resource_type, name))
        return schemas.requires_recreation(resource_type, name)

    return recreation


def events_with_physical_ids(original: Function) -> Function:
    """`PhysicalResourceId` in the events of a resource that exists.

    ministack leaves it out until the resource is complete; AWS gives it as soon as there is one, and a nested
    stack can only be followed by it.
    """

    def add(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        if not physical_id:
            record = (cloudformation._stacks.get(stack_name) or {}).get("_resources", {}).get(logical_id, {})
            physical_id = record.get("PhysicalResourceId", "")
        original(
            stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status
        )

    return add


def provisioning_off_the_event_loop(_original: Function) -> Function:
    """Requests are answered while a stack is being created.

    ministack provisions most resources on the event loop, where a handler that calls the emulator's own API
    would wait for itself.
    """
    return lambda _resource_type: True


def managed_master_secret(original: Function) -> Function:
    """`MasterUserSecret.SecretArn` of a DBCluster with `ManageMasterUserPassword`.

    ministack neither creates the secret nor has the attribute; RDS creates a secret that it owns and names.
    """

    def attributes(cluster: dict[str, Any]) -> dict[str, Any]:
        secret = cluster.get("MasterUserSecret")
        more = {"MasterUserSecret.SecretArn": secret["SecretArn"]} if secret else {}
        return {**original(cluster), **more}

    handler = provisioners._RESOURCE_HANDLERS["AWS::RDS::DBCluster"]
    create, delete = handler["create"], handler["delete"]

    def create_with_secret(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        physical_id, created = create(logical_id, properties, stack_name)
        if str(properties.get("ManageMasterUserPassword", "")).lower() != "true":
            return physical_id, created
        cluster = rds._clusters[physical_id]
        cluster["MasterUserSecret"] = _master_secret(cluster, properties)
        return physical_id, attributes(cluster)

    def delete_with_secret(physical_id: str, properties: dict[str, Any]) -> None:
        secret = (rds._clusters.get(physical_id) or {}).get("MasterUserSecret")
        delete(physical_id, properties)
        if secret:
            api.call(
                "secretsmanager",
                "DeleteSecret",
                {"SecretId": secret["SecretArn"]},
                ForceDeleteWithoutRecovery=True,
            )

    handler |= {"create": create_with_secret, "delete": delete_with_secret}
    return attributes


def _master_secret(cluster: dict[str, Any], properties: dict[str, Any]) -> dict[str, str]:
    key = properties.get("MasterUserSecret", {}).get("KmsKeyId", "")
    user = properties.get("MasterUsername", "")
    secret = api.call(
        "secretsmanager",
        "CreateSecret",
        {"KmsKeyId": key} if key else {},
        Name=f"rds!cluster-{cluster['DbClusterResourceId'].lower()}",
        SecretString=json.dumps({"username": user, "password": "emulated"}),
    )
    return {"SecretArn": secret["ARN"], "SecretStatus": "active", "KmsKeyId": key}


def full_name_of_target_group(original: Function) -> Function:
    """`TargetGroupFullName`, which CloudWatch wants with `targetgroup/` before it; ministack leaves that away."""
    return lambda arn: f"targetgroup/{original(arn)}"


def secret_by_arn() -> dict[str, Function]:
    """Ref of a secret, which is its ARN on AWS and its name in ministack."""
    handler = dict(provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"])

    def create(logical_id: str, properties: Attributes, stack_name: str) -> tuple[str, Attributes]:
        _, attributes = handler["create"](logical_id, properties, stack_name)
        return attributes["Id"], attributes

    def update(arn: str, old: Attributes, new: Attributes, stack_name: str, logical_id: str) -> Any:
        _, attributes = handler["update"](_secret_name(arn), old, new, stack_name, logical_id)
        return attributes["Id"], attributes

    def delete(arn: str, properties: Attributes) -> None:
        handler["delete"](_secret_name(arn), properties)

    return {"create": create, "update": update, "delete": delete}


def _secret_name(arn: str) -> str:
    return arn.partition(":secret:")[2].rpartition("-")[0]


def family_of_stacks(original: Function) -> Function:
    """`ParentId` and `RootId` of a nested stack in DescribeStacks and ListStacks, missing there."""

    def describe(params: dict[str, Any]) -> Any:
        status, headers, body = original(params)
        for stack in cloudformation._stacks.values():
            if "ParentId" in stack:
                own = f"<StackId>{stack['StackId']}</StackId>"
                family = f"<ParentId>{stack['ParentId']}</ParentId><RootId>{stack['RootId']}</RootId>"
                body = body.replace(own.encode(), (own + family).encode())
        return status, headers, body

    return describe


def kept_placeholder(original: Function) -> Function:
    """The id of a stack that awaits review.

    A further CREATE change set for a stack in REVIEW_IN_PROGRESS gives it a new id in ministack; AWS keeps
    the id, and the change sets that it has.
    """

    def create(params: dict[str, Any]) -> Any:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        waiting = stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS"
        if waiting and helpers._p(params, "ChangeSetType") == "CREATE":
            return with_stack_id(stack["StackId"], lambda: original(params))
        return original(params)

    return create


_TOKENS = {
    "CreateChangeSet": "ClientToken",
    "CreateStack": "ClientRequestToken",
    "DeleteStack": "ClientRequestToken",
    "ExecuteChangeSet": "ClientRequestToken",
    "UpdateStack": "ClientRequestToken",
}


def repeated_requests(token_name: str, original: Function) -> Function:
    """A request that is sent again with the token of the first, because its answer was lost.

    ministack refuses it, as the stack or change set exists by then; AWS answers as it did the first time.
    """
    answers: dict[tuple[str, ...], Any] = {}

    def handle(params: dict[str, Any]) -> Any:
        key = tuple(helpers._p(params, name) for name in (token_name, "StackName", "ChangeSetName"))
        answer = answers.get(key) or original(params)
        if key[0] and answer[0] == 200:
            answers[key] = answer
        return answer

    return handle


_RESERVED: ContextVar[list[str] | None] = ContextVar("reserved", default=None)


def reserved_id(original: Function) -> Function:
    """Lets `with_stack_id` choose the id of the next stack; ministack always draws a new one."""

    def new_uuid() -> str:
        reserved = _RESERVED.get()
        return reserved.pop() if reserved else str(original())

    return new_uuid


def with_stack_id(stack_id: str, operation: Callable[[], Any]) -> Any:
    """Runs an operation of ministack such that the stack which it creates gets this id."""
    token = _RESERVED.set([stack_id.rpartition("/")[2]])
    try:
        return operation()
    finally:
        _RESERVED.reset(token)

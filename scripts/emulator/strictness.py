"""Refuses what AWS refuses and ministack lets pass, so that a green run here means more."""

import re
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import alb, ecr, rds, s3
from ministack.services.cloudformation import changesets, engine, handlers, helpers, provisioners, stacks

from scripts.emulator import faults, schemas
from scripts.emulator.patching import Function, replace, replace_action

Properties = dict[str, Any]
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


def install() -> None:
    """Applies every refusal of this module to the ministack of this process."""
    replace("_capabilities_enforced", (handlers,), capabilities)
    replace("_resolve_parameters", (engine, handlers, changesets), known_parameters)
    replace("validate_template_support", (engine, handlers, changesets), resolvable_references)
    replace("_provision_resource", (provisioners, stacks), valid_properties)
    replace("_update_resource", (provisioners, stacks), valid_changes)
    replace("_delete_resource", (provisioners, stacks), deletable_resources)
    replace("_describe_images", (ecr,), images_that_are_there)
    replace_action("CreateStack", free_stack_name)
    replace_action("CreateChangeSet", free_stack_name)


def capabilities(_original: Function) -> Function:
    """The capability that a template with IAM resources needs; ministack asks for it with AUTH=true only."""
    return lambda: True


def known_parameters(original: Function) -> Function:
    """Parameters that the template does not declare; ministack ignores them."""

    def resolve(template: Properties, provided: list[Properties], *rest: Any) -> Any:
        unknown = sorted({parameter["Key"] for parameter in provided} - template.get("Parameters", {}).keys())
        if unknown:
            raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        return original(template, provided, *rest)

    return resolve


def resolvable_references(original: Function) -> Function:
    """References to what the template lacks or a condition leaves out; ministack takes the name for it."""

    def validate(template: Properties, conditions: dict[str, bool], params: Properties | None = None) -> None:
        original(template, conditions, params=params)
        for section in ("Resources", "Outputs"):
            present = _present(template.get(section, {}), conditions)
            unresolved = set(_references(present, conditions)) - _names(template, conditions)
            if unresolved and params is not None:
                raise ValueError(
                    "Template format error: Unresolved resource dependencies "
                    f"[{', '.join(sorted(unresolved))}] in the {section} block of the template"
                )

    return validate


def _present(section: Properties, conditions: dict[str, bool]) -> Properties:
    return {name: item for name, item in section.items() if conditions.get(item.get("Condition"), True)}


def _names(template: Properties, conditions: dict[str, bool]) -> set[str]:
    resources = _present(template.get("Resources", {}), conditions)
    return resources.keys() | template.get("Parameters", {}).keys()


def _references(node: Any, conditions: dict[str, bool]) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item, conditions)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _KINDS.get(key, _in_any)(value, conditions)


def _in_any(value: Any, conditions: dict[str, bool]) -> Iterator[str]:
    return _references(value, conditions)


def _in_ref(value: Any, _conditions: dict[str, bool]) -> Iterator[str]:
    if isinstance(value, str) and not value.startswith("AWS::"):
        yield value


def _in_get_att(value: Any, _conditions: dict[str, bool]) -> Iterator[str]:
    yield value.partition(".")[0] if isinstance(value, str) else value[0]


def _in_sub(value: Any, conditions: dict[str, bool]) -> Iterator[str]:
    text, local = (value, {}) if isinstance(value, str) else value
    yield from _references(local, conditions)
    for variable in _VARIABLE.findall(text):
        if variable not in local and not variable.startswith("AWS::"):
            yield variable.partition(".")[0]


def _in_if(value: Any, conditions: dict[str, bool]) -> Iterator[str]:
    condition, yes, no = value
    return _references(yes if conditions.get(condition) else no, conditions)


_KINDS = {"Ref": _in_ref, "Fn::GetAtt": _in_get_att, "Fn::Sub": _in_sub, "Fn::If": _in_if}


def valid_properties(original: Function) -> Function:
    """Properties that the resource's schema does not allow or misses; ministack ignores them."""

    def provision(resource_type: str, logical_id: str, properties: Properties, stack_name: str) -> Any:
        _refuse(resource_type, logical_id, properties)
        return original(resource_type, logical_id, properties, stack_name)

    return provision


def valid_changes(original: Function) -> Function:
    """The same for the properties of an update."""

    def update(
        resource_type: str,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack_name: str,
        logical_id: str | None = None,
        *rest: Any,
    ) -> Any:
        _refuse(resource_type, logical_id or physical_id, new)
        return original(resource_type, physical_id, old, new, stack_name, logical_id, *rest)

    return update


def _refuse(resource_type: str, logical_id: str, properties: Properties) -> None:
    faults.fail_if_injected(logical_id)
    if resource_type.startswith(_CUSTOM):
        return
    mistakes = schemas.mistakes(resource_type, properties)
    if mistakes:
        raise ValueError(
            f"Properties validation failed for resource {logical_id} with message: {'; '.join(mistakes)}"
        )


def deletable_resources(original: Function) -> Function:
    """Deleting a bucket with objects, a protected database or load balancer; ministack just deletes them."""

    def delete(resource_type: str, physical_id: str, properties: Properties, *rest: Any) -> Any:
        guard = _DELETION_GUARDS.get(resource_type)
        reason = guard(physical_id) if guard else None
        if reason:
            raise ValueError(reason)
        return original(resource_type, physical_id, properties, *rest)

    return delete


def _full_bucket(name: str) -> str | None:
    versions = any(bucket == name for bucket, _ in s3._object_versions)
    if versions or (s3._buckets.get(name) or {}).get("objects"):
        return f"The bucket you tried to delete is not empty: {name} (Service: S3, Status Code: 409)"
    return None


def _protected_cluster(name: str) -> str | None:
    if (rds._clusters.get(name) or {}).get("DeletionProtection"):
        return "Cannot delete protected Cluster, please disable deletion protection and try again."
    return None


def _protected_instance(name: str) -> str | None:
    if (rds._instances.get(name) or {}).get("DeletionProtection"):
        return "Cannot delete protected DB Instance, please disable deletion protection and try again."
    return None


def _protected_load_balancer(arn: str) -> str | None:
    attributes = {item["Key"]: item["Value"] for item in alb._lb_attrs.get(arn) or []}
    if attributes.get("deletion_protection.enabled") == "true":
        return f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
    return None


_DELETION_GUARDS = {
    "AWS::S3::Bucket": _full_bucket,
    "AWS::RDS::DBCluster": _protected_cluster,
    "AWS::RDS::DBInstance": _protected_instance,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _protected_load_balancer,
}


def free_stack_name(original: Function) -> Function:
    """A rolled back creation, which must be deleted before its name is used again; ministack replaces it."""

    def create(params: Properties) -> Any:
        name = helpers._p(params, "StackName")
        stack = handlers._resolve_stack(name)
        creates = (
            helpers._p(params, "Action") == "CreateStack" or helpers._p(params, "ChangeSetType") == "CREATE"
        )
        if creates and stack and stack["StackStatus"] == "ROLLBACK_COMPLETE":
            return helpers._error("AlreadyExistsException", f"Stack [{name}] already exists")
        return original(params)

    return create


def images_that_are_there(original: Function) -> Function:
    """An image of a repository that is asked for and not there; ministack answers with those that are."""

    def describe(request: Properties) -> Any:
        wanted = request.get("imageIds", [])
        present = ecr._images.get(request.get("repositoryName", ""))
        if present is not None and not all(any(_is(image, asked) for image in present) for asked in wanted):
            message = f"The image with imageId {wanted} does not exist within the repository"
            return error_response_json("ImageNotFoundException", message, 400)
        return original(request)

    return describe


def _is(image: Properties, asked: dict[str, str]) -> bool:
    digest, tag = asked.get("imageDigest"), asked.get("imageTag")
    return digest in (None, image["imageDigest"]) and (tag is None or tag in image["imageTags"])

"""Tells what a new version of ministack means for the emulator.

The emulator replaces private functions of ministack, so it is pinned exactly (setup.cfg). When the pin is raised, these
tests say for each patch whether it still fits and whether it is still needed; each failure names what to change.
"""

import importlib
import inspect
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from scripts.emulator import Emulator
from tests.emulator.account import BUCKET, Account

Template = dict[str, Any]

SIGNATURES = {
    "cloudformation.changesets._create_change_set": "params",
    "cloudformation.changesets._find_change_set": "cs_name stack_name",
    "cloudformation.changesets._resolve_props_for_diff": "template params stack_name stack_id",
    "cloudformation.engine._evaluate_conditions": "template params",
    "cloudformation.engine._resolve_parameters": "template provided_params previous_params",
    "cloudformation.engine._resolve_refs": "value resources params conditions mappings stack_name stack_id",
    "cloudformation.engine._topological_sort": "resources conditions",
    "cloudformation.engine.validate_template_support": "template conditions params",
    "cloudformation.handlers._capabilities_enforced": "",
    "cloudformation.handlers._resolve_stack": "stack_name",
    "cloudformation.handlers.new_uuid": "",
    "cloudformation.helpers._error": "code message status",
    "cloudformation.helpers._p": "params key default",
    "cloudformation.helpers._resolve_document": "params body_key url_key label",
    "cloudformation.provisioners._delete_resource": "resource_type physical_id props stack_name logical_id",
    "cloudformation.provisioners._property_recreation": "resource_type name",
    "cloudformation.provisioners._provision_resource": "resource_type logical_id props stack_name",
    "cloudformation.provisioners._r53_resolve_hosted_zone_id": "props",
    "cloudformation.provisioners._rds_db_cluster_attrs": "cluster",
    "cloudformation.provisioners._rds_db_cluster_create": "logical_id props stack_name",
    "cloudformation.provisioners._rds_db_cluster_delete": "physical_id props",
    "cloudformation.provisioners._sm_secret_create": "logical_id props stack_name",
    "cloudformation.provisioners._sm_secret_update": "physical_id old_props new_props stack_name logical_id",
    "cloudformation.provisioners._update_resource": (
        "resource_type physical_id old_props new_props stack_name logical_id old_attrs"
    ),
    "cloudformation.provisioners._with_stack_tags": (
        "resource_type props stack_tags stack_name stack_id logical_id"
    ),
    "cloudformation.stacks._add_event": (
        "stack_id stack_name logical_id resource_type status reason physical_id detailed_status"
    ),
    "cloudformation.stacks._roll_back_operation": "stack_name stack_id stack operation reason_override",
    "cloudformation.stacks._runs_on_worker_thread": "resource_type",
    "alb._target_group_full_name_from_arn": "arn",
    "route53._default_records": "zone_name",
    "secretsmanager._resolve": "secret_id use_arn_scope",
}
STORES = [
    "alb._lb_attrs",
    "cloudformation._change_sets",
    "cloudformation._stack_events",
    "cloudformation._stacks",
    "ec2._network_acls",
    "rds._clusters",
    "rds._instances",
    "route53._records",
    "route53._zones",
    "s3._buckets",
    "s3._object_versions",
]


def _private(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"ministack.services.{module}"), name)


@pytest.mark.parametrize("path", SIGNATURES)
def test_a_private_function_that_is_patched_or_called_has_its_signature(path: str) -> None:
    parameters = " ".join(inspect.signature(_private(path)).parameters)

    assert parameters == SIGNATURES[path], (
        f"ministack {version('ministack')} has another {path}({parameters}): fit every use of it in scripts/emulator "
        "to the new signature, then change it in SIGNATURES."
    )


@pytest.mark.parametrize("path", STORES)
def test_a_store_that_is_read_or_written_directly_exists(path: str) -> None:
    assert hasattr(_private(path), "items"), (
        f"ministack has no store {path}: find where it keeps these records now"
    )


def test_every_patch_finds_what_it_replaces() -> None:
    code = "from scripts.emulator.server import extend; extend()"

    extended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert extended.returncode == 0, f"the patches no longer fit ministack:\n{extended.stderr}"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """ministack as it comes."""
    folder = tmp_path_factory.mktemp("plain")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
    settings |= {
        "TMPDIR": str(folder),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///none",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=os.environ | settings, stdout=log, stderr=log, cwd=folder
        )
    try:
        yield _ready(Account(Emulator(f"http://127.0.0.1:{port}", process.pid, folder)))
    finally:
        process.kill()
        process.wait()


def _ready(account: Account) -> Account:
    deadline = time.monotonic() + 30
    while True:
        try:
            account.client("s3").create_bucket(Bucket=BUCKET)
            return account
        except BotoCoreError:
            assert time.monotonic() < deadline, (account.emulator.folder / "log").read_text()
            time.sleep(0.05)


TOPIC: Template = {"Type": "AWS::SNS::Topic"}
BAD: Template = {
    "Type": "AWS::ElasticLoadBalancingV2::Listener",
    "Properties": {"LoadBalancerArn": "arn:none"},
}


def _resource(kind: str, **properties: Any) -> Template:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _stack(*resources: Template, **sections: Template) -> Template:
    return {"Resources": {f"R{index}": item for index, item in enumerate(resources)}, **sections}


def _output(value: Any) -> Template:
    return {"Out": {"Value": value}}


def _created(plain: Account, template: Template, **more: Any) -> bool:
    try:
        return plain.status(plain.create(template, **more)) == "CREATE_COMPLETE"
    except ClientError:
        return False


def _virtual_host_is_not_understood(plain: Account) -> bool:
    try:
        plain.client("cloudformation").validate_template(TemplateURL=plain.publish(_stack(TOPIC)))
    except ClientError:
        return True
    return False


def _path_style(plain: Account, template: Template) -> Template:
    nested = plain.nest(template)
    nested["Properties"]["TemplateURL"] = nested["Properties"]["TemplateURL"].replace(
        f"https://{BUCKET}.s3.us-east-1.amazonaws.com/", f"https://s3.amazonaws.com/{BUCKET}/"
    )
    return nested


def _failed_child_stays(plain: Account) -> bool:
    stack_id = plain.create(_stack(_path_style(plain, _stack(TOPIC, {**BAD, "DependsOn": "R0"}))))
    stacks = plain.client("cloudformation").describe_stacks()["Stacks"]
    return any(item["StackName"].startswith(stack_id.split("/")[1] + "-") for item in stacks)


def _child_is_deleted_without_its_policy(plain: Account) -> bool:
    kept = _resource("Logs::LogGroup", LogGroupName="canary") | {"DeletionPolicy": "Retain"}
    plain.delete(plain.create(_stack(_path_style(plain, _stack(kept)))))
    return not plain.client("logs").describe_log_groups(logGroupNamePrefix="canary")["logGroups"]


def _child_update_loses_attributes(plain: Account) -> bool:
    key = _resource("KMS::Key", KeyPolicy={"Version": "2012-10-17", "Statement": []})
    outputs = _output({"Fn::GetAtt": ["R0", "Arn"]})
    stack_id = plain.create(_stack(_path_style(plain, _stack(key, Outputs=outputs))))
    plain.update(stack_id, _stack(_path_style(plain, _stack(key, TOPIC, Outputs=outputs))))
    return plain.status(stack_id) != "UPDATE_COMPLETE"


def _family_is_not_reported(plain: Account) -> bool:
    stack_id = plain.create(_stack(_path_style(plain, _stack(TOPIC))))
    return "ParentId" not in plain.stack(plain.resources(stack_id)["R0"])


def _master_secret_is_missing(plain: Account) -> bool:
    cluster = _resource("RDS::DBCluster", Engine="aurora-postgresql", ManageMasterUserPassword=True)
    return not _created(
        plain, _stack(cluster, Outputs=_output({"Fn::GetAtt": ["R0", "MasterUserSecret.SecretArn"]}))
    )


def _attribute_is_missing(plain: Account) -> bool:
    vpc = _resource("EC2::VPC", CidrBlock="10.0.0.0/16")
    return not _created(plain, _stack(vpc, Outputs=_output({"Fn::GetAtt": ["R0", "CidrBlock"]})))


def _target_group_name_is_short(plain: Account) -> bool:
    group = _resource("ElasticLoadBalancingV2::TargetGroup", Port=443, Protocol="HTTPS")
    stack_id = plain.create(_stack(group, Outputs=_output({"Fn::GetAtt": ["R0", "TargetGroupFullName"]})))
    return not plain.outputs(stack_id)["Out"].startswith("targetgroup/")


def _secret_is_referred_to_by_name(plain: Account) -> bool:
    secret = _resource("SecretsManager::Secret", SecretString="{}")
    stack_id = plain.create(_stack(secret, Outputs=_output({"Ref": "R0"})))
    return not plain.outputs(stack_id)["Out"].startswith("arn:")


def _condition_is_wrong(plain: Account) -> bool:
    conditions = {"Here": {"Fn::Equals": [{"Fn::Sub": "${AWS::Region}"}, "us-east-1"]}}
    outputs = _output({"Fn::If": ["Here", "yes", "no"]})
    return plain.outputs(plain.create(_stack(TOPIC, Conditions=conditions, Outputs=outputs)))["Out"] == "no"


def _propose(plain: Account, name: str, template: Template, **more: Any) -> dict[str, Any]:
    answer = plain.client("cloudformation").create_change_set(
        StackName=name, ChangeSetType="CREATE", TemplateBody=json.dumps(template), **more
    )
    return dict(answer)


def _nested_change_set_is_missing(plain: Account) -> bool:
    template = _stack(_path_style(plain, _stack(TOPIC)))
    answer = _propose(plain, "canary-nested", template, ChangeSetName="a", IncludeNestedStacks=True)
    changes = plain.client("cloudformation").describe_change_set(ChangeSetName=answer["Id"])["Changes"]
    return "ChangeSetId" not in changes[0]["ResourceChange"]


def _conditions_do_not_count_in_a_change_set(plain: Account) -> bool:
    never = {"No": {"Fn::Equals": ["a", "b"]}}
    template = _stack(TOPIC, {**TOPIC, "Condition": "No"}, Conditions=never)
    answer = _propose(plain, "canary-conditions", template, ChangeSetName="a")
    changes = plain.client("cloudformation").describe_change_set(ChangeSetName=answer["Id"])["Changes"]
    return len(changes) == 2


def _placeholder_changes_its_id(plain: Account) -> bool:
    first = _propose(plain, "canary-review", _stack(TOPIC), ChangeSetName="a")
    second = _propose(plain, "canary-review", _stack(TOPIC), ChangeSetName="b")
    return bool(first["StackId"] != second["StackId"])


def _repeated_request_is_refused(plain: Account) -> bool:
    request = {"ChangeSetName": "a", "ClientToken": "t"}
    _propose(plain, "canary-token", _stack(TOPIC), **request)
    try:
        _propose(plain, "canary-token", _stack(TOPIC), **request)
    except ClientError:
        return True
    return False


def _updating_events_lack_the_physical_id(plain: Account) -> bool:
    stack_id = plain.create(_stack(TOPIC))
    plain.update(stack_id, _stack(_resource("SNS::Topic", DisplayName="x")))
    events = plain.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    begun = (event for event in events if event["ResourceStatus"] == "UPDATE_IN_PROGRESS")
    return not all(event.get("PhysicalResourceId") for event in begun)


def _full_bucket_is_deleted(plain: Account) -> bool:
    stack_id = plain.create(_stack(_resource("S3::Bucket", BucketName="canary-bucket")))
    plain.client("s3").put_object(Bucket="canary-bucket", Key="k", Body=b"")
    return plain.status(plain.delete(stack_id)) == "DELETE_COMPLETE"


def _protected_cluster_is_deleted(plain: Account) -> bool:
    cluster = _resource("RDS::DBCluster", Engine="aurora-postgresql", DeletionProtection=True)
    return plain.status(plain.delete(plain.create(_stack(cluster)))) == "DELETE_COMPLETE"


def _rolled_back_stack_is_replaced(plain: Account) -> bool:
    client = plain.client("cloudformation")
    client.create_stack(StackName="canary-rolled-back", TemplateBody=json.dumps(_stack(BAD)))
    plain.wait("canary-rolled-back")
    try:
        client.create_stack(StackName="canary-rolled-back", TemplateBody=json.dumps(_stack(TOPIC)))
    except ClientError:
        return False
    return True


def _unknown_parameter_passes(plain: Account) -> bool:
    return _created(plain, _stack(TOPIC), Parameters=[{"ParameterKey": "Typo", "ParameterValue": "x"}])


def _unresolved_reference_passes(plain: Account) -> bool:
    return _created(plain, _stack(_resource("SNS::Topic", DisplayName={"Ref": "Missing"})))


def _unknown_property_passes(plain: Account) -> bool:
    return _created(plain, _stack(_resource("SNS::Topic", DisplayNam="x")))


def _capabilities_are_not_asked_for(plain: Account) -> bool:
    return _created(plain, _stack(_resource("IAM::Role", AssumeRolePolicyDocument={"Statement": []})))


def _scaling_is_missing(_plain: Account) -> bool:
    services = importlib.import_module("ministack.app").SERVICE_REGISTRY
    return "application-autoscaling" not in services


def _unchanged_resource_is_reported(plain: Account) -> bool:
    stack_id = plain.create(_stack(TOPIC))
    plain.update(stack_id, _stack(TOPIC, TOPIC))
    return ("R0", "UPDATE_COMPLETE", "") in plain.events(stack_id)


def _new_resource_is_reported_as_updated(plain: Account) -> bool:
    stack_id = plain.create(_stack(TOPIC))
    plain.update(stack_id, _stack(TOPIC, TOPIC))
    return ("R1", "UPDATE_COMPLETE", "") in plain.events(stack_id)


def _removal_is_not_reported(plain: Account) -> bool:
    stack_id = plain.create(_stack(TOPIC, TOPIC))
    plain.update(stack_id, _stack(TOPIC))
    return ("R1", "DELETE_COMPLETE", "") not in plain.events(stack_id)


DEFECTS: dict[str, Callable[[Account], bool]] = {
    "fixes/requests.py: virtual_hosted_documents": _virtual_host_is_not_understood,
    "fixes/requests.py: family_of_stacks": _family_is_not_reported,
    "fixes/requests.py: kept_placeholder": _placeholder_changes_its_id,
    "fixes/requests.py: repeated_requests": _repeated_request_is_refused,
    "fixes/provisioning.py: functions_in_conditions": _condition_is_wrong,
    "fixes/provisioning.py: created_attributes": _attribute_is_missing,
    "fixes/events.py: events_as_on_aws (physical ids)": _updating_events_lack_the_physical_id,
    "fixes/events.py: untouched_resources": _unchanged_resource_is_reported,
    "fixes/events.py: events_as_on_aws (new resources)": _new_resource_is_reported_as_updated,
    "fixes/events.py: cleanup_of_an_update": _removal_is_not_reported,
    "fixes/resources.py: arn_of_master_secret": _master_secret_is_missing,
    "fixes/resources.py: full_name_of_target_group": _target_group_name_is_short,
    "fixes/resources.py: secret_by_arn": _secret_is_referred_to_by_name,
    "nested.py: with_failed_child": _failed_child_stays,
    "nested.py: delete": _child_is_deleted_without_its_policy,
    "nested.py: update": _child_update_loses_attributes,
    "changesets: conditional_resources": _conditions_do_not_count_in_a_change_set,
    "changesets: with_children and all that it needs": _nested_change_set_is_missing,
    "autoscaling.py": _scaling_is_missing,
    "strictness.py: capabilities": _capabilities_are_not_asked_for,
    "strictness.py: known_parameters": _unknown_parameter_passes,
    "strictness.py: resolvable_references": _unresolved_reference_passes,
    "strictness.py: valid_properties": _unknown_property_passes,
    "strictness.py: deletable_resources (buckets)": _full_bucket_is_deleted,
    "strictness.py: deletable_resources (clusters)": _protected_cluster_is_deleted,
    "strictness.py: free_stack_name": _rolled_back_stack_is_replaced,
}


@pytest.mark.parametrize("place", DEFECTS)
def test_plain_ministack_still_has_the_defect(plain: Account, place: str) -> None:
    assert DEFECTS[place](plain), (
        f"ministack {version('ministack')} does this as AWS does by now: remove scripts/emulator/{place}, "
        "its line here, and keep the test of the behaviour."
    )


def test_plain_ministack_still_lacks_the_added_types() -> None:
    code = (
        "import json; from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as theirs\n"
        "from scripts.emulator.types import MADE_BY_CALLS as ours; print(json.dumps(sorted(theirs.keys() & ours)))"
    )

    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    served = json.loads(found.stdout.splitlines()[-1])
    assert not served, f"ministack serves {', '.join(served)} by now: remove them from scripts/emulator/types"

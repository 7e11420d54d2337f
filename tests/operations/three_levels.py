"""A small rendered set, three stacks deep, to deploy in tests."""

import json
from pathlib import Path
from typing import Any

from generator import yaml_text
from scripts.aws.package import LOCATION_PARAMETERS
from scripts.aws.vocabulary import NESTED_STACK
from scripts.operations.environment import Environment

REASON = "Load balancer not found"
_BALANCER = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/none/0123456789abcdef"
_BROKEN = {
    "Type": "AWS::ElasticLoadBalancingV2::Listener",
    "Properties": {
        "LoadBalancerArn": _BALANCER,
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    },
}
_LINT = {"cfn-lint": {"config": {"ignore_checks": ["W2001", "W3002", "I3011"]}}}
_LOCATION = {name: {"Type": "String"} for name in LOCATION_PARAMETERS}


def described(resource: dict[str, Any], description: str) -> dict[str, Any]:
    return {"Type": resource["Type"], "Metadata": {"orthanc-aws": {"Description": description}}} | resource


def _nested(child: str, **parameters: Any) -> dict[str, Any]:
    return {"Type": NESTED_STACK, "Properties": {"TemplateURL": f"{child}.yaml", "Parameters": parameters}}


def _template(resources: dict[str, Any], output: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Metadata": _LINT,
        "Parameters": parameters,
        "Resources": resources,
        "Outputs": {"Word": {"Value": output}},
    }


def _record(name: str) -> dict[str, Any]:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {"Type": "AWS::Logs::LogGroup", **kept, "Properties": {"LogGroupName": name}}


_DATABASE = {
    "Type": "AWS::RDS::DBCluster",
    "DeletionPolicy": "Snapshot",
    "UpdateReplacePolicy": "Snapshot",
    "Properties": {
        "Engine": "aurora-postgresql",
        "MasterUsername": "master",
        "ManageMasterUserPassword": True,
        "DeletionProtection": {"Ref": "DeletionProtection"},
    },
}


def write(
    folder: Path,
    word: str = "one",
    broken: bool = False,
    record: str = "",
    database: bool = False,
    protected: bool = True,
    storage: str = "",
) -> Environment:
    """Writes the set and its parameter set.

    Where it is `broken`, a resource of the innermost stack fails. With the name of a `record` the innermost stack has
    a log group that is kept; with a `database` it has a cluster, which cannot be deleted where it is `protected`.
    """
    own_parameters = {
        "Word": {"Type": "String", "AllowedPattern": "[a-z]+"},
        "DeletionProtection": {"Type": "String", "AllowedValues": ["true", "false"]},
    }
    passed_on = {name: {"Ref": name} for name in (*own_parameters, *_LOCATION)}
    value = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Word"}}}
    innermost = {"Value": described(value, "The word")} | ({"Broken": _BROKEN} if broken else {})
    if record:
        innermost["Record"] = _record(record)
    if database:
        innermost["Database"] = _DATABASE
    templates = {
        "inner": _template(innermost, {"Fn::GetAtt": ["Value", "Value"]}, own_parameters),
        "middle": _template(
            {"Inner": _nested("inner", **{name: {"Ref": name} for name in own_parameters})},
            {"Fn::GetAtt": ["Inner", "Outputs.Word"]},
            own_parameters | _LOCATION,
        ),
        "root": _template(
            {"Middle": described(_nested("middle", **passed_on), "All that there is")},
            {"Fn::GetAtt": ["Middle", "Outputs.Word"]},
            own_parameters | _LOCATION | {"ImageStorage": {"Type": "String", "Default": "database"}},
        ),
    }
    for name, template in templates.items():
        (folder / f"{name}.yaml").write_text(yaml_text.dump(template))
    parameters = folder / "test.json"
    values = {"Word": word, "DeletionProtection": str(protected).lower()}
    parameters.write_text(json.dumps(values | ({"ImageStorage": storage} if storage else {})))
    return Environment("test", f"orthanc-{folder.name.replace('_', '-')}", parameters, folder, "test")

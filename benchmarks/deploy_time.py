"""Models how long CloudFormation takes to create a deployment: the longest chain of resources that wait for each other.

Usage: .venv/bin/python benchmarks/deploy_time.py [ENV]    ENV is a parameter set; all of them unless told

CloudFormation creates what does not wait for anything else at the same time, in a stack and across nested stacks. A
parent waits for a nested stack as a whole. The times of single resources, `SECONDS`, were not measured.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from scripts.operations.inventory import DeployedStack, deployed
from scripts.operations.validate import load_parameters

PROJECT = Path(__file__).resolve().parent.parent
NESTED = "AWS::CloudFormation::Stack"
# Typical seconds for what takes long; anything else takes `OTHER`, and a nested stack `OVERHEAD` beside its resources.
SECONDS = {
    "AWS::RDS::DBCluster": 60,
    "AWS::RDS::DBInstance": 480,
    "AWS::RDS::DBClusterParameterGroup": 15,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": 150,
    "AWS::CertificateManager::Certificate": 180,
    "AWS::EC2::NatGateway": 120,
    "AWS::EC2::VPCEndpoint": 90,
    "AWS::ECS::Service": 240,
    "AWS::KMS::Key": 60,
    "AWS::S3::Bucket": 25,
    "AWS::IAM::Role": 20,
    "AWS::WAFv2::WebACL": 20,
    "AWS::Route53::RecordSet": 60,
    "AWS::Route53::HostedZone": 45,
}
OTHER = 5
OVERHEAD = 10
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


@dataclass(frozen=True)
class Chain:
    """The longest chain to the end of something: its seconds, and the names of what it passes."""

    seconds: int = 0
    names: tuple[str, ...] = ()


class Model:
    """One stack of a deployment, and the stacks that it nests."""

    def __init__(self, stack: DeployedStack, others: Mapping[str, DeployedStack]) -> None:
        self._resources = stack.resources
        self._others = others
        self._ends: dict[str, Chain] = {}

    @cached_property
    def longest(self) -> Chain:
        """The chain that the stack as a whole takes."""
        return max(
            (self._end(name) for name in self._resources), key=lambda path: path.seconds, default=Chain()
        )

    @cached_property
    def sum(self) -> int:
        """Seconds if everything were created one after the other."""
        return sum(
            self._nested(resource).sum if resource["Type"] == NESTED else _own(resource)
            for resource in self._resources.values()
        )

    def _end(self, name: str) -> Chain:
        if name not in self._ends:
            before = max(
                (self._end(other) for other in waits_for(self._resources[name]) if other in self._resources),
                key=lambda path: path.seconds,
                default=Chain(),
            )
            resource = self._resources[name]
            inner = self._nested(resource).longest if resource["Type"] == NESTED else Chain()
            seconds = before.seconds + inner.seconds + _own(resource)
            inside = tuple(f"{name}/{part}" for part in inner.names) or (name,)
            self._ends[name] = Chain(seconds, (*before.names, *inside))
        return self._ends[name]

    def _nested(self, resource: Mapping[str, Any]) -> "Model":
        child = resource["Properties"]["TemplateURL"].removesuffix(".yaml")
        return Model(self._others[child], self._others)


def _own(resource: Mapping[str, Any]) -> int:
    return OVERHEAD if resource["Type"] == NESTED else SECONDS.get(resource["Type"], OTHER)


def waits_for(resource: Mapping[str, Any]) -> set[str]:
    """The logical ids that a resource refers to or names in DependsOn."""
    named = resource.get("DependsOn", [])
    return {*([named] if isinstance(named, str) else named), *_references(resource.get("Properties", {}))}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif key == "Fn::Sub":
                yield from _SUBSTITUTED.findall(value if isinstance(value, str) else value[0])
                yield from _references([] if isinstance(value, str) else value[1])
            else:
                yield from _references(value)


def show(environment: str) -> None:
    """Prints the longest chain of a parameter set, and what it takes beside one after the other."""
    values = load_parameters(PROJECT / "parameters" / f"{environment}.json")
    stacks = {stack.name: stack for stack in deployed(PROJECT / "templates", values)}
    model = Model(stacks["root"], stacks)
    path = model.longest
    print(f"{environment}: {path.seconds / 60:.0f} minutes by the longest chain;", end=" ")
    print(f"{model.sum / 60:.0f} one after the other, {model.sum / path.seconds:.1f} times as long")
    for name in path.names:
        print(f"  {name}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or sorted(file.stem for file in (PROJECT / "parameters").glob("*.json")):
        show(chosen)

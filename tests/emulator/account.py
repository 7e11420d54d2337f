"""The emulated account as a user sees it: plain boto3 over HTTP."""

import json
import time
import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from scripts.emulator import Emulator

Template = dict[str, Any]
BUCKET = "templates"
NESTED = "AWS::CloudFormation::Stack"


@cache
def _client(service: str, endpoint_url: str) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@dataclass(frozen=True)
class Account:
    """What the tests do in the account that an emulator offers."""

    emulator: Emulator

    def client(self, service: str) -> Any:
        return _client(service, self.emulator.endpoint_url)

    def publish(self, template: Template) -> str:
        """Uploads a template; returns its virtual-hosted URL."""
        key = f"{uuid.uuid4()}.json"
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(template))
        return f"https://{BUCKET}.s3.us-east-1.amazonaws.com/{key}"

    def nest(self, template: Template, **parameters: Any) -> Template:
        """A nested stack resource that holds the template."""
        return {
            "Type": NESTED,
            "Properties": {"TemplateURL": self.publish(template), "Parameters": parameters},
        }

    def create(self, template: Template, **more: Any) -> str:
        """Creates a stack, waits for its end and returns its id."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        body = json.dumps(template)
        stack_id = self.client("cloudformation").create_stack(StackName=name, TemplateBody=body, **more)[
            "StackId"
        ]
        return self.wait(stack_id)

    def update(self, stack_id: str, template: Template, **more: Any) -> str:
        self.client("cloudformation").update_stack(
            StackName=stack_id, TemplateBody=json.dumps(template), **more
        )
        return self.wait(stack_id)

    def delete(self, stack_id: str) -> str:
        self.client("cloudformation").delete_stack(StackName=stack_id)
        return self.wait(stack_id)

    def wait(self, stack_id: str) -> str:
        while self.stack(stack_id)["StackStatus"].endswith("IN_PROGRESS"):
            time.sleep(0.02)
        return stack_id

    def stack(self, stack_id: str) -> dict[str, Any]:
        stacks = self.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
        return dict(stacks[0])

    def status(self, stack_id: str) -> str:
        return str(self.stack(stack_id)["StackStatus"])

    def outputs(self, stack_id: str) -> dict[str, str]:
        return {
            output["OutputKey"]: output["OutputValue"] for output in self.stack(stack_id).get("Outputs", [])
        }

    def resources(self, stack_id: str) -> dict[str, str]:
        """Logical id to physical id of what the stack holds."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack_id)["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}

    def events(self, stack_id: str) -> list[tuple[str, str, str]]:
        """Logical id, status and reason of the events of a stack, the oldest first."""
        events = self.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
        return [
            (item["LogicalResourceId"], item["ResourceStatus"], item.get("ResourceStatusReason", ""))
            for item in reversed(events)
        ]

    def reasons(self, stack_id: str) -> str:
        """Why something failed in the stack, the first reason first."""
        return "\n".join(reason for _, status, reason in self.events(stack_id) if status.endswith("FAILED"))

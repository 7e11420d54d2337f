"""Mends how ministack answers requests to CloudFormation."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import yaml
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, helpers

from scripts.emulator.patching import Function, replace, replace_action

_VIRTUAL_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-].*amazonaws\.com(\.cn)?")


def install() -> None:
    """Applies every fix of this module to the ministack of this process."""
    read_templates_in_c()
    replace("_resolve_document", (helpers,), virtual_hosted_documents)
    replace("new_uuid", (handlers, changesets), reserved_id)
    replace_action("DescribeStacks", family_of_stacks)
    replace_action("ListStacks", family_of_stacks)
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


_RESERVED: ContextVar[list[str] | None] = ContextVar("reserved", default=None)


def reserved_id(original: Function) -> Function:
    """Lets `with_stack_id` choose the id of the next stack; ministack always draws a new one."""

    def new_uuid() -> str:
        reserved = _RESERVED.get()
        return reserved.pop() if reserved else str(original())

    return new_uuid


def with_stack_id(stack_id: str | None, operation: Callable[[], Any]) -> Any:
    """Runs an operation of ministack such that the stack which it creates, if it does, gets this id."""
    token = _RESERVED.set([stack_id.rpartition("/")[2]] if stack_id else None)
    try:
        return operation()
    finally:
        _RESERVED.reset(token)


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

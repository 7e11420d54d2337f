"""What keeps an update from replacing or removing data: refusal by this tool, and stack policies in AWS.

The tool refuses a change set that would do so. A stack policy on every stack that bears data refuses it to everybody,
whoever updates the stack and by whatever means (CloudFormation user guide, "Prevent updates to stack resources").
"""

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws import stacks
from scripts.aws.changeset import Change
from scripts.aws.data import bears_data
from scripts.aws.errors import told
from scripts.errors import OperationError
from scripts.operations.deployment import Deployment

Path = tuple[str, ...]


def path_of(text: str) -> Path:
    """The logical ids of a path such as `Database/Cluster`, with or without the root before them."""
    parts = tuple(text.strip("/").split("/"))
    return parts[1:] if parts[0] == "root" else parts


def losses(changes: Iterable[Change], above: Path = ()) -> Iterator[tuple[Path, Change]]:
    """The changes that put data at risk, each with its path."""
    for change in changes:
        path = (*above, change.logical_id)
        if change.endangers_data:
            yield path, change
        yield from losses(change.children, path)


def permitted_losses(
    deployment: Deployment, changes: Iterable[Change], allowed: Collection[Path]
) -> frozenset[Path]:
    """The paths of what bears data and is to be replaced or removed, all of which `allowed` covers.

    A path of `allowed` covers itself and, if it is that of a nested stack, all that is inside. Raises OperationError
    where a loss is not covered.
    """
    found = dict(losses(changes))
    refused = [path for path in found if not any(path[: len(cover)] == cover for cover in allowed)]
    if refused:
        flags = " ".join(f"--allow-replacing {'/'.join(path)}" for path in refused)
        raise OperationError(
            f"Not deployed: {deployment.stack_name} would lose what bears data",
            "\n".join(
                f"root/{'/'.join(path)} ({found[path].resource_type}) {_fate(found[path])}"
                for path in refused
            ),
            f"Take the change back; or, where it is meant: `orthanc-aws deploy "
            f"{deployment.environment.arguments} {flags}`.",
        )
    return frozenset(found)


def _fate(change: Change) -> str:
    if change.action == "Remove":
        return "would be removed"
    return "would be replaced" if change.replacement == "True" else "might be replaced"


@contextmanager
def guarding(deployment: Deployment, stack_id: str | None, exempt: frozenset[Path]) -> Iterator[None]:
    """Has stack policies guard all data but that at the `exempt` paths during the block, and all of it afterwards.

    A stack that is yet to be created, for which `stack_id` is None, has none to guard. However the block ends, all is
    guarded again, unless CloudFormation is still at work; the person is told of that, and where it fails, as an error
    that is under way matters more.
    """
    if not stack_id or not exempt:
        if stack_id:
            set_policies(deployment, stack_id)
        yield
        return
    names = ", ".join("/".join(path) for path in sorted(exempt))
    deployment.console.step(f"For this update alone, {names} may be replaced or removed")
    try:
        set_policies(deployment, stack_id, exempt)
        yield
    finally:
        _guard_again(deployment, stack_id, names)


def _guard_again(deployment: Deployment, stack_id: str, names: str) -> None:
    command = f"`orthanc-aws {deployment.verb} {deployment.environment.arguments}`"
    try:
        stack = stacks.find(deployment.cloudformation, stack_id)
        if stack and stack.in_progress:
            # It would refuse what it has not come to yet, and roll back.
            deployment.console.step(
                f"{stack.name} is {stack.status}: {names} may be replaced or removed until {command} guards all again"
            )
            return
        set_policies(deployment, stack_id)
        deployment.console.done("All that bears data is guarded again")
    except (BotoCoreError, ClientError) as error:
        deployment.console.failure(
            OperationError(
                "The stack policies could not be set again",
                str(told(error)),
                f"{command} sets them.",
            )
        )


def protect(deployment: Deployment, stack: stacks.Stack) -> None:
    """Turns termination protection on and has stack policies guard all data, where that is not so yet."""
    if not stack.protected:
        stacks.protect(deployment.cloudformation, stack)
        deployment.console.done("Termination protection is on")
    guarded = set_policies(deployment, stack.id)
    if guarded:
        deployment.console.done(f"Stack policies guard {guarded} resources that bear data")


def set_policies(deployment: Deployment, stack_id: str, exempt: frozenset[Path] = frozenset()) -> int:
    """Sets the policy of every stack that bears data; returns how many resources are guarded that were not so."""
    tree = stacks.tree(deployment.cloudformation, stack_id, "")
    changed = 0
    for stack in tree.all():
        guarded = _guarded(deployment, stack)
        ids = [logical_id for logical_id in guarded if (*stack.path, logical_id) not in exempt]
        if guarded and stacks.set_policy(deployment.cloudformation, stack.id, policy(ids)):
            changed += len(ids)
    return changed


def policy(guarded: Iterable[str]) -> str:
    """A stack policy that allows every update but those that replace or remove a guarded resource."""
    statements: list[dict[str, object]] = [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    ]
    resources = [f"LogicalResourceId/{logical_id}" for logical_id in sorted(guarded)]
    if resources:
        denied = {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*"}
        statements.append({**denied, "Resource": resources})
    return json.dumps({"Statement": statements})


def _guarded(deployment: Deployment, stack: stacks.Nested) -> list[str]:
    """The logical ids of what bears data directly in a stack: resources, and nested stacks with such in them."""

    def policy_of(logical_id: str) -> str:
        resource = deployment.template.resource((*stack.path, logical_id))
        return str(resource.get("UpdateReplacePolicy", ""))

    own = [name for name, each in stack.resources.items() if bears_data(each.type, policy_of(name))]
    return own + [child.path[-1] for child in stack.children if _guarded(deployment, child)]

"""Brings a stack that an earlier run left behind, in whatever state, to one from which it can be deployed."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.aws import changeset, events, stacks
from scripts.aws.follow import read
from scripts.aws.package import Template
from scripts.aws.session import Session
from scripts.aws.stacks import Stack
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.environment import Environment
from scripts.operations.watch import failed, watch

_STUCK = ("CREATE_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED", "ROLLBACK_FAILED", "UPDATE_FAILED")


@dataclass(frozen=True)
class Predecessor:
    """Takes care of what an earlier run left of an environment's stack."""

    environment: Environment
    session: Session
    template: Template
    console: Console

    def settle(self) -> Stack | None:
        """The stack in a state that a change set can be made for, or None where it is yet to be created.

        Follows a deployment that is under way, removes the empty rest of a creation that failed, continues a
        rollback that got stuck, and removes change sets that were never executed. Raises OperationError where a
        person has to decide.
        """
        stack = self._find()
        if stack and stack.in_progress:
            self._attach(stack)
            stack = self._find()
        if stack and stack.status in _STUCK:
            raise self._stuck(stack)
        remedy = self._remedies.get(stack.status) if stack else None
        if stack and remedy:
            remedy(stack)
            stack = self._find()
        if stack:
            self._remove_leftovers(stack)
        return None if stack is None or stack.status == "REVIEW_IN_PROGRESS" else stack

    @property
    def _remedies(self) -> dict[str, Callable[[Stack], None]]:
        return {
            "ROLLBACK_COMPLETE": self._remove_remains,
            "UPDATE_ROLLBACK_FAILED": self._continue_rollback,
        }

    def _find(self) -> Stack | None:
        return stacks.find(self.session.cloudformation, self.environment.stack_name)

    def _attach(self, stack: Stack) -> None:
        client = self.session.cloudformation
        described = changeset.description_of(client, stack.change_set_id) if stack.change_set_id else ""
        self.console.step(
            f"{stack.name} is {stack.status} ({described or 'started elsewhere'}): following that first"
        )
        self._watch(stack)

    def _watch(self, stack: Stack) -> None:
        since = events.start_of(self.session.cloudformation, stack.id)
        report = watch(self.environment, self.session, stack.id, since, self.template, self.console)
        if not report.succeeded:
            raise failed(self.environment, report)

    def _remove_remains(self, stack: Stack) -> None:
        client = self.session.cloudformation
        report = read(events.OperationEvents(client, stack.id, events.start_of(client, stack.id)))
        cause = f" (it failed for {report.failure})" if report.failure else ""
        self.console.step(f"Removing {stack.name}, the empty rest of a creation that was rolled back{cause}")
        status = stacks.delete(client, stack.id)
        if status != "DELETE_COMPLETE":
            raise OperationError(
                f"{stack.name} is still {status}", "", "Look at its events in the CloudFormation console."
            )

    def _continue_rollback(self, stack: Stack) -> None:
        self.console.step(f"The last rollback of {stack.name} got stuck: continuing it")
        client = self.session.cloudformation
        since = events.now_of(client, stack.id)
        client.continue_update_rollback(StackName=stack.id)
        report = watch(self.environment, self.session, stack.id, since, self.template, self.console)
        if report.status != "UPDATE_ROLLBACK_COMPLETE":
            raise failed(self.environment, report)

    def _remove_leftovers(self, stack: Stack) -> None:
        client = self.session.cloudformation
        for change_set_id in changeset.leftovers(client, stack.id):
            self.console.step("Removing a change set that an earlier run left unexecuted")
            client.delete_change_set(ChangeSetName=change_set_id)

    def _stuck(self, stack: Stack) -> OperationError:
        client = self.session.cloudformation
        report = read(events.OperationEvents(client, stack.id, events.start_of(client, stack.id)))
        return failed(self.environment, report)

"""`orthanc-aws drift`: what was changed past CloudFormation."""

from scripts.aws import drift as detection
from scripts.aws import stacks
from scripts.aws.session import Session
from scripts.console import Console
from scripts.operations.environment import Environment
from scripts.operations.status import find
from scripts.progress import count


def drift(environment: Environment, session: Session, console: Console) -> detection.Drift:
    """Where the environment's resources are no longer as its templates have them, in all of its stacks."""
    stack = find(environment, session)
    tree = stacks.tree(session.cloudformation, stack.id, stack.status)
    console.step(f"CloudFormation compares {count(len(list(tree.all())), 'stack')} with what there is")
    return detection.detect(session.cloudformation, tree)

"""`orthanc-aws publish catalog` and `catalog`: the store as a product of AWS Service Catalog, version by version."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from scripts.aws import artifacts, published, readers, stacks
from scripts.aws.catalog import Product
from scripts.aws.published import Version
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations import deploy
from scripts.operations.environment import Environment
from scripts.operations.images import with_images
from scripts.operations.publish import STORE, check, form_values, prepared, put

STACK_NAME = "orthanc-aws-catalog"
TEMPLATE = "catalog.yaml"
_SHARES = ("PortfolioShares",)
_ACCOUNTS, _NODES = "ShareAccounts", "ShareOrganizationNodes"


@dataclass(frozen=True)
class Options:
    """Parameters of the catalog's stack that are asked for, and how to deploy it; what is not asked for stays."""

    asked: Mapping[str, str] = field(default_factory=dict)
    deployment: deploy.Options = field(default_factory=deploy.Options)


@dataclass(frozen=True)
class Listed:
    """A version of the product."""

    name: str
    created: datetime
    is_deprecated: bool
    template: str

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "Version": self.name,
            "Created": self.created.isoformat(),
            "Deprecated": self.is_deprecated,
            "Template": self.template,
        }


def shared_with(grantees: Sequence[str]) -> dict[str, str]:
    """The catalog's parameters that share it with these accounts (12 digits), units (`ou-…`) and organizations (`o-…`).

    Nobody else has it then. Raises ValueError for the first that is none of these.
    """
    accounts = [name for name in grantees if name.isdigit()]
    nodes = [name for name in grantees if name.startswith(("ou-", "o-"))]
    for name in grantees:
        if name not in (*accounts, *nodes):
            raise ValueError(
                f"{name!r} is neither an account (12 digits), an organizational unit (ou-…) nor an organization (o-…)."
            )
    return {_ACCOUNTS: ",".join(accounts), _NODES: ",".join(nodes)}


def publish(
    version_name: str, environment: Environment, options: Options, session: Session, console: Console
) -> dict[str, str]:
    """Publishes a version as one of the product, which is made where there is none; returns the catalog's outputs.

    Images that the environment lacks are made first. Raises OperationError where the version exists with other content,
    or where the catalog's stack cannot be deployed.
    """
    check(environment.templates, console)
    _require_no_snapshot(environment)
    bucket = artifacts.artifact_bucket(session, options.deployment.bucket)
    _check_bucket(_stack(session), bucket)
    _catalog(environment, version_name, "root.yaml", bucket, options, session)
    complete = with_images(environment, options.deployment, session, console)
    given = form_values(complete, session, console)
    version = prepared(version_name, environment.templates, bucket, given)
    put(version, bucket, session, console)
    root = version.launched[STORE].key
    catalog = _catalog(environment, version_name, root, bucket, options, session)
    outputs = _apply(catalog, options, bucket, session, console)
    _add(Product(session, outputs["Product"]), version, bucket, session, console)
    return outputs


def listed(session: Session) -> list[Listed]:
    """The versions of the product, the latest first."""
    return _listed(_product(session))


def deprecate(version_name: str, session: Session, undo: bool = False) -> list[Listed]:
    """Marks a version such that nobody launches it any more, and stores that have it can go on and be updated.

    To undo takes the mark away. Returns all versions as they are then, the latest first.
    """
    product = _product(session)
    found = product.version(version_name)
    if found is None:
        names = ", ".join(item.name for item in product.versions())
        raise OperationError(f"There is no version {version_name} in the catalog", f"there are: {names}")
    product.deprecate(found, undo)
    return _listed(product)


def _listed(product: Product) -> list[Listed]:
    return [
        Listed(item.name, item.created, item.is_deprecated, item.template)
        for item in sorted(product.versions(), key=lambda item: item.created, reverse=True)
    ]


def _stack(session: Session) -> stacks.Stack | None:
    return stacks.find(session.cloudformation, STACK_NAME)


def _product(session: Session) -> Product:
    stack = _stack(session)
    if stack is None or "Product" not in stack.outputs:
        raise OperationError(
            f"There is no catalog in {session.region} of account {session.account}",
            "",
            "`orthanc-aws publish catalog VERSION` makes it.",
        )
    return Product(session, stack.outputs["Product"])


def _require_no_snapshot(environment: Environment) -> None:
    if snapshot := environment.values().get("DatabaseSnapshot"):
        raise OperationError(
            "A store of this version could never be launched",
            f"{environment.parameters} begins with a snapshot, {snapshot}, which the catalog does not admit.",
            "Publish a parameter set without DatabaseSnapshot.",
        )


def _check_bucket(stack: stacks.Stack | None, bucket: artifacts.Bucket) -> None:
    known = stack.parameters.get("PublishedBucket", bucket.name) if stack else bucket.name
    if known != bucket.name:
        raise OperationError(
            f"The catalog's versions lie in bucket {known}",
            "its launch role may read no other, and its template constraint admits no other",
            f"Publish with --bucket {known}.",
        )


def _apply(
    catalog: Environment, options: Options, bucket: artifacts.Bucket, session: Session, console: Console
) -> dict[str, str]:
    """Deploys the catalog's stack, and lets those read the templates whom it is shared with; returns its outputs."""
    values = catalog.values()
    accounts, nodes = (
        [name for name in values.get(key, "").split(",") if name] for key in (_ACCOUNTS, _NODES)
    )
    deployment = options.deployment
    if not accounts and not nodes:
        # The stack of the shares goes; the log that bears data stays, as its template has it.
        deployment = replace(deployment, allow_replacing=(_SHARES,))
    wanted = readers.statements(session, bucket, accounts, nodes)
    outputs = deploy.apply(catalog, deployment, session, console)
    _let_read(wanted, bucket, is_own=deployment.bucket is None, session=session, console=console)
    return outputs


def _let_read(
    wanted: list[readers.Statement],
    bucket: artifacts.Bucket,
    *,
    is_own: bool,
    session: Session,
    console: Console,
) -> None:
    """Has the bucket's policy let others read; where the bucket is not the tool's own, tells what it must say."""
    if not is_own and wanted:
        text = json.dumps(wanted, indent=2)
        console.step(f"For others to launch, the policy of {bucket.name} must have these statements:\n{text}")
    elif is_own and readers.let_read(session, bucket, wanted):
        console.done(f"The policy of {bucket.name} lets those read whom the catalog is shared with")


def _catalog(
    environment: Environment,
    version_name: str,
    root: str,
    bucket: artifacts.Bucket,
    options: Options,
    session: Session,
) -> Environment:
    """The catalog's stack with its parameters, of which those of its first version stay what they were.

    Raises OperationError where one is missing or wrong.
    """
    first = {
        "PublishedBucket": bucket.name,
        "FirstVersion": version_name,
        "FirstTemplate": f"{published.prefix_of(version_name)}{root}",
    }
    stack = _stack(session)
    catalog = Environment(
        name="catalog",
        stack_name=STACK_NAME,
        parameters=None,
        templates=environment.templates,
        arguments=environment.arguments,
        root=TEMPLATE,
        made=first,
    ).continuing(stack.parameters if stack else {}, options.asked)
    mistakes = catalog.mistakes()
    if mistakes:
        raise OperationError(
            "The catalog lacks something",
            "\n".join(mistakes),
            "Options of `orthanc-aws publish catalog` give it: --launchers, --provider, --cost-center, --hosted-zone, "
            "--share.",
        )
    return catalog


def _add(
    product: Product, version: Version, bucket: artifacts.Bucket, session: Session, console: Console
) -> None:
    key = version.prefix + version.launched[STORE].key
    found = product.version(version.name)
    if found is None:
        product.add(
            version.name, key, published.url_of(session, bucket, version, version.launched[STORE].key)
        )
        console.done(f"Version {version.name} is in the catalog")
    elif found.template != key:
        raise OperationError(
            f"Version {version.name} is in the catalog with other content",
            f"it was made of {found.template}, and this is {key}",
            "Publish under another version.",
        )
    elif found.is_deprecated:
        console.step(
            f"Version {version.name} is in the catalog already, deprecated: "
            f"`orthanc-aws catalog deprecate {version.name} --undo` offers it again"
        )
    else:
        console.done(f"Version {version.name} is in the catalog already")


def default_environment(templates: Path) -> Environment:
    """What a store of the catalog begins with where no parameter set is named: the templates' own defaults."""
    return Environment("catalog", STACK_NAME, None, templates, "catalog")

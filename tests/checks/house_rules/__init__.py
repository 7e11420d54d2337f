"""Rules of the house that no linter knows, one table for each subject."""

from tests.checks.house_rules import (
    access,
    alarms,
    containers,
    database,
    documentation,
    encryption,
    load_balancers,
    network,
    partitions,
    retention,
)

RULES = (
    *encryption.RULES,
    *access.RULES,
    *network.RULES,
    *load_balancers.RULES,
    *containers.RULES,
    *database.RULES,
    *retention.RULES,
    *alarms.RULES,
    *partitions.RULES,
    *documentation.RULES,
)

# About deployments as wholes, whose resources lie in several templates.
DEPLOYMENT_RULES = load_balancers.DEPLOYMENT_RULES

"""An AWS endpoint on this machine's loopback, to deploy the templates to without an account.

What it is: ministack, an emulator of the AWS APIs in pure Python, with its defects mended (`fixes`), nested
stacks and nested change sets run by its full engine (`nested`, `changesets`), the resource types that it
lacks (`types`), builds that run (`builds`), backups that are kept (`backups`), functions of custom resources
that run and whose failures are told (`custom_resources`), fields that Logs Insights finds in JSON (`insights`),
and refusals that AWS makes and it does not (`strictness`, `stack_policies`).
Everything is patched into one process at start-up (`server.extend`); `tests/emulator/test_canary.py` says what
to do when a new ministack no longer fits.

What a green deployment to it proves: the templates are accepted, the parameters pass their constraints and
Rules, every Ref, GetAtt, Sub and wire between the stacks resolves, every property exists in the resource's
schema, the resources can be created in the order of their dependencies, updated and deleted again, and the
deploy tool handles success, failure and rollback at any depth.

What it does not prove: that AWS accepts each value (engine versions, quotas, names that others took), that
permissions suffice (IAM is not enforced), that tasks start and load balancers answer (nothing runs), that a
build makes an image (its commands run, but `docker` builds nothing), how long anything takes.

Use: `ensure_running()` gives a background emulator that several commands share and `stop()` ends it;
`running()` gives one of your own for the length of a block; `python -m scripts.emulator` runs it in the
foreground.
"""

from scripts.emulator.process import Emulator, EmulatorError, ensure_running, running, stop

__all__ = ["Emulator", "EmulatorError", "ensure_running", "running", "stop"]

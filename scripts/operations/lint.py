"""Lints the rendered set with cfn-lint, which knows the schemas of all resource types in all regions.

The templates are dealt out to worker processes. These are forks of a server process that has loaded cfn-lint,
which takes a second; forks of this process could inherit a lock that another thread holds.
"""

import contextlib
import hashlib
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

CONFIGURATION = Path(__file__).parents[2] / ".cfnlintrc.yaml"

Finding = tuple[str, int, int, str]


def lint_unless_clean(folder: Path) -> list[str]:
    """The same findings, but a set that was clean before is not linted again, which takes seconds.

    It is known by its content, and clean by one release of cfn-lint with one configuration. Marks are kept in the
    user's cache; where there is none that can be read and written, each set is linted each time.
    """
    mark = None
    # Without a home of the user there is a RuntimeError.
    with contextlib.suppress(OSError, RuntimeError):
        mark = _mark(folder)
        if mark.exists():
            return []
    findings = lint(folder)
    if mark and not findings:
        with contextlib.suppress(OSError):
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
    return findings


def _mark(folder: Path) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "orthanc-aws" / "clean" / _digest(folder)


def _digest(folder: Path) -> str:
    parts = [version("cfn-lint").encode(), CONFIGURATION.read_bytes()]
    for file in sorted(folder.glob("*.yaml")):
        parts += [file.name.encode(), file.read_bytes()]
    # Of digests, so that nothing moves from one part to another unseen.
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def lint(folder: Path, regions: Sequence[str] = ()) -> list[str]:
    """Every error, warning and remark about the templates of a folder, in the order of files and lines.

    A finding reads `file:line:column: rule sentence`. An empty list means that the set is clean. `regions`
    stand in for those of the configuration, one of each partition.
    """
    largest_first = sorted(folder.glob("*.yaml"), key=lambda path: path.stat().st_size, reverse=True)
    if not largest_first:
        return [f"{folder} has no templates"]
    names = [path.name for path in largest_first]
    workers = min(os.cpu_count() or 1, len(names))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cfnlint.config", "cfnlint.runner"])
    with ProcessPoolExecutor(workers, context, initializer=os.chdir, initargs=(folder.resolve(),)) as pool:
        findings = [finding for found in pool.map(partial(_findings, regions), names) for finding in found]
    return [f"{name}:{line}:{column}: {message}" for name, line, column, message in sorted(findings)]


def _findings(regions: Sequence[str], name: str) -> list[Finding]:
    """The findings about a template of the working directory, beside which cfn-lint finds the nested ones."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import run_template_by_file_path

    arguments = ["--config-file", str(CONFIGURATION), "--template", name]
    if regions:
        arguments += ["--regions", *regions]
    matches = run_template_by_file_path(name, ConfigMixIn(arguments), _rules(), ignore_bad_template=False)
    return [
        (name, match.linenumber, match.columnnumber, f"{match.rule.id} {match.message}") for match in matches
    ]


@cache
def _rules() -> Any:
    """cfn-lint's own rules, which take half a second to make: a process needs them once."""
    import cfnlint.rules

    return cfnlint.rules.Rules.create_from_directory(str(Path(cfnlint.rules.__file__).parent))

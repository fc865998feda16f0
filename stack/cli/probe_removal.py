"""What `probe remove` does to the files: the probe's own go, others lose its job alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stack.cli.own_change import OwnFile
from stack.cli.probe_files import MODULES
from stack.common.errors import UsageError
from stack.components.blackbox import modules_in
from stack.components.places import OWN
from stack.components.probes import probe_jobs
from stack.targets.files import ENDINGS, named_secrets, without_job
from stack.targets.jobs import SECRETS


def removal(tree: Mapping[str, bytes], name: str) -> tuple[OwnFile, ...]:
    """The changes; ``UsageError`` where there is no such probe of the user's."""
    own = {path: content for path, content in tree.items() if path.startswith(OWN)}
    jobs = probe_jobs(own)
    found = next((job for job in jobs if job.name == name), None)
    if found is None:
        known = ", ".join(job.name for job in jobs)
        raise UsageError(f"there is no probe {name}", hint=f"there are {known}" if known else "there is none")
    changes = [OwnFile(found.origin, without_job(own[found.origin], name))]
    left = {**own, found.origin: changes[0].content or b""}
    module = f"{MODULES}{name}.yml"
    used = {job.module for job in probe_jobs(left)}
    if found.module == name and name not in used and set(modules_in(own.get(module, b""))) == {name}:
        changes.append(OwnFile(module, None))
        del left[module]
        changes += (OwnFile(path, None) for path in _secrets(left, name))
    return tuple(changes)


def _secrets(left: Mapping[str, bytes], name: str) -> Iterator[str]:
    """Those that were copied for the probe and that no file names any more."""
    named = {secret for path in left for secret in named_secrets(left, path)}
    mine = (f"{SECRETS}{name}{ending}" for ending in ENDINGS)
    yield from (path for path in mine if path in left and path not in named)

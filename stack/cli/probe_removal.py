"""What `probe remove` does to the files: the probe's own go, others lose its job alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import yaml

from stack.cli.own_change import OwnFile
from stack.cli.probe_files import MODULES, secret_path
from stack.common import yaml_edit as edit
from stack.common.errors import UsageError
from stack.components.blackbox import modules_in
from stack.components.places import OWN
from stack.components.probes import probe_jobs

SECRETS = ("ca", "token", "password")


def removal(tree: Mapping[str, bytes], name: str) -> tuple[OwnFile, ...]:
    """The changes; ``UsageError`` where there is no such probe of the user's."""
    jobs = probe_jobs({path: content for path, content in tree.items() if path.startswith(OWN)})
    found = next((job for job in jobs if job.name == name), None)
    if found is None:
        known = ", ".join(job.name for job in jobs)
        raise UsageError(f"there is no probe {name}", hint=f"there are {known}" if known else "there is none")
    left = {**tree, found.origin: _without(tree[found.origin], name)}
    changes = [OwnFile(found.origin, left[found.origin] or None)]
    others = {job.module for job in probe_jobs(left)}
    module = f"{MODULES}{name}.yml"
    if found.module == name and name not in others and set(modules_in(tree.get(module, b""))) == {name}:
        changes.append(OwnFile(module, None))
        del left[module]
        changes += (OwnFile(path, None) for path in _secrets(left, name))
    return tuple(changes)


def _secrets(left: Mapping[str, bytes], name: str) -> Iterator[str]:
    """Those of the probe that no file names any more."""
    for what in SECRETS:
        path = secret_path(name, what)
        said = path.encode()
        if path in left and not any(said in content for other, content in left.items() if other != path):
            yield path


def _without(content: bytes, name: str) -> bytes:
    """The scrape file without the job; empty where it has no other."""
    text = content.decode(errors="surrogateescape")
    jobs = edit.member(edit.compose(text), "scrape_configs")
    gone = [job for job in edit.items(jobs) if edit.text_of(edit.member(job, "job_name")) == name]
    if not isinstance(jobs, yaml.SequenceNode) or len(gone) == len(jobs.value):
        return b""
    return edit.edited(text, edit.without(text, jobs, gone)).encode(errors="surrogateescape")

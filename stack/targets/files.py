"""Which own file has a job, and that file without it: others' lines and comments stay as they are. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

import yaml
from msgspec import Struct

from stack.common import yaml_edit as edit
from stack.common.yaml_paths import meant, named_files
from stack.targets.jobs import FOLDER, SECRETS

SUFFIXES = (".yml", ".yaml", ".json")
SCRAPE = "prometheus/scrape/"
MAIN = "prometheus/prometheus.yml"
HOST = re.compile(rb"\b([a-z][a-z0-9_-]*):[0-9]+\b")


class Owner(Struct, frozen=True):
    """Where a job stands."""

    path: str
    line: int

    @property
    def own(self) -> bool:
        """Whether the file is the user's."""
        return self.path.startswith(FOLDER)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def owners(tree: Mapping[str, bytes]) -> dict[str, Owner]:
    """Each job of the native files by name; a file that is no YAML has none that can be known."""
    found: dict[str, Owner] = {}
    for path, content in sorted(tree.items()):
        if path == MAIN or (path.startswith((FOLDER, SCRAPE)) and path.endswith(SUFFIXES)):
            for name, node in _jobs(edit.compose(_text(content))):
                found.setdefault(name, Owner(path, node.start_mark.line + 1))
    return found


def hosts(tree: Mapping[str, bytes]) -> frozenset[str]:
    """All names with a port in Prometheus' shipped files: whom it asks by name."""
    return hosts_in(content for path, content in tree.items() if path == MAIN or path.startswith(SCRAPE))


def hosts_in(contents: Iterable[bytes]) -> frozenset[str]:
    """All names with a port in these files."""
    return frozenset(name.decode() for content in contents for name in HOST.findall(content))


def free_path(tree: Mapping[str, bytes], folder: str, stem: str, suffix: str) -> str:
    """A path that no file has."""
    numbers = ("", *(f"-{n}" for n in range(2, len(tree) + 3)))
    return next(path for n in numbers if (path := f"{folder}{stem}{n}{suffix}") not in tree)


def without_job(content: bytes, name: str) -> bytes | None:
    """The file without one job; None where nothing else was in it."""
    text = _text(content)
    document = edit.compose(text)
    jobs = edit.member(document, "scrape_configs")
    node = next((node for found, node in _jobs(document) if found == name), None)
    if node is None or not isinstance(jobs, yaml.SequenceNode):
        return content
    alone = len(jobs.value) == 1 and edit.keys(document) == {"scrape_configs"}
    left = edit.edited(text, edit.without_item(text, jobs, node))
    if alone and "#" not in left:
        return None
    return left.encode(errors="surrogateescape")


def secrets_of(tree: Mapping[str, bytes], path: str, name: str) -> tuple[str, ...]:
    """Secrets that ``target add`` gave the job, which no other job names: they go with it."""
    mine = {f"{SECRETS}{name}{ending}" for ending in ENDINGS}
    rest = dict(tree)
    left = without_job(tree[path], name)
    rest[path] = left or b""
    named = set(named_secrets(tree, path))
    others = {one for other in rest if other.startswith("own/") for one in named_secrets(rest, other)}
    return tuple(sorted((mine & named & tree.keys()) - others))


ENDINGS = (".token", ".password", ".ca.pem")
"""Of the secrets that are copied, each behind the name of the job."""


def named_secrets(tree: Mapping[str, bytes], path: str) -> Iterator[str]:
    """The user's secrets that one of the files names."""
    if posixpath.splitext(path)[1] in SUFFIXES:
        for named in named_files(_text(tree[path])):
            if found := meant(named.value, path, SECRETS):
                yield found


def _jobs(document: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    for job in edit.items(edit.member(document, "scrape_configs")):
        if isinstance(job, yaml.MappingNode) and (name := edit.text_of(edit.member(job, "job_name"))):
            yield name, job


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")

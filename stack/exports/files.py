"""What the exports for other engines share: which file lies where, what is secret, what is too large, who asks whom.

Pure. A file's content is never changed here but where targets must be found by DNS.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import yaml
from msgspec import Struct
from msgspec.structs import replace

from stack.common import yaml_edit as edit
from stack.model.spec import CONFIG_ROOT, CURRENT, SECRETS, ConfigFile, ServiceSpec, StackSpec

KEPT = "exports"
"""The folder in .stack/NAME/ where the values of secrets lie, a private file each."""
NOTHING = b"\n"
"""In place of no content at all, which Swarm refuses."""


IN_THE_OPEN = re.compile(
    r"""(?m)^[^#\n]*?["']?\b((?:smtp_auth_|slack_|opsgenie_|victorops_)?(?:password|api_key|api_url|secret)
    |bearer_token|credentials|client_secret|routing_key|service_key|bot_token|user_key)["']?
    [ ]*:[ ]*["']?[^\s"'{\[$#]""",
    re.VERBOSE,
)
"""A key of the products' own files whose value is a secret, and has one."""
NATIVE = (".yml", ".yaml")
PROBER = "blackbox"


class Placed(Struct, frozen=True):
    """One file where its process looks for it; ``path`` is absolute inside the container."""

    path: str
    file: ConfigFile

    @property
    def content(self) -> bytes:
        """Never empty."""
        return self.file.content or NOTHING

    @property
    def digest(self) -> str:
        """Identity of the content."""
        return hashlib.sha256(self.content).hexdigest()


def placed(service: ServiceSpec, limit: int) -> tuple[Placed, ...]:
    """The plain files of a service below ``limit`` bytes, by path."""
    return tuple(one for one in _all(service) if not one.file.secret and len(one.content) < limit)


def too_large(service: ServiceSpec, limit: int) -> tuple[Placed, ...]:
    """What is left out for its size."""
    return tuple(one for one in _all(service) if not one.file.secret and len(one.content) >= limit)


def secrets(service: ServiceSpec) -> tuple[Placed, ...]:
    """The files whose content no export may hold."""
    return tuple(one for one in _all(service) if one.file.secret)


def secret_names(spec: StackSpec) -> dict[tuple[str, str], str]:
    """(Component, path) of each secret > what it is called: one name for all that hold the same under one name."""
    called = {(s.component, one.path): _candidates(s, one) for s in spec.services for one in secrets(s)}
    contents: dict[str, set[bytes]] = {}
    for service in spec.services:
        for one in secrets(service):
            for name in called[service.component, one.path]:
                contents.setdefault(name, set()).add(one.file.content)
    return {
        place: next((name for name in names if len(contents[name]) == 1), names[-1])
        for place, names in called.items()
    }


def _candidates(service: ServiceSpec, secret: Placed) -> tuple[str, str, str]:
    """From the shortest to one that no other secret has."""
    plain = slug(secret.file.path.removeprefix(f"{SECRETS}/"))
    own = f"{service.host}.{plain}"
    return plain, own, f"{own}-{hashlib.sha256(secret.path.encode()).hexdigest()[:8]}"


def slug(text: str) -> str:
    """A text as the names of all engines can hold it: small letters, digits, ``-`` ``_`` and ``.``."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in text.lower())


def open_secrets(spec: StackSpec) -> tuple[tuple[str, str], ...]:
    """(File by the path that people know, key) of secrets that stand in plain files, which exports hold as they are."""
    files = {f.origin or f"{s.component}/{f.path}": f for s in spec.services for f in s.files if not f.secret}
    return tuple(
        (origin, found[1])
        for origin, file in sorted(files.items())
        if file.path.endswith(NATIVE) and not file.path.startswith("rules/")
        for found in (IN_THE_OPEN.search(file.content.decode(errors="replace")),)
        if found
    )


def _all(service: ServiceSpec) -> list[Placed]:
    """Each file once: one that is known by a link lies where the link is."""
    links = {} if service.linked is None else {file: name for name, file in service.linked.links}
    folder = service.linked.path if service.linked else ""
    found = [
        Placed(f"{CONFIG_ROOT}/{folder}/{links[f.path]}" if f.path in links else _current(f), f)
        for f in service.files
    ]
    found += [Placed(f"{CONFIG_ROOT}/{f.path}", f) for f in service.assets]
    return sorted(found, key=lambda one: one.path)


def _current(file: ConfigFile) -> str:
    return f"{CONFIG_ROOT}/{CURRENT}/{file.path}"


def talks(spec: StackSpec) -> dict[str, tuple[str, ...]]:
    """Component > those that it asks: whose HOST:PORT stands in its files, words or variables.

    Whom probes ask stands in the files of others: those that send questions through the prober.
    """
    texts = {one.component: _texts(one) for one in spec.services}
    told = {
        one.component: texts[one.component]
        + [text for other in texts.values() for text in other if one.kind == PROBER and _named(one, text)]
        for one in spec.services
    }
    return {
        one.component: tuple(
            other.component
            for other in spec.services
            if other is not one and any(_named(other, text) for text in told[one.component])
        )
        for one in spec.services
    }


def _texts(one: ServiceSpec) -> list[bytes]:
    words = (*one.entrypoint, *one.command, *(value for _, value in one.environment))
    files = [f.content for f in (*one.files, *one.assets) if not f.path.endswith((".json", ".html", ".js"))]
    return [*(word.encode() for word in words), *files]


def _named(one: ServiceSpec, text: bytes) -> bool:
    return any(f"{name}:{one.port}".encode() in text for name in one.aliases)


def found_by_dns(file: ConfigFile, service: ServiceSpec, name: str, refresh: str) -> ConfigFile:
    """A scrape file whose jobs find ``service`` by the addresses that the name has, not by one of its own.

    ``refresh`` is how often the name is looked up. The rest of the file stays to the byte.
    """
    text = file.content.decode(errors="surrogateescape")
    written = {f"{alias}:{service.port}" for alias in service.aliases}
    if not any(one in text for one in written):
        return file
    entry = edit.flow({"names": [name], "type": "A", "port": service.port, "refresh_interval": refresh})
    changes = [
        change
        for job in edit.items(edit.member(edit.compose(text), "scrape_configs"))
        for change in _discovering(text, job, written, entry)
    ]
    return replace(file, content=edit.edited(text, changes).encode(errors="surrogateescape"))


def _discovering(text: str, job: yaml.Node, written: set[str], entry: str) -> Iterator[edit.Edit]:
    if not isinstance(job, yaml.MappingNode):
        return
    changes = [
        change
        for group in edit.items(edit.member(job, "static_configs"))
        if isinstance(targets := edit.member(group, "targets"), yaml.SequenceNode)
        for change in edit.without(text, targets, [t for t in targets.value if edit.text_of(t) in written])
    ]
    if changes:
        yield from changes
        yield edit.put_items(text, job, "dns_sd_configs", [entry])

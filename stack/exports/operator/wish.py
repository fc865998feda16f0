"""Where the objects go, what they are labelled with, and the secrets that they refer to. Values and small helpers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from stack.exports.kubernetes.config_maps import key_of
from stack.model.spec import CONFIG_ROOT, CURRENT, NAMESPACE, SECRETS, StackSpec

Json = dict[str, Any]
RELEASE = "kube-prometheus-stack"
THEIRS = ("prometheus", "alertmanager", "grafana", "node_exporter")
"""Components that their stack has already, with rules, jobs and dashboards about them."""
SECRET = f"{NAMESPACE}-secrets"
PLACES = (f"{CONFIG_ROOT}/{CURRENT}/{SECRETS}/", f"{CONFIG_ROOT}/{SECRETS}/")
UNFIT = re.compile(r"[^a-z0-9]+")
LONGEST = 60


class Wish(Struct, frozen=True):
    """``release`` is the label by which their Prometheus chooses; ``runbook_base`` is where runbooks are published."""

    namespace: str = "monitoring"
    release: str = RELEASE
    runbook_base: str = ""


@dataclass
class Going:
    """One export on its way: what is refused, and what the objects need, is gathered beside them."""

    spec: StackSpec
    wish: Wish
    lost: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    """Key of the Secret > path in the container of the file that it holds."""
    words: dict[str, str] = field(default_factory=dict)
    """Key of the Secret > its value, which is no secret, where the operator wants a reference all the same."""

    def secret(self, path: str) -> Json:
        """A reference to what a file holds."""
        name = path
        for place in PLACES:
            name = name.removeprefix(place)
        key = key_of(name)
        self.keys[key] = path
        return {"name": SECRET, "key": key}

    def word(self, owner: str, value: str) -> Json:
        """A reference to a value that is no secret."""
        key = f"{slug(owner)}-username"
        self.words[key] = value
        return {"name": SECRET, "key": key}

    def lose(self, sentence: str) -> None:
        """Remembers once what has no place."""
        if sentence not in self.lost:
            self.lost.append(sentence)

    def made(self, kind: str, name: str, **rest: Any) -> Json:
        """One object, found by their Prometheus through its label."""
        version, _, word = kind.rpartition("/")
        labels = {
            "release": self.wish.release,
            "app.kubernetes.io/instance": self.spec.name,
            "app.kubernetes.io/part-of": NAMESPACE,
            "app.kubernetes.io/managed-by": NAMESPACE,
        }
        metadata = {"name": name, "namespace": self.wish.namespace, "labels": labels}
        return {"apiVersion": version, "kind": word, "metadata": metadata, **rest}

    def host(self, address: str) -> str:
        """HOST:PORT of one of our services by the name that the whole cluster knows; any other as it is."""
        for service in self.spec.services:
            if address in {f"{alias}:{service.port}" for alias in service.aliases}:
                return f"{service.host}.{self.wish.namespace}.svc:{service.port}"
        return address


def slug(text: str) -> str:
    """A text as the name of an object; others never get the same."""
    name = UNFIT.sub("-", text.lower()).strip("-")
    if name == text and len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9].strip('-') or 'x'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def camel(word: str) -> str:
    """``group_by`` as ``groupBy``."""
    first, *rest = word.split("_")
    return first + "".join(part.capitalize() for part in rest)

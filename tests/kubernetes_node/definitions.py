"""prometheus-operator's definitions on a real API server, made of the schemas that tests have; the export for it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit

from stack.exports.yaml_out import documents
from tests.kubernetes_node.commands import Stack
from tests.kubernetes_node.node import Node
from tests.unit.exports.crds import FOLDER as SCHEMAS
from tests.unit.exports.export_samples import OWN, RECEIVERS

Json = dict[str, Any]
GROUP = "monitoring.coreos.com"
EITHER = [{"type": "integer"}, {"type": "string"}]
BROKEN = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "PrometheusRule",
    "metadata": {"name": "broken", "namespace": "monitoring"},
    "spec": {
        "groups": [{"name": "broken", "rules": [{"alert": "Broken", "expr": "vector(1)", "fro": "5m"}]}]
    },
}
"""An object that a server with these definitions refuses: so it reads what it takes."""


def definitions() -> Iterator[Json]:
    """The CustomResourceDefinitions."""
    for path in sorted(SCHEMAS.glob("*.json.gz")):
        kind, _, version = path.name.removesuffix(".json.gz").partition("-")
        schema = _structural(json.loads(gzip.decompress(path.read_bytes())))
        plural = f"{kind.lower()}s"
        served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "names": {
                    "kind": kind,
                    "plural": plural,
                    "singular": kind.lower(),
                    "listKind": f"{kind}List",
                },
                "scope": "Namespaced",
                "versions": [served],
            },
        }


def _structural(node: Any) -> Any:
    """A schema as a server takes it: it refuses unknown fields by itself, and has a word of its own for two types."""
    if isinstance(node, list):
        return [_structural(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: _structural(value)
        for key, value in node.items()
        if not (key == "additionalProperties" and value is False)
    }
    if found.get("anyOf") == EITHER and "type" not in found:
        found["x-kubernetes-int-or-string"] = True
    return found


def for_operator(node: Node, stack: Stack) -> str:
    """Everything that a user may add, as objects on the server; what was made."""
    home = node.folder / "operator-home"
    certificate = (node.folder / "pki/ca.crt").read_bytes()
    for path, content in {**OWN, "own/secrets/ca": certificate}.items():
        _write(home / path, content)
    for name, table in RECEIVERS.items():
        _write(home / f"own/receivers/{name}.toml", tomlkit.dumps(table).encode())
    file = node.folder / "definitions.yaml"
    file.write_text(documents(definitions()))
    node.kubectl("apply", "--server-side", "-f", str(file))
    node.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(file))
    made = stack.at(home).export("operator", "-o", str(node.folder / "operator"))
    for command in made["commands"]:
        node.shell(command)
    _refused(node)
    kinds = ",".join(f"{one['spec']['names']['plural']}.{GROUP}" for one in definitions())
    found = node.kubectl("get", kinds, "-n", "monitoring", "-o", "name").split()
    if {name.partition(".")[0] for name in found} != {
        one["spec"]["names"]["singular"] for one in definitions()
    }:
        raise SystemExit(f"of the operator's kinds there are only {found}")
    return f"{len(found)} objects for the operator accepted"


def _refused(node: Node) -> None:
    try:
        node.kubectl("apply", "--server-side", "-f", "-", given=json.dumps(BROKEN))
    except SystemExit as refused:
        if "fro" in str(refused):
            return
        raise
    raise SystemExit("the server takes an object with a field that nobody knows")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

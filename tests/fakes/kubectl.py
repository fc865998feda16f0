"""A stand-in for kubectl: a program that answers from files and writes down what it was asked."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

PROGRAM = """\
#!/bin/bash
# Words: -n NAMESPACE VERB ...
here=$(dirname "$0")
printf '%s\\n' "$*" >> "$here/asked"
case "$3" in
    get)
        file="$here/$2.$4${5#-l}"
        [ -f "$file" ] || file="$here/$2.$4"
        [ -f "$file" ] || { echo "Error from server: nothing" >&2; exit 1; }
        cat "$file" ;;
    port-forward)
        [ -f "$here/refuse" ] && { echo "error: unable to forward port" >&2; exit 1; }
        echo "Forwarding from 127.0.0.1:4${7#:} -> ${7#:}"
        exec sleep 60 ;;
    exec) shift 5; echo "ran $*" ;;
    logs) printf 'one\\ntwo\\n' ;;
esac
"""


class FakeKubectl:
    """The program, in a folder that is to stand in PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sets: list[dict[str, Any]] = []
        self.pods: list[dict[str, Any]] = []
        program = folder / "kubectl"
        program.write_text(PROGRAM)
        program.chmod(0o755)

    def has(self, namespace: str, *components: str, stack: str = "monitoring") -> None:
        """From now on the namespace has sets of these components, with a pod each that is ready."""
        self.sets, self.pods = (
            [form(namespace, name, stack) for name in components] for form in (_set, _pod)
        )
        self._answer(f"{namespace}.statefulsets,daemonsets", {"items": self.sets})
        self._answer(f"{namespace}.pods", {"items": self.pods})

    def waits(self, namespace: str, component: str, message: str) -> None:
        """From now on the pod of a component is not started, of which the cluster warns with these words."""
        for pod in self.pods:
            if pod["metadata"]["name"] == f"{component}-0":
                state = {"waiting": {"reason": "ContainerCreating"}}
                pod["status"] = {"conditions": [], "containerStatuses": [{"state": state}]}
        self._answer(f"{namespace}.pods", {"items": self.pods})
        about = {"namespace": namespace, "name": f"{component}-0"}
        self._answer(f"{namespace}.events", {"items": [{"involvedObject": about, "message": message}]})

    def secret(self, namespace: str, name: str, **values: str) -> None:
        """From now on the namespace has this Secret."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self._answer(f"{namespace}.secret{name}", {"data": data})

    def refuse_ports(self) -> None:
        """No port is forwarded any more."""
        (self.folder / "refuse").touch()

    @property
    def asked(self) -> list[str]:
        """All that it was asked."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def _answer(self, name: str, answer: Any) -> None:
        (self.folder / name).write_text(json.dumps(answer))


def _set(namespace: str, component: str, stack: str) -> dict[str, Any]:
    daemon = component == "node-exporter"
    counts = ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled")
    metadata = {"name": component, "namespace": namespace, "labels": _labels(component, stack)}
    status = dict.fromkeys(counts if daemon else ("readyReplicas", "updatedReplicas"), 1)
    kind = "DaemonSet" if daemon else "StatefulSet"
    return {"kind": kind, "metadata": metadata, "spec": {"replicas": 1}, "status": status}


def _pod(namespace: str, component: str, stack: str) -> dict[str, Any]:
    metadata = {"name": f"{component}-0", "namespace": namespace, "labels": _labels(component, stack)}
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def _labels(component: str, stack: str) -> dict[str, str]:
    names = {"name": component, "instance": stack, "component": component}
    return {f"app.kubernetes.io/{key}": value for key, value in names.items()}

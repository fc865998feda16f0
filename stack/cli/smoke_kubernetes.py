"""smoke --kubernetes: the same checks against what was exported to a namespace and applied there.

What runs is read off the cluster; ports come by ``kubectl port-forward``, commands in pods by ``kubectl exec``. Nothing
there is changed.
"""

from __future__ import annotations

import argparse
import base64
import binascii
from collections.abc import Container, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from stack.checks.model import Finding
from stack.cli.export_kubernetes import described_on_kubernetes
from stack.cli.kubectl import Kubectl
from stack.cli.printer import Printer
from stack.cli.smoke_elsewhere import Inside, prove
from stack.common.errors import SettingsError, SmokeFailed, UsageError
from stack.common.wait import NotYet, TimedOut, until
from stack.components import BY_NAME
from stack.config.secret import Secret
from stack.deploy.describe import Description
from stack.engine.interface import Ran
from stack.exports.files import secrets
from stack.exports.kubernetes.cluster import Cluster, on_each_node
from stack.exports.kubernetes.config_maps import secret_name
from stack.exports.kubernetes.fitting import fitted
from stack.exports.kubernetes.pods import Told, condition, faults
from stack.model.events import Progress
from stack.model.names import host_of
from stack.model.spec import NAMESPACE, SECRETS, StackSpec

MANAGED = f"app.kubernetes.io/managed-by={NAMESPACE}"
KINDS = "statefulsets,daemonsets"
LABEL = "app.kubernetes.io/"
PODS = "pods"
NOBODY = "http://127.0.0.1:9"
"""In place of the address of a component that is down: nobody asks there, since its pod is why."""
PATIENCE, EVERY = 60.0, 1.0
"""Seconds that pods have to come up, and between two looks."""


def smoke_on_kubernetes(options: argparse.Namespace, printer: Printer) -> int:
    """Runs the checks; 6 where one failed."""
    if options.deep or options.url:
        raise UsageError("--kubernetes goes with neither --deep nor --url", hint="leave it out")
    cluster = Cluster(namespace=options.kubernetes)
    there = running(cluster, options.name)
    options.name = options.name or there[0]
    options.with_, options.without = _switches(there[1])
    description = described_on_kubernetes(options, printer)
    description = replace(description, spec=fitted(description.spec, cluster))
    ask, known = Kubectl(cluster.namespace), _pods(description.spec, cluster, printer)
    down = {finding.component for finding in known if finding.status == "failed"}
    description = _with_secrets(description, ask, down)
    asked = [s for s in description.spec.services if s.published and s.component in there[1]]
    services = {s.component: (s.host, s.port) for s in asked if s.component not in down}
    with ask.forwarded(services) as addresses:
        return prove(
            description,
            {**dict.fromkeys((s.component for s in asked), NOBODY), **addresses},
            printer,
            quick=options.quick,
            inside=_inside(description.spec, cluster),
            known=known,
        )


def _pods(spec: StackSpec, cluster: Cluster, printer: Printer) -> tuple[Finding, ...]:
    """How the pods fare, once all are ready, one never will be by itself, or ``PATIENCE`` is over."""

    def settled() -> tuple[Finding, ...]:
        found = condition(spec, cluster, _told(spec, cluster))
        failed = [f for f in found if f.status == "failed"]
        if not failed or any(f.final for f in failed):
            return found
        coming = failed[0]
        printer.event(Progress(PODS, coming.evidence, passing=True))
        raise NotYet(coming.evidence)

    try:
        return until(settled, seconds=PATIENCE, every=EVERY)
    except TimedOut:
        return condition(spec, cluster, _told(spec, cluster))
    finally:
        printer.event(Progress.over(PODS))


def _told(spec: StackSpec, cluster: Cluster) -> Told:
    """What the cluster tells of the stack now; what it warns of is asked where a pod is not ready."""
    selector = f"{MANAGED},{LABEL}instance={spec.name}"
    asked = [Kubectl(place) for place in (cluster.namespace, cluster.node_namespace)]
    sets, pods = (
        tuple(one for place in asked for one in place.objects(kinds, selector)) for kinds in (KINDS, "pods")
    )
    told = Told(sets, pods)
    if not faults(spec, cluster, told):
        return told
    return replace(told, warnings=tuple(one for place in asked for one in place.warnings()))


def running(cluster: Cluster, name: str) -> tuple[str, frozenset[str]]:
    """The stack's name and its components, by the labels in both namespaces; ``SmokeFailed`` without any."""
    selector = f"{MANAGED},{LABEL}instance={name}" if name else MANAGED
    found = [
        (str(labels[f"{LABEL}instance"]), str(labels[f"{LABEL}component"]))
        for place in (cluster.namespace, cluster.node_namespace)
        for labels in map(_labels, Kubectl(place).objects(KINDS, selector))
    ]
    names = sorted({stack for stack, _ in found})
    if not names:
        whose = f"of the stack {name}" if name else "of an export"
        raise SmokeFailed(
            f"namespace {cluster.namespace} has nothing {whose}",
            hint="export kubernetes -o DIR says how it is applied",
        )
    if len(names) > 1:
        raise UsageError(
            f"namespace {cluster.namespace} has several stacks", hint=f"--name, one of {', '.join(names)}"
        )
    known = {host_of(component): component for component in BY_NAME}
    there = frozenset(known[word] for _, word in found if word in known)
    if "prometheus" not in there:
        raise SmokeFailed(
            f"namespace {cluster.namespace} has no Prometheus", hint="everything else is proven through it"
        )
    return names[0], there


def _labels(one: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = one["metadata"]["labels"]
    return found


def _switches(there: Iterable[str]) -> tuple[list[str], list[str]]:
    """Components that are on and off, whatever settings say now."""
    on = sorted(there)
    return on, sorted(BY_NAME.keys() - set(on))


def _with_secrets(description: Description, ask: Kubectl, down: Container[str]) -> Description:
    """With the secrets that the cluster has; ``SettingsError`` where a login's cannot be had: a wrong one locks it.

    Nobody logs in to components that are ``down``.
    """
    found: dict[str, Secret] = {}
    for service in description.spec.services:
        names = [one.path.rpartition(f"/{SECRETS}/")[2] for one in secrets(service)]
        held = ask.secret(secret_name(service.host)) if names else {}
        found |= {name: Secret(_plain(held[name])) for name in names if name in held}
        login = BY_NAME[service.kind].login
        needed = login and login.secret in names and service.component not in down
        if login and needed and login.secret not in found:
            raise SettingsError(
                f"the password of {BY_NAME[service.kind].title} in the Secret {secret_name(service.host)} of namespace "
                f"{ask.namespace} cannot be read",
                hint=f"kubectl get secret -n {ask.namespace} {secret_name(service.host)} says why",
            )
    build = description.build
    known = {name: found.get(name, secret) for name, secret in build.secrets.items()}
    return replace(description, build=replace(build, secrets=known))


def _plain(coded: str) -> str:
    try:
        return base64.b64decode(coded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _inside(spec: StackSpec, cluster: Cluster) -> Inside:
    hosts = {s.component: s for s in spec.services}

    def pod(component: str) -> str:
        kind = "daemonset" if on_each_node(hosts[component]) else "statefulset"
        return f"{kind}/{hosts[component].host}"

    def ask(component: str) -> Kubectl:
        return Kubectl(cluster.namespace_of(hosts[component]))

    def run_in(component: str, argv: tuple[str, ...]) -> Ran:
        return ask(component).execute(pod(component), argv)

    def read_log(component: str, lines: int) -> list[str]:
        return ask(component).log(pod(component), lines)

    def log(component: str) -> str:
        if component not in hosts:
            return "kubectl logs"
        return f"kubectl logs -n {cluster.namespace_of(hosts[component])} {pod(component)}"

    return Inside(run_in, read_log, log)

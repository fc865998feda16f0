"""The description as it can be on Kubernetes, and what is lost on the way, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from stack.components.build import SCRATCH, Build
from stack.config.settings import Settings
from stack.exports.files import found_by_dns, open_secrets, too_large
from stack.exports.kubernetes.cluster import LOCAL, Cluster, on_each_node
from stack.exports.kubernetes.config_maps import LARGEST
from stack.model.outer import MACHINE
from stack.model.spec import ServiceSpec, StackSpec

SCRAPE = "scrape/"
LOOKED_UP = "10s"
"""How often Prometheus looks which nodes there are: when it starts, node_exporter may not be ready, nor have a name."""
PROCESSES, DOOR = "process_exporter", "gateway"
HOST_NETWORK, TEXTFILE = "node_exporter.host_network", "node_exporter.textfile"
FIXED: Mapping[str, object] = {
    "bind": "127.0.0.1",
    f"components.{PROCESSES}": "off",
    f"components.{DOOR}": "off",
    HOST_NETWORK: False,
    TEXTFILE: "",
}
"""Settings about one machine: a cluster has neither its addresses nor its links and folders, and a door of its own."""
WITHOUT_PUBLIC = "http://127.0.0.1"
PAGES = (".json", ".html", ".js")


def fitted(spec: StackSpec, cluster: Cluster) -> StackSpec:
    """The same stack, in which Prometheus finds what runs on each node by the addresses that a name has.

    Every container has a scratch folder, as an engine gives it.
    """
    everywhere = [service for service in spec.services if on_each_node(service)]
    fit = (_finding(s, everywhere, cluster) if s.component == "prometheus" else s for s in spec.services)
    return replace(spec, services=tuple(_with_scratch(service) for service in fit))


def _with_scratch(service: ServiceSpec) -> ServiceSpec:
    there = any(mount.target == SCRATCH.target for mount in service.mounts)
    return service if there else replace(service, mounts=(*service.mounts, SCRATCH))


def _finding(prometheus: ServiceSpec, everywhere: list[ServiceSpec], cluster: Cluster) -> ServiceSpec:
    files = prometheus.files
    for one in everywhere:
        name = f"{one.host}.{cluster.node_namespace}.svc"
        files = tuple(
            found_by_dns(f, one, name, LOOKED_UP) if f.path.startswith(SCRAPE) and not f.secret else f
            for f in files
        )
    return replace(prometheus, files=files)


def outwards(build: Build, spec: StackSpec) -> frozenset[str]:
    """The components that ask somebody outside the stack, by settings and files of the user's own."""
    settings = build.settings
    own = tuple(build.below("own/"))
    found = {s.component for s in spec.services if s.kind == "blackbox" or s.kind != s.component}
    if settings.words("remote_write") or any(path.startswith(("prometheus/", "hosts/")) for path in own):
        found.add("prometheus")
    told = ("receivers/", "alertmanager/alertmanager.")
    if (
        settings.words("receivers")
        or settings["watchdog.url_file"]
        or any(path.startswith(told) for path in own)
    ):
        found.add("alertmanager")
    if settings.words("grafana.env"):
        found.add("grafana")
    return frozenset(found & set(spec.components))


def lost(spec: StackSpec, cluster: Cluster) -> tuple[str, ...]:
    """What is not as on one machine, each with what helps."""
    return (
        *in_the_open(spec),
        *_limits(spec),
        *_of_files(spec),
        *_of_services(spec),
        *_of_images(spec, cluster),
    )


def in_the_open(spec: StackSpec) -> Iterator[str]:
    """Secrets that no export can keep to itself, since they stand in files that it holds."""
    for file, key in open_secrets(spec):
        yield f"{file} has the value of {key}, which this export holds too: a file of own/secrets/ keeps it"


def _limits(spec: StackSpec) -> Iterator[str]:
    yield (
        "no limit of processes, open files or swap of a container: podPidsLimit of the kubelet, "
        "and the runtime's own, hold for all pods of a node"
    )
    if any(WITHOUT_PUBLIC in word for service in spec.services for word in service.command):
        yield "links in messages lead to 127.0.0.1, as a port-forward is: --public-url says where people find it"
    yield "nothing is published: `kubectl port-forward`, or an Ingress of your own with a login"


def _of_files(spec: StackSpec) -> Iterator[str]:
    for service in spec.services:
        for one in too_large(service, LARGEST):
            name = one.file.origin or f"{service.component}/{one.file.path}"
            yield f"{name} is left out: {len(one.content):,} bytes, a ConfigMap takes {LARGEST:,}; divide it"
        if any(MACHINE.encode() in content for content in _read(service)):
            yield f"{service.component} names {MACHINE}, which no pod knows: write an address that pods reach"


def unfit(settings: Settings) -> tuple[str, ...]:
    """What these settings ask for that has no place in a cluster: ``FIXED`` stands in for it."""
    found = [
        *(
            (f"{PROCESSES} is left out: it is about one machine by its name",)
            if PROCESSES in settings.components
            else ()
        ),
        *(
            ("the gateway is left out: an Ingress, with TLS and a login, is the door there",)
            if settings.front
            else ()
        ),
    ]
    machine = (path for path in (HOST_NETWORK, TEXTFILE) if settings[path])
    return (
        *found,
        *(f"{path} is left out: it is about the network and folders of one machine" for path in machine),
    )


def _read(service: ServiceSpec) -> Iterator[bytes]:
    for file in (*service.files, *service.assets):
        if not file.secret and not file.path.endswith(PAGES):
            yield file.content


def _of_services(spec: StackSpec) -> Iterator[str]:
    for service in spec.services:
        if on_each_node(service):
            yield (
                f"{service.component} runs on each node and is found by DNS: the label instance is the address of its "
                f"pod (kubectl get pods -o wide shows the node), and network figures are those of the pod"
            )
        if service.awaits:
            yield f"{service.component} is started again until {', '.join(service.awaits)} answers: nothing waits"
        if service.stop_signal:
            yield f"{service.component} gets the signal that its image names to end; here SIG{service.stop_signal}"
        if service.networks:
            names = ", ".join(network.name for network in service.networks)
            yield f"{service.component} joins no network of Docker ({names}): write addresses that pods reach"


def _of_images(spec: StackSpec, cluster: Cluster) -> Iterator[str]:
    own = sorted({s.image for s in spec.services if s.image.startswith(LOCAL)})
    for image in own:
        if cluster.registry:
            there = cluster.image(image)
            yield f"{image} is on no registry: docker tag {image} {there} && docker push {there}"
        else:
            yield f"{image} is on no registry: name one with --registry, or load it on each node"

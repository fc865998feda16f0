"""A host's file: what it may say, what follows from it for Prometheus and for the host, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from stack.components import load
from stack.components.build import Build, Image
from stack.components.host_services import far_files, far_spec, kinds_on
from stack.components.host_values import lies_open
from stack.components.hosts import document, faults, hosts, jobs, named, secret_of
from stack.components.node_exporter import NODE_EXPORTER
from stack.model.spec import Port

ROOT = Path(__file__).resolve().parents[3]
HASH = "$2b$10$" + "a" * 53
TOML = f'engine = "ssh://me@web1"\naddress = "10.0.0.7"\npassword_hash = "{HASH}"\n'
PATH = "own/hosts/web1.toml"


def tree(text: str = TOML, path: str = PATH) -> dict[str, bytes]:
    """The user's own files of one host."""
    name = path.rpartition("/")[2].removesuffix(".toml")
    return {path: text.encode(), **{secret_of(name, kind): b"x" for kind in ("password", "crt", "key")}}


def build(files: dict[str, bytes], **environ: str) -> Build:
    """What components are made of."""
    settings = load({}, environ=environ, project=ROOT)
    return Build(settings, {"node_exporter": Image("here:1", "sha256:here")}, files)


def test_a_file_is_read_and_written_alike() -> None:
    (host,) = hosts(tree())
    assert (host.name, host.engine, host.at) == ("web1", "ssh://me@web1", "10.0.0.7:9100")
    assert hosts(tree(document(host))) == (host,)
    assert replace(host, address="fd00::7").at == "[fd00::7]:9100"


def test_an_engine_may_have_certificates_or_a_socket_of_its_own() -> None:
    (host,) = hosts(tree(TOML.replace("ssh://me@web1", 'tcp://web1:2376"\ncert_path = "/c')))
    assert (host.engine, host.cert_path) == ("tcp://web1:2376", "/c")
    assert hosts(tree(document(host))) == (host,)
    (rootless,) = hosts(tree(TOML.replace("me@web1", "me@web1/run/user/1000/docker.sock")))
    assert rootless.engine == "ssh://me@web1/run/user/1000/docker.sock"


@pytest.mark.parametrize(
    ("engine", "cert_path", "open_to_all"),
    [
        ("tcp://web1:2375", "", True),
        ("http://10.0.0.7:2375", "", True),
        ("tcp://web1:2376", "/c", False),
        ("https://web1:2376", "", False),
        ("tcp://127.0.0.1:2375", "", False),
        ("tcp://[::1]:2375", "", False),
        ("tcp://localhost:2375", "", False),
        ("ssh://web1", "", False),
        ("unix:///run/docker.sock", "", False),
    ],
)
def test_an_engine_that_obeys_everybody_is_known(engine: str, cert_path: str, open_to_all: bool) -> None:
    assert lies_open(engine, cert_path) is open_to_all


def test_the_job_trusts_one_certificate_and_gives_a_password() -> None:
    (file,) = jobs(build(tree()))
    (job,) = yaml.safe_load(file.content)["scrape_configs"]
    assert (file.path, job["job_name"], job["scheme"]) == ("scrape/hosts.yml", "host-web1", "https")
    assert job["basic_auth"] == {
        "username": "prometheus",
        "password_file": "own/secrets/hosts/web1.password",
    }
    assert job["tls_config"] == {"ca_file": "own/secrets/hosts/web1.crt", "server_name": "web1"}
    assert job["static_configs"] == [
        {"targets": ["10.0.0.7:9100"], "labels": {"instance": "web1", "host": "web1"}}
    ]
    assert list(jobs(build({}))) == []


def test_the_container_there_is_the_one_here_but_for_how_it_is_asked() -> None:
    made = build(tree())
    (host,) = hosts(made.tree)
    spec = far_spec(made, host, {"node_exporter": Image("there:1", "sha256:there")})
    (there,), (here,) = spec.services, NODE_EXPORTER.services(made)
    assert spec.name == "monitoring-host-web1"
    differ = {name for name in there.__struct_fields__ if getattr(there, name) != getattr(here, name)}
    assert differ == {
        *("image", "image_id", "command", "mounts", "published", "health", "ready_path", "hostname")
    }
    assert there.command[:-1] == here.command
    files = far_files(made.tree, host)
    assert all(file.secret and (file.mode, file.uid) == (0o400, 65534) for file in files)
    web = json.loads(next(f.content for f in files if f.path == "web.yml"))
    assert web["basic_auth_users"] == {"prometheus": HASH}


def test_other_secrets_are_another_container_and_its_old_volume_goes() -> None:
    made, other = build(tree()), build({**tree(), secret_of("web1", "key"): b"y"})
    (host,) = hosts(made.tree)
    one, two = (far_spec(b, host, {"node_exporter": Image("i", "i")}).services[0] for b in (made, other))
    assert one.digest() != two.digest()
    assert one.mounts[-1].source.startswith("monitoring-host-web1-node-exporter-")
    assert one.mounts[-1].source.endswith("-config"), "unused volumes of that name are removed"


def test_in_the_machines_network_it_listens_on_the_one_address_and_has_no_folder_of_this_machine() -> None:
    made = build(tree(), STACK_NODE_EXPORTER_HOST_NETWORK="true", STACK_NODE_EXPORTER_TEXTFILE="own/textfile")
    (host,) = hosts(made.tree)
    (there,) = far_spec(made, host, {"node_exporter": Image("i", "i")}).services
    assert there.host_network and there.published is None
    listens = [word for word in there.command if word.startswith("--web.listen-address")]
    assert listens == ["--web.listen-address=10.0.0.7:9100"]
    assert "http://10.0.0.7:9100/" in there.health.test[-1]
    assert not any("textfile" in word for word in there.command)
    assert {mount.source for mount in there.mounts if mount.kind == "bind"} == {"/", "/proc", "/sys"}


def test_all_files_of_a_host_count_as_used() -> None:
    assert named(tree()) == set(tree())


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('engine = "ssh://me@web1"\n', "", "engine is missing"),
        ("ssh://me@web1", "web1", "engine: 'web1' is no address of a Docker engine"),
        ("ssh://me@web1", "ssh://", "engine: 'ssh://' is no address of a Docker engine"),
        ("ssh://me@web1", "tcp://web1", "engine: 'tcp://web1' has no port"),
        ("ssh://me@web1", "tcp://web1:x", "engine: 'tcp://web1:x' has no port that is a number"),
        ("ssh://me@web1", "ssh://me:x@web1", "engine: a password in a URL is shown to everybody"),
        ("address =", 'cert_path = "/c"\naddress =', "cert_path: ssh://me@web1 needs no certificates"),
        ('ssh://me@web1"', 'tcp://web1:2376"\ncert_path = "c"', "cert_path: 'c' is no whole path"),
        ("10.0.0.7", "web1.example", "address: 'web1.example' is no IP address"),
        ("10.0.0.7", "::", "address: :: would open the exporter on all networks of the host"),
        ("10.0.0.7", "::1", "address: ::1 is reached from the host alone"),
        ('address = "10.0.0.7"\n', "", "address is missing"),
        ("address =", "port = 70000\naddress =", "port: 70000 is no port"),
        ("address =", "port = true\naddress =", "port: True is no number"),
        ("address =", "user = 'x'\naddress =", "unknown key user"),
        (HASH, "secret", "password_hash is no bcrypt hash"),
        ("engine =", "engine", "it is no TOML"),
    ],
)
def test_what_cannot_be_used_is_said(before: str, after: str, why: str) -> None:
    (fault,) = faults(tree(TOML.replace(before, after)))
    assert fault.path == PATH and fault.why.startswith(why) and fault.hint


def test_a_name_that_no_container_can_have_is_refused() -> None:
    (fault,) = faults(tree(path="own/hosts/Web.toml"))
    assert fault.why == "a host cannot be called 'Web'"


def test_a_missing_secret_is_named() -> None:
    files = tree()
    del files[secret_of("web1", "key")]
    (fault,) = faults(files)
    assert fault.why == "own/secrets/hosts/web1.key is missing or empty"


def test_exporters_of_servers_are_beside_node_exporter_each_on_a_port() -> None:
    servers = {
        "own/exporters/process/main.toml": b'on = "web1"\non_port = 9300\n[options]\nprograms = "nginx"\n',
        "own/exporters/haproxy/edge.toml": b'on = "web1"\naddress = "lb"\n',
        "own/exporters/haproxy/here.toml": b'address = "lb"\n',
    }
    files = {**tree(), **servers}
    plain = build(files, STACK_NODE_EXPORTER_HOST_NETWORK="on")
    made = replace(plain, settings=plain.settings.for_files(files))
    (host,) = hosts(made.tree)
    images = {name: Image(f"{name}:1", name) for name in kinds_on(made, host)}
    assert list(images) == ["node_exporter", "haproxy_exporter", "process_exporter"]
    node, haproxy, process = far_spec(made, host, images).services
    assert (haproxy.component, process.component) == ("haproxy_exporter-edge", "process_exporter-main")
    assert [one.published for one in (node, haproxy, process)] == [
        None,
        Port(9101, 9101, "10.0.0.7"),
        Port(9256, 9300, "10.0.0.7"),
    ]
    assert [one.host_network for one in (node, haproxy, process)] == [True, False, False]
    assert all(one.command[-1] == "--web.config.file=/etc/web/web.yml" for one in (node, haproxy, process))
    assert {one.mounts[-1] for one in (node, haproxy, process)} == {node.mounts[-1]}, "one closes all"
    assert "127.0.0.1:9101" in haproxy.health.test[-1]
    assert process.health.test == ("CMD", "/bin/process-exporter", "--version"), "it has no shell"
    assert "monitoring-host-web1-process-exporter-main-config" in {m.source for m in process.mounts}
    (file,) = jobs(made)
    found = [one["job_name"] for one in yaml.safe_load(file.content)["scrape_configs"]]
    assert found == ["host-web1", "host-web1-haproxy_exporter-edge", "host-web1-process_exporter-main"]

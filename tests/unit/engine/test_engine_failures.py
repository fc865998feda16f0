"""What the engine's words mean: texts of Docker 20.10 and 28, each with its class of error."""

from __future__ import annotations

import pytest
import requests

from stack.common.errors import EngineUnavailable, ImageError, PullRefused, RegistryUnreachable
from stack.engine import failures
from stack.engine.transport import Unreachable

BOUND = (
    "driver failed programming external connectivity on endpoint demo-app (4f0): "
    "Bind for 127.0.0.1:8000 failed: port is already allocated"
)
LISTENS = (
    "failed to set up container networking: driver failed programming external connectivity on endpoint x: "
    "failed to bind host port for 127.0.0.1:8000:172.18.0.2:8000/tcp: address already in use"
)


@pytest.mark.parametrize(
    "text",
    [
        "OCI runtime create failed: runc create failed: unable to start container process: error during container "
        "init: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted",
        "OCI runtime error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted",
    ],
)
def test_a_refused_limit_of_open_files_is_known(text: str) -> None:
    assert failures.ulimit_refused(text)
    assert not failures.port_taken(text)


@pytest.mark.parametrize("text", [BOUND, LISTENS])
def test_a_taken_port(text: str) -> None:
    assert failures.port_taken(text)


def test_other_failures_are_no_taken_port() -> None:
    assert not failures.port_taken("OCI runtime create failed: executable file not found in $PATH")


def test_a_port_error_names_port_holder_and_both_ways_out() -> None:
    error = failures.port_error("node_exporter", "127.0.0.1:9100", "container x of stack y")
    assert str(error) == (
        "node_exporter: port 127.0.0.1:9100 is taken by container x of stack y: choose another with "
        "STACK_NODE_EXPORTER_PORT=PORT or --port-base, or free it (ss -ltnp)"
    )
    assert "taken by" not in failures.port_error("app", "127.0.0.1:1", "").message


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (500, 'Get "https://r/v2/": dial tcp: lookup r on 10.0.0.1:53: no such host', RegistryUnreachable),
        (500, 'Get "https://r/v2/": dial tcp 10.0.0.1:443: connect: connection refused', RegistryUnreachable),
        (
            500,
            'Get "https://r/v2/": net/http: request canceled while waiting for connection '
            "(Client.Timeout exceeded while awaiting headers)",
            RegistryUnreachable,
        ),
        (500, 'Get "https://r/v2/": context deadline exceeded', RegistryUnreachable),
        (500, 'Get "https://r/v2/": dial tcp 10.0.0.1:443: i/o timeout', RegistryUnreachable),
        (500, 'Get "https://r/v2/": net/http: TLS handshake timeout', RegistryUnreachable),
        (500, 'Get "https://r/v2/": x509: certificate signed by unknown authority', RegistryUnreachable),
        (
            500,
            'Get "https://r/v2/": dial tcp 10.0.0.1:443: connect: network is unreachable',
            RegistryUnreachable,
        ),
        (500, "received unexpected HTTP status: 503 Service Unavailable", RegistryUnreachable),
        (404, "manifest for a/b:9 not found: manifest unknown: manifest unknown", PullRefused),
        (
            404,
            "pull access denied for a/b, repository does not exist or may require 'docker login'",
            PullRefused,
        ),
        (500, "unauthorized: authentication required", PullRefused),
        (500, "toomanyrequests: You have reached your pull rate limit.", PullRefused),
        (0, "failed to register layer: write /x: no space left on device", PullRefused),
        (500, "something new", PullRefused),
    ],
)
def test_pulls_that_fail(status: int, text: str, kind: type[ImageError]) -> None:
    error = failures.pull_error("a/b:9", status, text)
    assert type(error) is kind
    assert error.message.startswith("a/b:9: ")


@pytest.mark.parametrize(
    ("text", "words", "remedy"),
    [
        ("write /x: no space left on device", "the engine's disk is full", "docker system df"),
        ("unauthorized: authentication required", "the registry refused", "docker login"),
        ("manifest unknown", "the registry has no such image", "check the name and the tag"),
        ("toomanyrequests: slow down", "rate limit is reached", "docker login"),
    ],
)
def test_a_refused_pull_says_what_helps(text: str, words: str, remedy: str) -> None:
    error = failures.pull_error("a", 500, text)
    assert words in error.message and remedy in error.hint


def test_silence_before_and_after_the_first_word() -> None:
    assert "did not answer within 2 s" in failures.silent_registry("a:1", "", 2).message
    assert "broke off after 'layer 1'" in failures.silent_registry("a:1", "layer 1", 2).message


def test_a_full_disk_has_a_hint_and_other_refusals_their_text() -> None:
    assert failures.refused("start x", "no space left on device").hint == failures.FREE_SPACE
    other = failures.refused("start x", "line one\n  line two" + "." * 500)
    assert other.message.startswith("start x: line one line two") and "\n" not in other.message
    assert len(other.message) < 320


@pytest.mark.parametrize(
    ("address", "cause", "words"),
    [
        ("unix:///var/run/docker.sock", PermissionError(13, "Permission denied"), "group docker"),
        ("unix:///var/run/docker.sock", FileNotFoundError(2, "No such file"), "systemctl start docker"),
        ("tcp://host:2375", ConnectionRefusedError(111, "Connection refused"), "DOCKER_HOST"),
    ],
)
def test_no_engine_has_a_remedy(address: str, cause: Exception, words: str) -> None:
    outer = requests.ConnectionError("Connection aborted.", cause)
    error = failures.unavailable(address, outer)
    assert isinstance(error, EngineUnavailable) and address in error.message
    assert words in error.hint


def test_a_remedy_that_is_known_comes_before_all_others() -> None:
    told = failures.unavailable("ssh://host", Unreachable("refused", remedy="let a key in"), "try it")
    assert str(told) == "no Docker engine answers at ssh://host: refused: let a key in"
    assert failures.unavailable("ssh://host", Unreachable("silent"), "try it").hint == "try it"


def test_the_innermost_cause_is_told_even_in_a_circle() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert "tcp://x" in failures.unavailable("tcp://x", one).message


def test_a_folder_that_is_not_there_has_its_remedy() -> None:
    text = 'invalid mount config for type "bind": bind source path does not exist: /x'
    found = failures.refused("create a", text)
    assert found.hint == failures.MAKE_FOLDER and found.message == f"create a: {text}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("all predefined address pools have been fully subnetted", "docker network prune"),
        (
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the "
            "network",
            "default-address-pools",
        ),
        (
            "driver failed programming external connectivity on endpoint w-app (1f): iptables failed: iptables --wait "
            "-t nat -A DOCKER -p tcp -d 127.0.0.1 --dport 8000 -j DNAT --to-destination 172.18.0.2:8000 ! -i br-1: "
            "iptables: No chain/target/match by that name.\n (exit status 1)",
            "sudo systemctl restart docker",
        ),
        (
            "Failed to Setup IP tables: Unable to enable SKIP DNAT rule: (iptables failed: iptables --wait -t nat -I "
            "DOCKER -i br-1 -j RETURN: iptables v1.8.9 (nf_tables): Chain 'DOCKER' does not exist)",
            "sudo systemctl restart docker",
        ),
        (
            "failed to create endpoint x on network y: failed to add the host (veth1) <=> sandbox (veth2) pair "
            "interfaces: operation not supported",
            "restart the machine",
        ),
        (
            "AppArmor enabled on system but the docker-default profile could not be loaded: running `apparmor_parser` "
            'failed with output: exec: "apparmor_parser": executable file not found in $PATH',
            "apt-get install apparmor",
        ),
        (
            "OCI runtime create failed: container init caused: apply apparmor profile: apparmor failed to apply "
            "profile: write /proc/self/attr/exec: invalid argument: unknown",
            "aa-status",
        ),
        ("cgroups: cgroup mountpoint does not exist: unknown", "control groups"),
        ("cgroups: cannot find cgroup mount destination: unknown", "control groups"),
        (
            "Mounts denied: \nThe path /opt/x is not shared from the host and is not known to Docker.",
            "File sharing",
        ),
        (
            "error while creating mount source path '/opt/x': mkdir /opt/x: read-only file system",
            "snap",
        ),
        ("exec /bin/prometheus: exec format error", "another processor"),
        ("write /var/lib/docker/x: no space left on device", "docker system df"),
        ("fork/exec /usr/bin/containerd-shim: resource temporarily unavailable", "free -m"),
    ],
)
def test_what_the_machine_of_the_engine_lacks_has_its_remedy(text: str, hint: str) -> None:
    error = failures.refused("start w-app", text)
    assert error.message.startswith("start w-app: ") and hint in error.hint
    assert not failures.port_taken(text)


def test_a_refusal_that_nobody_knows_is_told_as_it_is() -> None:
    assert str(failures.refused("start w-app", "strange\nwords")) == "start w-app: strange words"

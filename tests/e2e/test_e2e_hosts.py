"""A second engine on a machine of its own, joined by a wire: watched by one stack, closed to everybody else.

It is reached by a real sshd and an alias of ~/.ssh/config, and by TLS; each that lets nobody in is told with the cause.
"""

from __future__ import annotations

import base64
import os
import pty
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from stack.common.errors import EngineUnavailable
from stack.engine.docker import connect
from tests.e2e.conftest import Make
from tests.e2e.stack_command import ROOT, Stack
from tests.machines.machine import Machine, Place, running, until
from tests.machines.ssh_server import BARE, CHATTY, CLOSED, OPEN, Server, serving

pytestmark = pytest.mark.e2e
NET = "10.213.117"
HERE, THERE, BESIDE = f"{NET}.1", f"{NET}.2", f"{NET}.3"
ENGINE = ("dockerd", "--bip", "10.213.118.1/24", "--default-address-pool", "base=10.213.120.0/22,size=26")
OURS, THEIRS = "e2ehost0", "e2ehost1"
ALIAS = "ssh://web1"
TLS = f"tcp://{THERE}:2376"
CONTAINER = "e2e-hosts-host-web1-node-exporter"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def issued(folder: Path, ca: trustme.CA, name: str) -> Path:
    """A folder of certificates as the docker command wants it."""
    folder.mkdir()
    leaf = ca.issue_cert(name)
    ca.cert_pem.write_to_path(folder / "ca.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return folder


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of certificates: of the engine there, of who may command it, and of a stranger."""
    folder, ca = tmp_path_factory.mktemp("certificates"), trustme.CA()
    issued(folder / "engine", ca, THERE)
    issued(folder / "ours", ca, "here.example")
    issued(folder / "stranger", trustme.CA(), "here.example")
    (folder / "unsigned").mkdir()
    for name, source in (("ca", "ours"), ("cert", "stranger"), ("key", "stranger")):
        (folder / "unsigned" / f"{name}.pem").write_bytes((folder / source / f"{name}.pem").read_bytes())
    return folder


def with_tls(folder: Path) -> tuple[str, ...]:
    """What the engine is told besides, to be asked over TCP by who has a certificate."""
    files = zip(("--tlscacert", "--tlscert", "--tlskey"), ("ca.pem", "cert.pem", "key.pem"), strict=True)
    named = (word for option, file in files for word in (option, str(folder / file)))
    return ("-H", "unix:///var/run/docker.sock", "-H", "tcp://0.0.0.0:2376", "--tlsverify", *named)


@pytest.fixture(scope="module")
def machine(certificates: Path) -> Iterator[Place]:
    """With two addresses; this machine is at the other end of the wire."""
    (ROOT / ".stack").mkdir(mode=0o700, exist_ok=True)
    with running(Machine((*ENGINE, *with_tls(certificates / "engine"))), None) as place:
        ip("link", "add", OURS, "type", "veth", "peer", "name", THEIRS, "netns", str(place.process))
        try:
            ip("addr", "add", f"{HERE}/24", "dev", OURS)
            ip("link", "set", OURS, "up")
            for words in (
                ("addr", "add", f"{THERE}/24", "dev", THEIRS),
                ("addr", "add", f"{BESIDE}/24", "dev", THEIRS),
                ("link", "set", THEIRS, "up"),
            ):
                subprocess.run([*place.there, "ip", *words], check=True, capture_output=True)
            yield place
        finally:
            ip("link", "del", OURS)


@pytest.fixture(scope="module")
def server(machine: Place) -> Iterator[Server]:
    """The machine's sshd, known here by an alias."""
    with serving(machine, THERE) as made:
        usual(made)
        yield made


def usual(server: Server) -> None:
    """What ssh knows of it once it is set up; the user of the machine's engine, and everything else, are there."""
    alias = f"Host web1\n HostName {THERE}\n Port {server.port}\n User {OPEN}\n {server.identity}"
    server.configure(alias, f"Host *\n {server.identity}")
    server.known()


@pytest.fixture(scope="module")
def stack(make_stack: Make, server: Server) -> Stack:
    path = f"{server.programs}:{os.environ['PATH']}"
    made = make_stack("e2e-hosts", 27950, STACK_GRAFANA="off", STACK_COMPONENTS="app=off", PATH=path)
    made.ok("start", "--no-smoke")
    return made


@pytest.fixture(scope="module")
def watched(stack: Stack, machine: Place) -> Iterator[Stack]:
    """With the host, proven; whatever its tests leave is removed while the host is there."""
    told = stack.ok("host", "add", "web1", ALIAS, "--json").json()
    assert told["proven"] and told["address"] == f"{THERE}:9100"
    yield stack
    if (stack.home / "own/hosts/web1.toml").exists():
        stack.ok("host", "remove", "web1")


@pytest.fixture(scope="module")
def served(watched: Stack) -> Iterator[Stack]:
    """With the exporter of a server there, proven, until the test that removes it."""
    words = ("process", "main", "--option", "programs=dockerd", "--on", "web1", "--port", "9300")
    assert watched.ok("exporter", "add", *words, "--json").json()["proven"]
    yield watched
    if (watched.home / "own/exporters/process/main.toml").exists():
        watched.ok("exporter", "remove", "process", "main")


def secret(stack: Stack, kind: str) -> Path:
    return stack.home / f"own/secrets/hosts/web1.{kind}"


def asked(stack: Stack, password: str, port: int = 9100) -> int:
    """The status that an exporter answers with, over the one certificate that is trusted."""
    context = ssl.create_default_context(cafile=str(secret(stack, "crt")))
    context.check_hostname = False  # the address is no name of it; Prometheus gives the name
    request = urllib.request.Request(f"https://{THERE}:{port}/metrics")
    if password:
        token = base64.b64encode(f"prometheus:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_only_who_has_the_password_is_answered(watched: Stack) -> None:
    right = secret(watched, "password").read_text().strip()
    assert asked(watched, right) == 200
    assert asked(watched, "wrong") == 401
    assert asked(watched, "") == 401


def test_nothing_listens_on_another_address(watched: Stack, machine: Place) -> None:
    for address in (BESIDE, "127.0.0.1"):
        probe = f"import socket; socket.create_connection(({address!r}, 9100), 2)"
        ran = subprocess.run(
            [*machine.there, "python3", "-c", probe], capture_output=True, text=True, check=False
        )
        assert "ConnectionRefusedError" in ran.stderr, address


def test_it_is_hardened_and_judged_as_the_one_here(watched: Stack, machine: Place) -> None:
    there, here = machine.client.containers.get(CONTAINER).attrs, watched.inspect()["node_exporter"]
    for key in ("CapDrop", "SecurityOpt", "ReadonlyRootfs", "Memory", "NanoCpus", "PidsLimit", "Privileged"):
        assert there["HostConfig"][key] == here["HostConfig"][key], key
    assert there["Config"]["User"] == here["Config"]["User"]
    audit = watched.ok("audit", "--json").json()
    assert CONTAINER in audit["containers"]


def test_its_figures_are_those_of_its_own(watched: Stack) -> None:
    assert watched.query('up{instance="web1", host="web1"}') == [1.0]
    assert len(watched.query('node_uname_info{instance="web1", nodename="web1"}')) == 1
    query = "count(count by (instance) (node_boot_time_seconds))"
    until(lambda: watched.query(query) == [2.0], "the one here was not asked yet")


def test_an_exporter_of_a_server_runs_there_as_closed(served: Stack, machine: Place) -> None:
    right = secret(served, "password").read_text().strip()
    assert [asked(served, word, 9300) for word in (right, "wrong", "")] == [200, 401, 401]
    which = 'job="process_exporter", instance="main", host="web1"'
    assert served.query(f"namedprocess_namegroup_num_procs{{{which}}}") == [1.0]
    there = machine.client.containers.get("e2e-hosts-host-web1-process-exporter-main").attrs["HostConfig"]
    assert (there["CapDrop"], there["ReadonlyRootfs"], there["PidsLimit"]) == (["ALL"], True, 256)


def test_status_lists_and_plan_show_all_hosts(served: Stack) -> None:
    status = served.ok("status", "--json").json()
    rows = {row["component"]: row for row in status["components"] if row["component"].startswith("host ")}
    assert set(rows) == {"host web1", "host web1 process_exporter-main"}
    assert all(row["state"].startswith("running") and row["digest_match"] for row in rows.values())
    listed = served.ok("host", "list", "--json").json()["hosts"]
    assert [row["exporter"] for row in listed] == ["node_exporter", "process_exporter-main"]
    assert {(row["scraped"], row["says"]) for row in listed} == {("up", "")}
    (row,) = served.ok("exporter", "list", "--json").json()["exporters"]
    assert (row["on"], row["state"]) == ("web1", "up")
    assert served.ok("plan", "--json").json()["hosts"][0]["plan"] == []


def test_a_second_start_touches_nothing_there(served: Stack, machine: Place) -> None:
    def started() -> set[str]:
        return {c.attrs["State"]["StartedAt"] for c in machine.client.containers.list()}

    before = started()
    served.ok("start")
    assert started() == before and len(before) == 2


def test_an_exporter_that_is_removed_is_gone_there(served: Stack, machine: Place) -> None:
    served.ok("exporter", "remove", "process", "main")
    assert [c.name for c in machine.client.containers.list(all=True)] == [CONTAINER]


def test_one_that_is_removed_there_comes_back(watched: Stack, machine: Place) -> None:
    machine.client.containers.get(CONTAINER).remove(force=True)
    watched.ok("reload")
    assert machine.client.containers.get(CONTAINER).status == "running"


def test_a_host_that_is_down_is_named_and_holds_nobody_up(watched: Stack, machine: Place) -> None:
    ip("link", "set", OURS, "down")
    ip(
        "route", "add", "unreachable", f"{NET}.0/24"
    )  # where the machine's other way out swallows what is sent
    try:
        ran = watched.ok("start", "--json").json()
        assert ran["status"] == "running" and not ran["hosts"][0]["ok"]
        why = f"no Docker engine answers at {ALIAS}: web1 cannot be reached"
        assert ran["hosts"][0]["error"] == why
        listed = watched("host", "list", "--json")
        assert (listed.code, listed.json()["hosts"][0]["state"]) == (6, "unreachable")

        def remarked() -> bool:
            found = watched.ok("smoke", "--json").json()["findings"]
            return any(remark.startswith("host web1 is down: ") for f in found for remark in f["warnings"])

        until(remarked, "smoke does not say so, scraped or not", seconds=20.0)
    finally:
        ip("route", "del", "unreachable", f"{NET}.0/24")
        ip("link", "set", OURS, "up")


def test_an_engine_that_hangs_is_given_up(watched: Stack, machine: Place) -> None:
    engine = int(Path(f"/proc/{machine.process}/task/{machine.process}/children").read_text().split()[0])
    os.kill(engine, signal.SIGSTOP)
    try:
        began = time.monotonic()
        ran = watched("status", "--json")
        assert time.monotonic() - began < 15 and ran.code == 5
        assert any("no answer from its engine" in remark for remark in ran.json()["remarks"])
    finally:
        os.kill(engine, signal.SIGCONT)


def said_of(address: str, certificates: Path | str = "") -> str:
    """Why an engine cannot be had."""
    with pytest.raises(EngineUnavailable) as told:
        connect(address, reach="ports", certificates=str(certificates))
    assert told.value.hint and "DOCKER_HOST" not in told.value.hint
    return told.value.message.removeprefix(f"no Docker engine answers at {address}: ")


def test_whom_ssh_does_not_let_in_is_told_why(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{server.programs}:{os.environ['PATH']}")
    try:
        assert said_of(server.url(CLOSED)) == f"{CLOSED} may not use Docker on {THERE}"
        assert said_of(server.url("nobody")) == f"nobody may run no command on {THERE}"
        assert said_of(server.url(BARE)) == f"there is no docker command on {THERE}"
        assert said_of(server.url(CHATTY)).startswith(f"what a login to {THERE} prints comes before")
        assert said_of(f"{server.url()}/run/none.sock") == f"no Docker engine runs on {THERE}"
        assert said_of(f"ssh://{THERE}:1") == f"no SSH server listens on {THERE}:1"
        assert said_of("ssh://nowhere.invalid") == "the name nowhere.invalid is not known here"
        server.configure(f"IdentityFile {server.folder}/other")
        assert said_of(server.url()) == f"{THERE} refuses the login of {OPEN}"
        server.known(server.folder / "other.pub")
        assert said_of(server.url()) == f"the host key of {THERE} is another than before"
    finally:
        usual(server)


def on_a_terminal(stack: Stack, *words: str) -> tuple[int, str]:
    """Runs a command where somebody could be asked something, and nobody answers."""
    leader, follower = pty.openpty()
    attached = ("sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(follower))  # to open it makes it theirs
    with os.fdopen(leader, "rb", buffering=0) as seen:
        process = subprocess.Popen(
            [*attached, str(stack.script), *words],
            env={**stack.environment, "TERM": "dumb"},
            cwd=stack.home,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        code, text = process.wait(30), b""
        os.close(follower)
        try:
            while part := seen.read(1 << 16):
                text += part
        except OSError:  # all of it was read
            pass
    return code, text.decode()


def test_an_unknown_host_key_is_told_and_nobody_is_asked(stack: Stack, server: Server) -> None:
    server.unknown()
    try:
        code, said = on_a_terminal(stack, "host", "add", "web2", server.url(), "--address", BESIDE)
        assert code == 3 and said.count("host key of") == 1, said
        assert (
            f"the host key of {THERE} is not known here: ssh -p {server.port} {OPEN}@{THERE} true shows its fingerprint"
            in said
        )
        assert "accept-new" in said and "yes/no" not in said
    finally:
        usual(server)
    assert not (stack.home / "own/hosts/web2.toml").exists()


def test_an_engine_with_tls_lets_in_who_has_its_certificates(
    watched: Stack, machine: Place, certificates: Path
) -> None:
    assert said_of(TLS) == "it speaks TLS only"
    for folder in ("stranger", "unsigned"):
        place = certificates / folder
        why = {
            "stranger": "signed by nobody known here",
            "unsigned": "does not accept the certificate",
        }
        assert why[folder] in said_of(TLS, place)
    assert "is for another name" in said_of(f"tcp://{BESIDE}:2376", certificates / "ours")
    words = ("host", "add", "web2", TLS, "--port", "9200", "--dry-run", "--json", "--cert-path")
    assert watched.ok(*words, str(certificates / "ours")).json()["hosts"][-1]["ok"]
    file = watched.home / "own/hosts/web1.toml"
    file.write_text(file.read_text().replace(f'"{ALIAS}"', f'"{TLS}"\ncert_path = "{certificates}/ours"'))
    watched.ok("reload")
    (listed,) = watched("host", "list", "--json").json()[
        "hosts"
    ]  # not scraped yet, as its exporter is a new one
    assert (listed["engine"], listed["state"][:7]) == (TLS, "running")
    assert machine.client.containers.get(CONTAINER).status == "running"


def test_remove_leaves_nothing(watched: Stack, machine: Place) -> None:
    watched.ok("host", "remove", "web1")
    assert machine.left() == []
    assert [path for path in (watched.home / "own").rglob("*") if path.is_file()] == []

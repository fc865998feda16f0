"""A real sshd on a machine, with keys and a configuration of its own, and what a client is told to reach it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.machines.machine import ROOT, Place, until

INSTALLED = Path("/usr/sbin/sshd")
UNPACKED = ROOT / ".stack/cache/sshd"
PACKAGES = ("openssh-server", "libwrap0")
OPEN, CLOSED, BARE, CHATTY = "e2e-deploy", "e2e-guest", "e2e-bare", "e2e-chatty"
"""Users there: one to whom the engine's socket belongs, one who may not use it, one whose PATH has no docker command,
and one whose logins print something."""
CONFIG = """\
AddressFamily inet
AuthenticationMethods publickey
AuthorizedKeysFile /run/authorized_keys
HostKey {folder}/host_key
ListenAddress {address}:{port}
LogLevel ERROR
PidFile none
Port {port}
StrictModes no
UsePAM no
Match User {bare}
    SetEnv PATH=/nowhere
Match User {chatty}
    ForceCommand echo Welcome
"""
USERS = {OPEN: 64001, CLOSED: 64002, BARE: 64003, CHATTY: 64004}


@dataclass(frozen=True)
class Server:
    """An sshd that listens. ``folder`` holds all files of server and client."""

    folder: Path
    place: Place
    address: str
    port: int

    def url(self, user: str = OPEN) -> str:
        """Its engine."""
        return f"ssh://{user}@{self.address}:{self.port}"

    @property
    def programs(self) -> Path:
        """A folder for PATH, whose ssh is the real one with a configuration of these tests and no other's."""
        return self.folder / "bin"

    def configure(self, *lines: str) -> None:
        """What ~/.ssh/config would say."""
        (self.folder / "config").write_text("\n".join((*lines, "")))

    @property
    def identity(self) -> str:
        """The line with the key that is let in."""
        return f"IdentityFile {self.folder}/key"

    def known(self, file: Path | None = None) -> None:
        """The host key becomes known, as by a first connection; that of ``file`` in its place."""
        key = (file or self.folder / "host_key.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[{self.address}]:{self.port} {key}")

    def unknown(self) -> None:
        """No host key is known."""
        (self.folder / "known_hosts").write_text("")


@contextmanager
def serving(place: Place, address: str, port: int = 2222) -> Iterator[Server]:
    """sshd at an address of the machine while the block runs; the machine ends it, should this not."""
    folder = place.folder / "ssh"
    folder.mkdir()
    folder.chmod(0o755)
    for name in ("key", "other", "host_key"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(made, check=True)
    shutil.copy(folder / "key.pub", place.folder / "run/authorized_keys")  # where its users may read
    (folder / "sshd_config").write_text(
        CONFIG.format(folder=folder, address=address, port=port, bare=BARE, chatty=CHATTY)
    )
    server = Server(folder, place, address, port)
    _client(server)
    inside = ["nsenter", f"--target={place.process}", "--net", "--mount", "--pid", f"--wdns={ROOT}", "--"]
    subprocess.run([*inside, "sh", "-ec", _prepared(folder)], check=True, capture_output=True)
    log = folder / "log"
    argv = [*inside, *program(), "-D", "-E", str(log), "-f", str(folder / "sshd_config")]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        until(lambda: _listens(server, process), f"sshd does not listen: {log}", seconds=10)
        yield server
    finally:
        process.terminate()
        process.wait()


def program() -> tuple[str, ...]:
    """sshd: that of this machine, else Debian's package unpacked, since to install it would start a server here."""
    if INSTALLED.exists():
        return (str(INSTALLED),)
    if not (UNPACKED / "usr/sbin/sshd").exists():
        fetched = UNPACKED / "packages"
        fetched.mkdir(parents=True, exist_ok=True)
        script = (
            f"apt-get download {shlex.join(PACKAGES)}; for deb in *.deb; do dpkg-deb -x $deb {UNPACKED}; done"
        )
        subprocess.run(
            ["sh", "-ec", f"apt-get update; {script}"], cwd=fetched, check=True, capture_output=True
        )
    (libraries,) = UNPACKED.glob("usr/lib/*-linux-*")
    return ("env", f"LD_LIBRARY_PATH={libraries}", str(UNPACKED / "usr/sbin/sshd"))


def _client(server: Server) -> None:
    folder = server.folder
    server.programs.mkdir()
    wrapper = server.programs / "ssh"
    words = [
        str(shutil.which("ssh")),
        "-F",
        f"{folder}/config",
        "-o",
        f"UserKnownHostsFile={folder}/known_hosts",
    ]
    more = ["-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([*words, *more])} "$@"\n')
    wrapper.chmod(0o755)
    server.configure(server.identity)
    server.known()


def _prepared(folder: Path) -> str:
    """Users of these tests alone, who are there on this machine and nowhere else; sshd's own folder."""
    lines = [
        "mkdir -p /run/sshd",
        f"cd {shlex.quote(str(folder))}",
        "cp /etc/passwd /etc/shadow /etc/group .",
    ]
    lines.append("grep -q ^sshd: passwd || echo 'sshd:x:64009:65534::/run/sshd:/usr/sbin/nologin' >>passwd")
    for user, number in USERS.items():
        lines.append(f"echo '{user}:x:{number}:{number}::/tmp:/bin/sh' >>passwd")
        lines.append(f"echo '{user}:*:19000:0:99999:7:::' >>shadow")
        lines.append(f"echo '{user}:x:{number}:' >>group")
    newer = UNPACKED / "usr/lib/openssh"  # programs of sshd's own, where it has any
    lines.append(
        f"[ -e {INSTALLED} ] || [ ! -e {newer}/sshd-session ] || mount --bind {newer} /usr/lib/openssh"
    )
    lines += [f"mount --bind {name} /etc/{name}" for name in ("passwd", "shadow", "group")]
    lines.append(f"chown {OPEN} /run/docker.sock")
    return "\n".join(lines)


def _listens(server: Server, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, (server.folder / "log").read_text()
    probe = f"import socket; socket.create_connection(({server.address!r}, {server.port}), 1)"
    ran = subprocess.run([*server.place.there, "python3", "-c", probe], capture_output=True, check=False)
    return ran.returncode == 0

"""One node with its control plane: started in a network and a mount namespace of its own, ended without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.kubernetes_node.conf import (
    ADDRESS,
    API,
    CONTAINERD,
    GATEWAY,
    KUBELET,
    NAME,
    PODS,
    SERVICES,
)
from tests.kubernetes_node.parts import PAUSE_IMAGE, ROOT, archive, packages, programs, run
from tests.kubernetes_node.traces import APART, end_pods


class Node:
    """The node; ``inside`` are the words before a command in its namespaces."""

    def __init__(self, folder: Path, images: Iterable[str]) -> None:
        self.folder, self.run = folder, folder / "run"
        self.images = tuple(images)
        self.made: list[Path] = []
        self.config = folder / "kubeconfig"
        self.token = secrets.token_hex(16)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.inside: tuple[str, ...] = ()
        self.usr, self.bin = packages(), programs()
        self.environment = {
            **os.environ,
            "PATH": f"{self.usr}/bin:{os.environ['PATH']}",
            "KUBECONFIG": str(self.config),
        }

    def start(self) -> None:
        """Everything up to the node's registration."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("pki", "run/kubelet", "run/ctr", "run/cni", "run/log"):
            (self.folder / name).mkdir(parents=True)
        self._network()
        self._write()
        self._control_plane()
        self._runtime()
        self._until("a node that is Ready", lambda: " Ready " in self.kubectl("get", "nodes", fails=True))

    def kubectl(self, *words: str, fails: bool = False, given: str = "") -> str:
        """What kubectl says; its failure ends everything unless it may fail."""
        argv = (*self.inside, str(self.usr / "bin/kubectl"), *words)
        done = subprocess.run(
            argv, env=self.environment, input=given, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode and not fails:
            raise SystemExit(f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    @property
    def ctr(self) -> tuple[str, ...]:
        """The words before a command to containerd."""
        return (*self.inside, str(self.usr / "bin/ctr"), "-a", f"{self.run}/ctr.sock", "-n", "k8s.io")

    def memory(self) -> dict[str, int]:
        """Program > MiB that it has resident."""
        found = {}
        for name, process in self.running.items():
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0")
            found[name] = int(resident.split()[1]) // 1024
        return found

    def pods_memory(self) -> dict[str, int]:
        """Pod > MiB of its working set, as the kubelet measures it."""
        told = json.loads(self.kubectl("get", "--raw", f"/api/v1/nodes/{NAME}/proxy/stats/summary"))
        return {
            one["podRef"]["name"]: one.get("memory", {}).get("workingSetBytes", 0) // 1024**2
            for one in told["pods"]
        }

    def shell(self, command: str) -> str:
        """What a command prints that a person would type; its failure ends everything."""
        argv = (*self.inside, "sh", "-c", command)
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def _network(self) -> None:
        ip = ("ip", "-n", NAME)
        run("ip", "netns", "add", NAME)
        for words in (
            ("link", "set", "lo", "up"),
            ("link", "add", "node0", "type", "bridge"),
            ("addr", "add", f"{ADDRESS}/24", "dev", "node0"),
            ("link", "set", "node0", "up"),
            ("link", "add", "v0", "type", "veth", "peer", "name", "v1"),
            ("link", "set", "v0", "master", "node0"),
            ("link", "set", "v0", "up"),
            ("link", "set", "v1", "up"),
            ("route", "add", "default", "via", GATEWAY, "dev", "node0"),
        ):
            run(*ip, *words)
        self.made = [place for place in APART if not place.exists()]
        for place in APART:
            place.mkdir(parents=True, exist_ok=True)
        mounts = " && ".join(f"mount -t tmpfs tmpfs {place}" for place in APART)
        script = f"mount --make-rshared / && {mounts} && exec sleep infinity"
        apart = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script)
        hold = subprocess.Popen(apart, start_new_session=True)
        self.running["hold"] = hold
        self._until("a mount namespace", lambda: self._apart(hold.pid))
        mounts = f"--mount=/proc/{hold.pid}/ns/mnt"
        self.inside = ("nsenter", mounts, f"--net=/run/netns/{NAME}", f"--wdns={self.folder}")
        run(*self.inside, "sysctl", "-qw", "net.ipv4.ip_forward=1")

    @staticmethod
    def _apart(pid: int) -> bool:
        return Path(f"/proc/{pid}/comm").read_text() == "sleep\n"

    def _write(self) -> None:
        pki = self.folder / "pki"
        run("openssl", "genrsa", "-out", str(pki / "sa.key"), "2048")
        run("openssl", "rsa", "-in", str(pki / "sa.key"), "-pubout", "-out", str(pki / "sa.pub"))
        subject = ("-nodes", "-days", "3", "-subj", "/CN=stack-node")
        run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            *subject,
            "-keyout",
            str(pki / "ca.key"),
            "-out",
            str(pki / "ca.crt"),
        )
        (pki / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        cluster = {"server": API, "insecure-skip-tls-verify": True}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": NAME, "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "admin"}}],
            "current-context": NAME,
        }
        self.config.write_text(json.dumps(config))
        for path in (pki / "tokens.csv", self.config):
            path.chmod(0o600)
        (self.folder / "containerd.toml").write_text(
            CONTAINERD.format(run=self.run, usr=self.usr, pause=PAUSE_IMAGE)
        )
        (self.folder / "kubelet.yaml").write_text(KUBELET.format(run=self.run, address=ADDRESS))
        addresses = {"type": "host-local", "dataDir": f"{self.run}/ipam", "ranges": [[{"subnet": PODS}]]}
        bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "hairpinMode": True}
        bridge["ipam"] = {**addresses, "routes": [{"dst": "0.0.0.0/0"}]}
        plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
        network = {"cniVersion": "1.0.0", "name": NAME, "plugins": plugins}
        (self.run / "cni/10-bridge.conflist").write_text(json.dumps(network))

    def _control_plane(self) -> None:
        at = "http://127.0.0.1:2379"
        self._go(
            "etcd", self.usr / "bin/etcd", "--name", NAME, "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync",
            "--listen-client-urls", at, "--advertise-client-urls", at, "--log-level", "error",
        )  # fmt: skip
        self._go(
            "apiserver", self.bin / "kube-apiserver", f"--etcd-servers={at}", f"--bind-address={ADDRESS}",
            f"--advertise-address={ADDRESS}", "--secure-port=6443", f"--cert-dir={self.folder}/pki",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=pki/sa.pub",
            "--service-account-signing-key-file=pki/sa.key", f"--service-cluster-ip-range={SERVICES}",
            "--token-auth-file=pki/tokens.csv", "--authorization-mode=RBAC", "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
        )  # fmt: skip
        self._go("containerd", self.usr / "bin/containerd", "-c", "containerd.toml")
        self._until("an API server", lambda: "ok" in self.kubectl("get", "--raw", "/readyz", fails=True))
        config = f"--kubeconfig={self.config}"
        self._go(
            "controllers", self.bin / "kube-controller-manager", config, "--leader-elect=false",
            "--service-account-private-key-file=pki/sa.key", "--root-ca-file=pki/ca.crt",
            "--controllers=*,-node-ipam-controller", "--bind-address=127.0.0.1",
        )  # fmt: skip
        self._go(
            "scheduler",
            self.bin / "kube-scheduler",
            config,
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
        )
        python = Path(sys.executable)
        self._go("dns", python, "-m", "tests.kubernetes_node.dns", API, self.token, ADDRESS)

    def _runtime(self) -> None:
        self._until("containerd", (self.run / "ctr.sock").is_socket)
        packed = archive(self.folder / "images", list(self.images))
        run(*self.ctr, "images", "import", str(packed))
        shutil.rmtree(packed.parent)
        self._go(
            "kubelet", self.bin / "kubelet", f"--kubeconfig={self.config}", "--config=kubelet.yaml",
            f"--root-dir={self.run}/kubelet", f"--cert-dir={self.run}/kubelet/pki", f"--node-ip={ADDRESS}",
            f"--hostname-override={NAME}",
        )  # fmt: skip
        self._go(
            "proxy", self.bin / "kube-proxy", f"--kubeconfig={self.config}", f"--cluster-cidr={PODS}",
            f"--hostname-override={NAME}", "--proxy-mode=iptables", "--conntrack-max-per-core=0",
            "--healthz-bind-address=127.0.0.1:10256",
        )  # fmt: skip

    def _go(self, name: str, program: Path, *words: str) -> None:
        log = (self.run / f"{name}.log").open("wb")
        environment = {**self.environment, "PYTHONPATH": str(ROOT)}
        argv = (*self.inside, str(program), *words)
        self.running[name] = subprocess.Popen(
            argv, env=environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
        )

    def _until(self, what: str, holds: Callable[[], bool], seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise SystemExit(f"no {what} after {seconds:g} s; logs: {self.run}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ends what was started, the tasks first, and removes namespaces and mounts."""
        self._end("kubelet")
        if "containerd" in self.running:
            tasks = ("tasks", "ls", "-q")
            listed = subprocess.run((*self.ctr, *tasks), capture_output=True, text=True, check=False)
            for task in listed.stdout.split():
                kill = (*self.ctr, "tasks", "kill", "-s", "KILL", task)
                subprocess.run(kill, capture_output=True, check=False)
            time.sleep(2)
            self._shims()
        for name in ("proxy", "dns", "scheduler", "controllers", "apiserver", "etcd", "containerd"):
            self._end(name)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted((one for one in mounts if one.startswith(str(self.run))), reverse=True):
            subprocess.run(("umount", place), capture_output=True, check=False)
        self._end("hold")
        subprocess.run(("ip", "netns", "del", NAME), capture_output=True, check=False)
        end_pods()
        for folder in self.made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _shims(self) -> None:
        """The shims of this containerd alone, which outlive it."""
        socket = f"{self.run}/ctr.sock"
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = place.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"containerd-shim-runc-v2" in words[0] and socket.encode() in words:
                os.kill(int(place.parent.name), signal.SIGKILL)

    def _end(self, name: str) -> None:
        process = self.running.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

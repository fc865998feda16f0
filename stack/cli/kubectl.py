"""kubectl, asked: objects of a namespace, a command in a pod, its log, a port of it on this machine.

The only module that runs it. It uses the context that kubectl itself uses (KUBECONFIG).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from msgspec import Struct

from stack.common.errors import SmokeFailed, StackError
from stack.common.wait import NotYet, TimedOut, until
from stack.engine.interface import Ran

PROGRAM = "kubectl"
SECONDS = 30.0
"""The longest that one question may take."""
OPENED = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+) ->")
SAID = 64 * 1024
LAST = 300
"""Characters of what it says that stand in an error."""


class Kubectl(Struct, frozen=True):
    """The objects of one namespace."""

    namespace: str

    def objects(self, kinds: str, selector: str) -> list[dict[str, Any]]:
        """Objects with these labels; ``SmokeFailed`` where the cluster cannot be asked."""
        ran = self.run("get", kinds, "-l", selector, "-o", "json")
        if ran.code:
            raise SmokeFailed(
                f"kubectl get {kinds} -n {self.namespace}: {_last(ran.output)}",
                hint="which cluster is asked says `kubectl config current-context`",
            )
        found: list[dict[str, Any]] = json.loads(ran.output).get("items") or []
        return found

    def warnings(self) -> list[dict[str, Any]]:
        """What the cluster warns of in this namespace; nothing where that may not be read."""
        ran = self.run("get", "events", "--field-selector", "type=Warning", "-o", "json")
        found: list[dict[str, Any]] = [] if ran.code else json.loads(ran.output).get("items") or []
        return found

    def secret(self, name: str) -> Mapping[str, str]:
        """Key > value, in base64, of a Secret; none where there is none, or where it may not be read."""
        ran = self.run("get", "secret", name, "-o", "json")
        found: dict[str, str] = {} if ran.code else json.loads(ran.output).get("data") or {}
        return found

    def execute(self, pod: str, argv: Sequence[str]) -> Ran:
        """Runs a command in a pod, by its name or that of what owns it, such as statefulset/app."""
        return self.run("exec", pod, "--", *argv)

    def log(self, pod: str, lines: int) -> list[str]:
        """Its last lines."""
        return self.run("logs", pod, f"--tail={lines}").output.splitlines()

    def run(self, *words: str) -> Ran:
        """What it answers, errors behind the rest; ``StackError`` where there is no kubectl, or no answer."""
        if shutil.which(PROGRAM) is None:
            raise StackError(
                "there is no kubectl here", hint="install kubectl, and point KUBECONFIG to the cluster"
            )
        argv = (PROGRAM, "-n", self.namespace, *words)
        try:
            ran = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise SmokeFailed(
                f"kubectl {words[0]} is silent for {SECONDS:g} s", hint="is the cluster up?"
            ) from error
        return Ran(ran.returncode, ran.stdout + ran.stderr if ran.returncode else ran.stdout)

    @contextmanager
    def forwarded(self, services: Mapping[str, tuple[str, int]]) -> Iterator[dict[str, str]]:
        """Base URL on this machine by component; ``services``: host and port of each. Closed at the end."""
        with ExitStack() as held:
            opening = [
                (component, f"service/{host}", held.enter_context(_opening(self.namespace, host, port)))
                for component, (host, port) in services.items()
            ]
            yield {component: one.address(name) for component, name, one in opening}


def _last(text: str) -> str:
    """The last line, which names the cause; those before it are of tries."""
    return next(iter(reversed(text.strip().splitlines())), "")[:LAST]


class _Opening:
    """One port-forward on its way; what it says goes into a file, since a pipe that nobody reads would fill."""

    def __init__(self, process: subprocess.Popen[bytes], said: Any) -> None:
        self.process, self.said = process, said

    def address(self, name: str) -> str:
        """Where it listens; ``SmokeFailed`` with what it says where it does not."""
        try:
            return until(self._address, seconds=SECONDS)
        except TimedOut as late:
            raise SmokeFailed(
                f"kubectl port-forward {name}: {late.last}", hint="kubectl get pods tells more"
            ) from late

    def _address(self) -> str:
        text = os.pread(
            self.said.fileno(), SAID, 0
        )  # the process writes on where any other reading would end
        if found := OPENED.search(text):
            return f"http://127.0.0.1:{int(found[1])}"
        if self.process.poll() is not None:
            raise TimedOut(_last(text.decode(errors="replace")) or "it ended")
        raise NotYet(_last(text.decode(errors="replace")) or "it says nothing")


@contextmanager
def _opening(namespace: str, host: str, port: int) -> Iterator[_Opening]:
    argv = (PROGRAM, "-n", namespace, "port-forward", "--address", "127.0.0.1", f"service/{host}", f":{port}")
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as process,
    ):
        try:
            yield _Opening(process, said)
        finally:
            process.terminate()

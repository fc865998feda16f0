"""export swarm --prune: the configs and secrets of a stack that no service of it uses any more.

It asks the Swarm by the ``docker`` command, which whoever deploys a stack has, and changes nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from stack.cli.grammar_parts import given
from stack.cli.printer import Printer
from stack.common.errors import EngineUnavailable, StackError
from stack.common.printable import printable
from stack.components import load
from stack.model.spec import NAMESPACE

SECONDS = 60
OF_STACK = "label=com.docker.stack.namespace"
HELD = {"configs": "ConfigName", "secrets": "SecretName"}
Run = Callable[[Sequence[str]], str]


def prune(options: argparse.Namespace, printer: Printer) -> int:
    """Prints a command for each; what a service uses is not among them."""
    name = load(given(options)).name
    configs, secrets = orphans(name, docker)
    for kind, names in (("config", configs), ("secret", secrets)):
        for one in names:
            printer.raw("" if printer.json else f"docker {kind} rm {one}")
    if not configs and not secrets:
        printer.line("prune", f"every config and secret of {name} is in use")
    printer.document({"ok": True, "configs": configs, "secrets": secrets})
    return 0


def orphans(stack: str, run: Run) -> tuple[list[str], list[str]]:
    """Names of configs and of secrets, sorted."""
    services = run(("service", "ls", "-q", "--filter", f"{OF_STACK}={stack}")).split()
    used = _used(run(("service", "inspect", *services))) if services else set()
    listed = ("ls", "--format", "{{.Name}}", "--filter")
    configs = run(("config", *listed, f"{OF_STACK}={stack}")).split()
    secrets = run(("secret", *listed, f"label={NAMESPACE}.stack={stack}")).split()
    return sorted(set(configs) - used), sorted(set(secrets) - used)


def _used(text: str) -> set[str]:
    """What the services have now; what they could go back to counts for nothing."""
    found: Any = json.loads(text)
    held = [one["Spec"]["TaskTemplate"]["ContainerSpec"] for one in found]
    return {
        ref[key] for spec in held for kind, key in HELD.items() for ref in spec.get(kind.capitalize()) or ()
    }


def docker(words: Sequence[str]) -> str:
    """What ``docker`` prints; ``EngineUnavailable`` with its own words where it cannot."""
    try:
        ran = subprocess.run(
            ("docker", *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except FileNotFoundError as error:
        raise StackError(
            "there is no docker command here", hint="run this where docker stack deploy runs"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EngineUnavailable(f"docker {words[0]} {words[1]} did not end within {SECONDS} s") from error
    if ran.returncode != 0:
        said = printable(" ".join(ran.stderr.split())).rstrip(".") or f"it ended with {ran.returncode}"
        raise EngineUnavailable(
            f"docker {words[0]} {words[1]}: {said}", hint="DOCKER_HOST names a manager of the Swarm"
        )
    return ran.stdout

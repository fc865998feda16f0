"""A process to be killed: it dispatches tools with an audit, and prints each call once its result is there.

Arguments: the folder, how it ends ("killed": by its parent; or a step before which it kills itself), and whether
the store is down at times.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from stack.app.gates.policy import ToolsPolicy
from stack.app.tools.audit import AuditSink
from stack.app.tools.builtin import HASH
from stack.app.tools.registry import ToolRegistry
from tests.unit.app.memory.memory_doubles import FlakyStore

WORKERS = 3
CALLS = 20_000


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit


def work(tools: ToolRegistry, worker: int, output: int) -> None:
    for number in range(CALLS):
        done = tools.dispatch("hash", {"data": str(number)}, f"worker-{worker}", str(number))
        os.write(output, f"{worker} {number} {done.call_id}\n".encode())


def main() -> None:
    folder, ending, flaky = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "flaky"
    store = FlakyStore(folder / "p.db")
    sink = AuditSink(store, folder / "audit")
    if ending == "between commit and acknowledgement":
        setattr(sink._journal, "acknowledge", die)  # noqa: B010 - the step itself becomes the killer
    sink.start()
    tools = ToolRegistry((HASH,), ToolsPolicy(), sink)
    for worker in range(WORKERS):
        threading.Thread(target=work, args=(tools, worker, sys.stdout.fileno())).start()
    pause = threading.Event()
    while flaky:
        pause.wait(0.05)
        store.down = not store.down


if __name__ == "__main__":
    main()

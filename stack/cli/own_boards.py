"""The dashboards that are there, the user's own and the shipped ones, and how what became of one is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import Struct, field, to_builtins

from stack.boards.board import Board, slug
from stack.boards.model import panels
from stack.checks.own_boards import Judgement
from stack.cli.main import usage
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.common.errors import ConfigurationInvalid
from stack.components.addresses import address
from stack.components.build import BOARDS
from stack.components.places import OWN
from stack.config.tree import read_native
from stack.dashboards.queries import WITHOUT_QUERY

FOLDER = f"{OWN}{BOARDS}/"


class Kept(Struct, frozen=True):
    """A dashboard's file by its path; ``fault``: why it is none."""

    path: str
    model: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def own(self) -> bool:
        """Whether it is the user's."""
        return self.path.startswith(OWN)

    @property
    def uid(self) -> str:
        """By which Grafana knows it."""
        return str(self.model.get("uid") or "")

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.model.get("title") or "")

    @property
    def panels(self) -> int:
        """How many panels show something."""
        return sum(one.get("type") not in WITHOUT_QUERY for one in panels(self.model))

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.rpartition("/")[2].removesuffix(".json")

    def has_tag(self, tag: str) -> bool:
        """Whether it bears a tag."""
        tags = self.model.get("tags")
        return bool(tag) and isinstance(tags, list) and tag in tags

    def document(self) -> dict[str, Any]:
        """As JSON."""
        fault = {"fault": self.fault} if self.fault else {}
        return {"uid": self.uid, "title": self.title, "panels": self.panels, "file": self.path, **fault}


def kept_boards(config: Path, home: Path) -> tuple[Kept, ...]:
    """All dashboards' files, the shipped ones first."""
    tree = read_native(config, home).tree
    found = (path for path in sorted(tree) if path.endswith(".json"))
    shipped = [_kept(path, tree[path]) for path in found if path.startswith(f"{BOARDS}/")]
    own = [
        _kept(path, tree[path]) for path in sorted(tree) if path.startswith(FOLDER) and path.endswith(".json")
    ]
    return (*shipped, *own)


def _kept(path: str, content: bytes) -> Kept:
    try:
        model = json.loads(content)
    except (ValueError, RecursionError) as error:
        return Kept(path, fault=f"no JSON: {error}")
    return Kept(path, model) if isinstance(model, dict) else Kept(path, fault="no dashboard")


def find(boards: Sequence[Kept], name: str) -> Kept:
    """The dashboard of this uid, path or title; a usage error names those that there are."""
    for attribute in ("uid", "path", "title", "name"):
        found = [one for one in boards if getattr(one, attribute) == name]
        if found:
            return found[-1]
    own = [one.uid or one.path for one in boards if one.own]
    raise usage(f"no dashboard is called {name}; there is {', '.join(own) or f'none below {FOLDER}'}")


def refuse_taken(board: Board, boards: Iterable[Kept], *, replace: bool, tag: str = "") -> str:
    """The path of the dashboard's file; ``ConfigurationInvalid`` where its uid or title is another's.

    ``replace``: one of the user's own of the same uid is replaced, and so is one that bears ``tag``.
    """
    listed = list(boards)
    path = f"{FOLDER}{slug(board.title)}.json"
    if any(one.path == path and one.uid != board.uid for one in listed):
        path = f"{FOLDER}{board.uid}.json"
    for one in listed:
        if one.uid == board.uid:
            if one.own and (replace or one.has_tag(tag)):
                path = one.path
                continue
            ways = "--replace replaces it, " if one.own else ""
            raise ConfigurationInvalid(
                f"uid {board.uid} is that of {one.path}", hint=f"{ways}--uid NAME gives it another"
            )
        if one.title == board.title:
            raise ConfigurationInvalid(
                f"title {board.title!r} is that of {one.path}", hint="--title TEXT gives it another"
            )
    return path


def tell(printer: Printer, judgement: Judgement, before: str = "") -> None:
    """One line for all panels, and one for each that somebody would look at."""
    printer.line("panels", before + judgement.summary, "" if not judgement.of("wrong") else "degraded")
    for line in judgement.lines():
        printer.line("", line)


def board_document(judgement: Judgement) -> dict[str, Any]:
    """A judgement as JSON."""
    counts = {kind: len(judgement.of(kind)) for kind in ("data", "empty", "wrong", "skipped")}
    return {"uid": judgement.uid, "title": judgement.title, "counts": counts} | {
        "panels": [to_builtins(one) for one in judgement.panels],
        "remarks": list(judgement.remarks),
    }


def address_of(session: Session, uid: str) -> str:
    """Where a browser finds the dashboard: in Grafana, else on the quick-look page."""
    observed = session.engine.observe(session.name)
    settings = session.placed(observed)
    if any(c.component == "grafana" and c.running for c in observed.containers):
        return f"{address(settings, 'grafana').url}/d/{uid}"
    return f"{address(settings, 'prometheus').url}/user/#{quote(uid, safe='')}"

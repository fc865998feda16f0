"""The types of the proof: what is expected, what a check found, and the report of all.

Values only; a finding without evidence cannot be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stack.common.wait import NotYet

Stage = Literal["ready", "checked", "proven"]
STAGES: tuple[Stage, ...] = ("ready", "checked", "proven")
Status = Literal["ok", "failed"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as its file gives it. ``kind`` as Prometheus names it."""

    group: str
    name: str
    kind: Literal["alerting", "recording"]
    expr: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard file: its uid and text."""

    uid: str
    text: str


@dataclass(frozen=True, slots=True)
class DataSource:
    """One data source as provisioned; ``read_only`` unless its file says editable."""

    uid: str
    name: str
    type: str
    url: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Expected:
    """All that the checks need to know; it travels as JSON to a container inside a remote stack.

    ``addresses``: component > base URL. ``jobs``: scrape job > number of targets.
    ``digest``: what the digest rule must carry, empty where the files have none.
    ``absent``: wanted components that cannot run here, with the reason.
    ``probe_default_login``: whether admin/admin may be tried now (five wrong tries lock the name).
    ``scrape_interval`` is in seconds. ``makes_load``: whether the application calls itself; without calls a ratio
    or quantile is honestly NaN. ``ready_paths``: component > path that answers 200 when
    it is ready. ``database``: whether the application keeps its packets in a server of the stack.
    ``age``: seconds since its youngest container started; 0 while it is being started.
    """

    stack: str
    addresses: tuple[tuple[str, str], ...]
    absent: tuple[tuple[str, str], ...] = ()
    jobs: tuple[tuple[str, int], ...] = ()
    digest: str = ""
    rules: tuple[Rule, ...] = ()
    alertmanager_config: str = ""
    dashboards: tuple[Dashboard, ...] = ()
    data_sources: tuple[DataSource, ...] = ()
    grafana_user: str = "admin"
    grafana_password: str = ""
    probe_default_login: bool = True
    app_token: str = ""
    scrape_interval: float = 5.0
    makes_load: bool = True
    database: bool = False
    ready_paths: tuple[tuple[str, str], ...] = ()
    age: float = 0.0

    def address(self, component: str) -> str:
        """The component's base URL; KeyError where it does not run."""
        return dict(self.addresses)[component]

    def has(self, component: str) -> bool:
        """Whether the component is part of this stack."""
        return component in dict(self.addresses)


class Broken(Exception):
    """Raised by a check whose answer will not get better by waiting; see ``NotYet`` for ``hint`` and ``about``."""

    def __init__(self, message: str, hint: str = "", about: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.about = about


class Pending(NotYet):
    """Not true yet, but it becomes so by itself, as a target does that is scraped soon: worth the whole deadline."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a check has seen, with remarks that are no failures, such as an empty panel of the user's own."""

    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: evidence either way, and a hint where it failed. ``seconds`` it took.

    ``final``: it failed, and waiting would not have helped. ``because``: the check whose failure this one follows from.
    ``about``: components at fault, as far as the check could tell. ``warnings``: what is remarkable and no failure.
    """

    check: str
    component: str
    stage: Stage
    status: Status
    evidence: str
    hint: str = ""
    seconds: float = 0.0
    final: bool = False
    because: str = ""
    about: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"{self.check}: a finding needs evidence")


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one run; ``ok`` only where there are some and none failed."""

    findings: tuple[Finding, ...]
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Positive evidence throughout."""
        return bool(self.findings) and not self.failed

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that failed."""
        return tuple(f for f in self.findings if f.status == "failed")

    @property
    def causes(self) -> tuple[Finding, ...]:
        """The findings that failed by themselves, not as a consequence of another one."""
        return tuple(f for f in self.failed if not f.because)

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that is remarkable and no failure."""
        return tuple(warning for finding in self.findings for warning in finding.warnings)

"""The types of the proof: what is expected, what a check found, and the report of all.

Values only; a finding without evidence cannot be made.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stack.common.durations import seconds
from stack.common.wait import NotYet
from stack.model.spec import HOST_JOBS

Stage = Literal["ready", "checked", "proven"]
STAGES: tuple[Stage, ...] = ("ready", "checked", "proven")
Status = Literal["ok", "failed"]


Pairs = tuple[tuple[str, str], ...]
USUAL_INTERVAL = "5s"
"""The scrape interval of the shipped files."""
OF_PROMETHEUS = "prometheus/"
"""The folder of Prometheus' files in the tree that people edit."""


class Rule(Struct, frozen=True):
    """One rule as its file gives it. ``kind`` as Prometheus names it; durations and ``interval`` are in seconds.

    ``file`` is relative to Prometheus' configuration, ``line`` in it (0: unknown). ``labels`` hold those of its group.
    ``interval`` and ``limit`` are its group's. ``own``: the user's, so that emptiness can be right.
    ``unchecked``: selectors and labels that its file asks not to look for, as (selector, label); either may be empty.
    ``left``: what else of pint's checks it asks to leave. ``origin``: the file by the path that people know, where it
    is another.
    """

    group: str
    name: str
    kind: Literal["alerting", "recording"]
    expr: str
    file: str = ""
    line: int = 0
    duration: float = 0.0
    keep_firing_for: float = 0.0
    labels: Pairs = ()
    annotations: Pairs = ()
    interval: float = 60.0
    limit: int = 0
    own: bool = False
    unchecked: Pairs = ()
    left: tuple[str, ...] = ()
    origin: str = ""

    @property
    def known_file(self) -> str:
        """Its file, for a person."""
        return _place(self.file, 0, self.origin)

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return f"{_place(self.file, self.line, self.origin)} {self.group}/{self.name}".strip()


class Job(Struct, frozen=True):
    """One scrape job as its file gives it, with Prometheus' defaults; ``interval`` and ``timeout`` are in seconds.

    ``file`` is relative to Prometheus' configuration, ``line`` in it (0: unknown). ``component`` is the one that it
    scrapes, empty for a job of the user's. ``addresses`` are those written down; ``discovered``: others come from
    service discovery, ``by`` these kinds of it, such as ``file``. ``chosen``: its relabelling may leave some out.
    ``renamed``: its series may bear another job and instance than its targets.
    ``files``: what it reads at work, such as a CA.
    ``reserved``: labels beginning with two underscores that its targets are given, each in place of a field.
    ``network``: one of others on which its targets live, so that Prometheus joins it.
    ``listed``: addresses in the files that its discovery watches.
    ``origin``: the file by the path that people know, where it is another.
    """

    name: str
    file: str = ""
    line: int = 0
    component: str = ""
    interval: float = 60.0
    timeout: float = 10.0
    path: str = "/metrics"
    scheme: str = "http"
    params: Pairs = ()
    addresses: tuple[str, ...] = ()
    discovered: bool = False
    by: tuple[str, ...] = ()
    chosen: bool = False
    renamed: bool = False
    files: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    network: str = ""
    origin: str = ""
    listed: tuple[str, ...] = ()

    def about(self, component: str) -> bool:
        """Whether it scrapes the component, here or on a further host."""
        return self.component == component or (self.file == HOST_JOBS and f"-{component}-" in self.name)

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return _place(self.file, self.line, self.origin)


def _place(file: str, line: int, origin: str) -> str:
    told = origin or (f"{OF_PROMETHEUS}{file}" if file else "")
    return f"{told}:{line}" if file and line else told


class Dashboard(Struct, frozen=True):
    """One dashboard file: its uid and text. ``own``: the user's own or about her servers, so panels may be empty."""

    uid: str
    text: str
    own: bool = False


class DataSource(Struct, frozen=True):
    """One data source as provisioned; ``read_only`` unless its file says editable.

    ``interval``: the scrape interval that it is told, as it is written; empty where it is not.
    """

    uid: str
    name: str
    type: str
    url: str
    read_only: bool = True
    interval: str = ""


class Entry(Struct, frozen=True):
    """One product behind the gateway: its address for people; ``login``: the gateway asks for one before it."""

    component: str
    url: str
    login: bool


class Door(Struct, frozen=True):
    """The gateway as a user meets it.

    ``place``: HOST:PORT where it is reached. ``user`` and ``password`` are the login of the checks. ``authority`` says
    who vouches for it: ``local``, whose root is the file ``root`` in its container, ``files`` or ``acme``. ``roots``:
    what is trusted, PEM; empty where that is not known yet, or is what the machine trusts. ``digest``: of its
    configuration. ``inner``: where it tells that, inside its container. ``forward``: another login, asked in place of
    its users.
    """

    component: str
    place: str
    entries: tuple[Entry, ...]
    user: str = ""
    password: str = ""
    authority: str = "local"
    root: str = ""
    roots: str = ""
    digest: str = ""
    inner: str = ""
    forward: str = ""


class Expected(Struct, frozen=True):
    """All that the checks need to know; it travels as JSON to a container inside a remote stack.

    ``addresses``: component > base URL. ``digest``: what the digest rule must carry, empty where the files have none.
    ``prometheus_config``: its main file, variables replaced as it replaces them.
    ``public``: component > address for people, where settings name another than the published one.
    ``absent``: wanted components that cannot run here, with the reason.
    ``probe_default_login``: whether admin/admin may be tried now (five wrong tries lock the name).
    ``scrape_interval`` is the longest of all jobs, in seconds, ``shipped_interval`` of those about components.
    ``makes_load``: whether the application calls itself;
    without calls a ratio or quantile is honestly NaN. ``ready_paths``: component > path that answers 200 when it is
    ready. ``database``: whether the application keeps its packets in a server of the stack.
    ``templates``: path > text of Alertmanager's message templates.
    ``textfile``: whether node_exporter reads files that others write.
    ``door``: the gateway, where the stack has one.
    ``age``: seconds since its youngest container started; 0 while it is being started.
    ``proven``: Unix time of its last proof; 0 where there was none.
    """

    stack: str
    addresses: tuple[tuple[str, str], ...]
    absent: tuple[tuple[str, str], ...] = ()
    jobs: tuple[Job, ...] = ()
    digest: str = ""
    rules: tuple[Rule, ...] = ()
    prometheus_config: str = ""
    alertmanager_config: str = ""
    dashboards: tuple[Dashboard, ...] = ()
    data_sources: tuple[DataSource, ...] = ()
    grafana_user: str = "admin"
    grafana_password: str = ""
    probe_default_login: bool = True
    app_token: str = ""
    scrape_interval: float = 5.0
    shipped_interval: float = 5.0
    makes_load: bool = True
    database: bool = False
    ready_paths: tuple[tuple[str, str], ...] = ()
    age: float = 0.0
    proven: float = 0.0
    templates: tuple[tuple[str, str], ...] = ()
    textfile: bool = False
    public: tuple[tuple[str, str], ...] = ()
    door: Door | None = None

    @property
    def panel_interval(self) -> float:
        """Seconds of one scrape as the panels of the stack's Prometheus are asked for; at least a second."""
        told = next((s.interval for s in self.data_sources if s.type == "prometheus"), "")
        try:
            return max(1.0, seconds(told or USUAL_INTERVAL))
        except ValueError:  # a variable, which Grafana alone knows
            return seconds(USUAL_INTERVAL)

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


class Evidence(Struct, frozen=True):
    """What a check has seen, with remarks that are no failures, such as an empty panel of the user's own."""

    text: str
    warnings: tuple[str, ...] = ()


class Finding(Struct, frozen=True):
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


class Report(Struct, frozen=True):
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
        """The findings that failed by themselves, not as a consequence of another one: first who does not answer."""
        return tuple(sorted((f for f in self.failed if not f.because), key=lambda f: f.stage != "ready"))

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that is remarkable and no failure."""
        return tuple(warning for finding in self.findings for warning in finding.warnings)

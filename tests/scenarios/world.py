"""A stack on the in-memory engine: real settings, components, plans and steps; only the products are absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from stack.common.errors import NotReady
from stack.components import BY_NAME, assemble, load
from stack.components.build import Build, Image
from stack.components.grafana import PASSWORD as GRAFANA_PASSWORD
from stack.components.postgres import PASSWORD as POSTGRES_PASSWORD
from stack.config.secret import Secret
from stack.config.tree import read_tree
from stack.deploy.actions import Actions
from stack.deploy.converge import Converged, carry_out, decide
from stack.model.events import Event
from stack.model.plan import Plan
from stack.model.spec import ServiceSpec, StackSpec, container_name, destroyed, stopped
from tests.fakes.engine.memory import MemoryEngine

ROOT = Path(__file__).resolve().parents[2]
NAME = "monitoring"


@dataclass
class World:
    """One machine with one stack. ``refuses`` names components whose verification fails."""

    engine: MemoryEngine = field(default_factory=MemoryEngine)
    tree: dict[str, bytes] = field(default_factory=lambda: read_tree(ROOT))
    environ: dict[str, str] = field(default_factory=dict)
    absent: tuple[tuple[str, str], ...] = ()
    secrets: dict[str, Secret] = field(
        default_factory=lambda: dict.fromkeys((GRAFANA_PASSWORD, POSTGRES_PASSWORD), Secret("secret"))
    )
    refuses: set[str] = field(default_factory=set)
    reloaded: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        for component in BY_NAME:
            self.bring_image(component)

    def bring_image(self, component: str, seed: str = "") -> None:
        """An image of this component is there; another ``seed`` makes another image of the same name."""
        self.engine.hold(f"{component}:1", seed)

    def spec(self) -> StackSpec:
        """What should run now."""
        found = {name: self.engine.image(f"{name}:1") for name in BY_NAME}
        images = {name: Image(f"{name}:1", info.id) for name, info in found.items() if info}
        settings = load(environ=self.environ, project=ROOT)
        return assemble(Build(settings, images, self.tree, self.secrets, absent=self.absent))

    def plan(self) -> Plan:
        """What start would do."""
        return decide(self.spec(), self.engine)[1]

    def start(self) -> Converged:
        """Converges, as the command does."""
        return self.converge(self.spec())

    def stop(self) -> Converged:
        """Everything rests."""
        return self.converge(stopped(NAME))

    def destroy(self, *, data: bool = False) -> Converged:
        """Everything goes."""
        return self.converge(destroyed(NAME, data=data))

    def converge(self, spec: StackSpec) -> Converged:
        """Plan and steps of any description."""
        observed, plan = decide(spec, self.engine)
        actions = Actions(
            self.engine, spec, self._verify, lambda service: self.reloaded.append(service.component)
        )
        return carry_out(observed, plan, actions, self.events.append)

    def edit(self, path: str, change: Callable[[bytes], bytes]) -> None:
        """A user edits a file."""
        self.tree[path] = change(self.tree[path])

    def state(self, component: str) -> str:
        """The state of a component's container; empty where there is none."""
        found = self.engine.observe(NAME).container(component)
        return found.state if found else ""

    def in_use(self, component: str, path: str) -> bytes | None:
        """What a component reads at ``path`` below the version in use."""
        return self.engine.read_file(container_name(NAME, component), f"/etc/stack/current/{path}")

    def ids(self) -> dict[str, str]:
        """Container ids by component."""
        return {c.component: c.id for c in self.engine.observe(NAME).containers}

    def _verify(self, service: ServiceSpec) -> None:
        if service.component in self.refuses:
            raise NotReady(f"{service.component} does not like its files")


def without_grafana(world: World) -> World:
    """The same machine where no image of Grafana can be had."""
    return replace(world, absent=(("grafana", "no image"),))

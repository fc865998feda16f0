"""A component's configuration volume as the stack's own steps fill it, copied to a folder for a process to read."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from stack.deploy.actions import Actions
from stack.deploy.reconcile import reconcile
from stack.model.observed import Applied
from stack.model.plan import Verb
from stack.model.spec import CONFIG_ROOT, Mount, ServiceSpec, StackSpec, config_volume
from tests.fakes.engine.memory import MemoryEngine

NAME = "s"


class ConfigOnDisk:
    """The volume of one component below ``folder``; paths in files that begin with CONFIG_ROOT lead there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = MemoryEngine()
        self.image = self.engine.hold("i:1")

    def apply(self, service: ServiceSpec) -> ServiceSpec:
        """Plans and does what start and reload do, and returns the service as it was described to the engine."""
        mount = Mount("volume", config_volume(NAME, service.component), CONFIG_ROOT)
        made = replace(service, image="i:1", image_id=self.image, mounts=(mount,))
        spec = StackSpec(NAME, (made,))
        hands = self._hands(spec)
        for step in reconcile(spec, self.engine.observe(NAME)).steps:
            hands(step)
            if step.verb is Verb.WRITE:
                self._copy(made)
        return made

    def go_back(self, to: ServiceSpec, from_: ServiceSpec) -> None:
        """What happens where files were refused: those of ``to`` are in use again."""
        version = to.files_digest()
        self._hands(StackSpec(NAME, (from_,))).go_back(from_, Applied(version, version))
        self._copy(from_)

    def _hands(self, spec: StackSpec) -> Actions:
        return Actions(self.engine, spec, lambda service: None, lambda service: None)

    def _copy(self, service: ServiceSpec) -> None:
        volume = self.engine.volumes[config_volume(NAME, service.component)]
        here = f"{self.folder}/".encode()
        for path, content in volume.contents().items():
            self._place(path).write_bytes(content.replace(f"{CONFIG_ROOT}/".encode(), here))
        for path, target in volume.links.items():
            link = self._place(path)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        for found in self.folder.rglob("*"):
            if found.is_symlink() and found.relative_to(self.folder).as_posix() not in volume.links:
                found.unlink()

    def _place(self, path: str) -> Path:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

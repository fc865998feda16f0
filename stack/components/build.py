"""What a component is built from: settings, resolved images, the native files, secrets. Values and small helpers.

Pure: the files were read before; nothing here opens, writes or asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from msgspec import Struct, field

from stack.components.addresses import Address, address, published
from stack.components.places import OWN, OWN_MARK, Place
from stack.config.secret import Secret
from stack.config.settings import Settings
from stack.model.left_out import LeftOut
from stack.model.outer import MACHINE
from stack.model.spec import CONFIG_ROOT, ConfigFile, Mount, config_volume, data_volume

MIB = 1024 * 1024
BOARDS = "grafana/dashboards"
OPTIONAL_BOARDS = "grafana/optional"
"""Dashboards about what runs where it is needed: docker-compose.yml mounts the folders as they are."""
BOARDS_PLACE = Place("dashboards/", (".json",))
HOST_GATEWAY = ((MACHINE, "host-gateway"),)
"""The engine's own machine by a name, for services that run there outside any container (engine 20.10 and later)."""
SCRATCH = Mount("tmpfs", "", "/tmp", read_only=False, size=64 * MIB)  # noqa: S108 - inside the container


class Image(Struct, frozen=True):
    """A resolved image: its reference and the engine's id for it."""

    ref: str
    id: str


class Build(Struct, frozen=True, dict=True):
    """All inputs. ``tree``: path below the configuration root > content.

    ``absent``: wanted components that cannot run, with the reason. ``left_out``: native files that cannot be read.
    ``only``: the one containers of those components that can have several; None: all that are asked for.
    """

    settings: Settings
    images: Mapping[str, Image]
    tree: Mapping[str, bytes] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    absent: tuple[tuple[str, str], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    only: frozenset[str] | None = None

    @cached_property
    def present(self) -> tuple[str, ...]:
        """Components that will run."""
        missing = dict(self.absent)
        return tuple(name for name in self.settings.components if name not in missing)

    def below(self, folder: str) -> dict[str, bytes]:
        """Files of one folder of the tree by their path inside it."""
        return {
            path.removeprefix(folder): text for path, text in self.tree.items() if path.startswith(folder)
        }

    def url(self, component: str) -> str:
        """Where the component itself is published."""
        return url_of(self.settings, component)

    def address(self, component: str) -> Address:
        """Where people find the component, and what it is told of that."""
        return address(self.settings, component)

    def public_url(self, component: str) -> str:
        """The component's address in links that others follow."""
        return self.address(component).url

    def config_mount(self, component: str) -> Mount:
        """Where the component finds its files, read-only."""
        return Mount("volume", config_volume(self.settings.name, component), CONFIG_ROOT)

    def data_mount(self, component: str, target: str) -> Mount:
        """Where the component keeps its data."""
        return Mount("volume", data_volume(self.settings.name, component), target, read_only=False)

    def secret_file(self, name: str, uid: int) -> tuple[ConfigFile, ...]:
        """The secret as a file that ``uid`` alone can read; none where this stack has no such secret."""
        secret = self.secrets.get(name)
        return () if secret is None else (private_file(name, secret.reveal(), uid),)

    def gathered(self, component: str, place: Place) -> tuple[ConfigFile, ...]:
        """The files of one of the component's folders, shipped and own, at any depth, under names for the product."""
        found = []
        for top, mark in (("", ""), (OWN, OWN_MARK)):
            folder = f"{top}{component}/{place.folder}"
            for path, content in self.below(folder).items():
                if path.endswith(place.suffixes):
                    found.append(ConfigFile(place.rendered(path, mark), content, origin=folder + path))
        return tuple(found)

    def about_absent(self, origin: str) -> str:
        """The component that a scrape or rule file, or dashboard, is about, if it will not run; else empty.

        What is the user's own is about a component that it needs, whatever its name.
        """
        if origin.startswith(OWN):
            return self._needed_by(origin)
        folder, _, name = origin.rpartition("/")
        if folder in (BOARDS, OPTIONAL_BOARDS):
            units = self.settings.table.units
            owner = next((u.name for u in units if name.removesuffix(".json") in u.dashboards), "")
        else:
            known = sorted(self.settings.table.names, key=len, reverse=True)
            owner = next((one for one in known if belongs(name, one)), "")
        return owner if owner and owner not in self.present else ""

    def _needed_by(self, origin: str) -> str:
        """The component that will not run although this one file needs it."""
        alone = {origin: self.tree[origin]}
        units = (u for u in self.settings.table.units if u.name not in self.present)
        return next((u.name for u in units if u.needed(alone)), "")

    def concerning(self, files: Iterable[ConfigFile]) -> tuple[ConfigFile, ...]:
        """Those that are about no absent component."""
        return tuple(file for file in files if not self.about_absent(file.origin))

    def dashboards(self) -> tuple[ConfigFile, ...]:
        """The dashboards, shipped and own, without those about a component that will not run."""
        shipped = (
            ConfigFile(f"dashboards/{name}", text, origin=f"{folder}/{name}")
            for folder in (BOARDS, OPTIONAL_BOARDS)
            for name, text in self.below(f"{folder}/").items()
            if name.endswith(".json")
        )
        own = (f for f in self.gathered("grafana", BOARDS_PLACE) if f.origin.startswith(OWN))
        return self.concerning((*shipped, *own))


def url_of(settings: Settings, component: str) -> str:
    """Where a published component itself is asked."""
    return published(settings, component).url


def belongs(file_name: str, component: str) -> bool:
    """Whether a scrape or rule file is about ``component``: its name begins with it (``app-slo.yml``)."""
    stem = file_name.rpartition(".")[0]
    return stem == component or stem.startswith(component + "-")


def config_files(contents: Mapping[str, bytes], origin: str = "") -> tuple[ConfigFile, ...]:
    """Plain world-readable files by path; ``origin`` is the folder that they come from, empty where it is none."""
    return tuple(
        ConfigFile(path, content, origin=origin and origin + path)
        for path, content in sorted(contents.items())
    )


def private_file(name: str, text: str, uid: int) -> ConfigFile:
    """A secret in a file that ``uid`` alone can read."""
    return ConfigFile(f"secrets/{name}", text.encode(), mode=0o400, uid=uid, secret=True)


def wget(port: int, path: str) -> tuple[str, ...]:
    """A health check that official images and local builds both can run (busybox)."""
    return ("CMD", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{port}{path}")

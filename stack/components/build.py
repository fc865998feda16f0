"""What a component is built from: settings, resolved images, the native files, secrets. Values and small helpers.

Pure: the files were read before; nothing here opens, writes or asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stack.config.secret import Secret
from stack.config.settings import Settings
from stack.model.spec import CONFIG_ROOT, ConfigFile, Mount, config_volume, data_volume

MIB = 1024 * 1024
SCRATCH = Mount("tmpfs", "", "/tmp", read_only=False, size=64 * MIB)  # noqa: S108 - inside the container


@dataclass(frozen=True, slots=True)
class Image:
    """A resolved image: its reference and the engine's id for it."""

    ref: str
    id: str


@dataclass(frozen=True, slots=True)
class Build:
    """All inputs. ``tree``: path below the configuration root > content.

    ``absent``: wanted components that cannot run, with the reason.
    """

    settings: Settings
    images: Mapping[str, Image]
    tree: Mapping[str, bytes] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    plotly: bytes = b""
    absent: tuple[tuple[str, str], ...] = ()

    @property
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
        """Where a user's browser finds the component."""
        return url_of(self.settings, component)

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

    def about(self, contents: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
        """Scrape or rule files below ``folder`` about what will run; one about no known component is the user's."""
        known = sorted(self.settings.table.names, key=len, reverse=True)
        kept = {}
        for path, content in contents.items():
            if not path.startswith(folder) or not path.endswith(".yml"):
                continue
            owner = next((name for name in known if belongs(path, name)), None)
            if owner is None or owner in self.present:
                kept[path] = content
        return kept

    def dashboards(self) -> dict[str, bytes]:
        """The dashboards' files by name, without those about a component that will not run."""
        units = self.settings.table.units
        gone = {f"{uid}.json" for u in units if u.name not in self.present for uid in u.dashboards}
        found = self.below("grafana/dashboards/")
        return {name: text for name, text in found.items() if name not in gone}


def url_of(settings: Settings, component: str) -> str:
    """Where a user's browser finds a published component."""
    host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind  # noqa: S104 - compared, never bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port(component)}"


def belongs(file_name: str, component: str) -> bool:
    """Whether a scrape or rule file is about ``component``: its name begins with it (``app-slo.yml``)."""
    stem = file_name.rsplit("/", 1)[-1].removesuffix(".yml")
    return stem == component or stem.startswith(component + "-")


def config_files(contents: Mapping[str, bytes]) -> tuple[ConfigFile, ...]:
    """Plain world-readable files by path."""
    return tuple(ConfigFile(path, content) for path, content in sorted(contents.items()))


def private_file(name: str, text: str, uid: int) -> ConfigFile:
    """A secret in a file that ``uid`` alone can read."""
    return ConfigFile(f"secrets/{name}", text.encode(), mode=0o400, uid=uid, secret=True)


def wget(port: int, path: str) -> tuple[str, ...]:
    """A health check that official images and local builds both can run (busybox)."""
    return ("CMD", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{port}{path}")

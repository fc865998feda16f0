"""What lies in the configuration volumes of running containers against what was written there.

Two ways of looking. Sizes, permissions and times of change are asked at every start: they cost the engine 1.4 ms each,
and all files of a version were written with one time of change. Where they do not agree, and where somebody asks for
it, all is read and compared to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from stack.deploy.links import versioned
from stack.engine.interface import Engine
from stack.model.found import FOLDER_MODE, FileFound, FileStat
from stack.model.observed import Observed, ObservedContainer
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, ServiceSpec, StackSpec, container_name

OTHERS_READ = 0o004
LOOKED_AT = 16
"""So many unversioned files of a component are looked at one by one; of more only secrets."""


class Drift(Struct, frozen=True):
    """One thing in a component's configuration volume that is not as it was written."""

    component: str
    path: str
    what: str


def examined(engine: Engine, spec: StackSpec, observed: Observed, *, thorough: bool = False) -> Observed:
    """The observation with what was changed in the volumes of containers that run the described version."""
    due = [
        (service, found)
        for service in spec.services
        if (found := observed.container(service.component)) and _as_described(service, found)
    ]
    if not due:
        return observed
    with ThreadPoolExecutor(len(due)) as pool:
        seen = list(pool.map(lambda pair: _sentences(engine, *pair, thorough=thorough), due))
    drifted = {found.id: told for (_, found), told in zip(due, seen, strict=True) if told}
    if not drifted:
        return observed
    containers = tuple(replace(c, drift=drifted.get(c.id, ())) for c in observed.containers)
    return replace(observed, containers=containers)


def drift(engine: Engine, spec: StackSpec) -> tuple[Drift, ...]:
    """All that was changed in the volumes of the stack, read and compared to the byte. Its containers must be there."""
    due = [service for service in spec.services if service.files_digest()]
    with ThreadPoolExecutor(max(1, len(due))) as pool:
        told = pool.map(lambda s: tuple(_read(engine, s, container_name(spec.name, s.component))), due)
    return tuple(one for found in told for one in found)


def _as_described(service: ServiceSpec, found: ObservedContainer) -> bool:
    """Else the files are written anyway. A process that has ended by itself may have ended because of them."""
    ended = found.state == "restarting" or (found.state == "exited" and found.exit_code != 0)
    return (
        (found.running or ended)
        and bool(service.files_digest())
        and found.applied.digest == service.files_digest()
    )


def _sentences(
    engine: Engine, service: ServiceSpec, found: ObservedContainer, *, thorough: bool
) -> tuple[str, ...]:
    if not thorough and not _suspicious(engine, service, found.id):
        return ()
    return tuple(f"{one.path} {one.what}" for one in _read(engine, service, found.id))


def _suspicious(engine: Engine, service: ServiceSpec, container: str) -> bool:
    """Whether a look from outside tells that something may have been changed."""
    links = _links(service)
    groups = [_with_folders(versioned(service)), _with_folders(_few(service))]
    paths = (*(path for group in groups for path in group), *links)
    root, *told = engine.stat(container, (CONFIG_ROOT, *(f"{CONFIG_ROOT}/{path}" for path in paths)))
    seen = dict(zip(paths, told, strict=True))
    return (
        not _fits(root, None)
        or any(len({_changed(seen[path]) for path in group}) > 1 for group in groups)
        or any(not _fits(seen[path], file) for group in groups for path, file in group.items())
        or any(not _leads(seen[path], target) for path, target in links.items())
        or _taken(engine, service, container)
    )


def _taken(engine: Engine, service: ServiceSpec, container: str) -> bool:
    """Whether a file that only its owner may read has another owner, which only reading its folder tells."""
    closed = [file for file in (*versioned(service), *service.assets) if not file.mode & OTHERS_READ]
    folders = {str(PurePosixPath(file.path).parent) for file in closed}
    there = {
        str(PurePosixPath(folder, path)): found
        for folder in folders
        for path, found in engine.read_folder(container, str(PurePosixPath(CONFIG_ROOT, folder))).items()
    }
    return any(_otherwise(there.get(file.path), file) for file in closed)


def _with_folders(files: Iterable[ConfigFile]) -> dict[str, ConfigFile | None]:
    """Files by path, and the folders that they are in: all that is written with one time of change."""
    files = tuple(files)
    return {**dict.fromkeys(sorted(_folders(files))), **{file.path: file for file in files}}


def _folders(files: Iterable[ConfigFile]) -> set[str]:
    return {str(up) for file in files for up in PurePosixPath(file.path).parents} - {"."}


def _few(service: ServiceSpec) -> tuple[ConfigFile, ...]:
    """Unversioned files that are looked at one by one; of a folder of exactly these one, which tells of the folder."""
    if len(service.assets) <= LOOKED_AT:
        return service.assets
    first = {next((f.path for f in service.assets if f.path.startswith(f"{e}/")), "") for e in service.exact}
    return tuple(f for f in service.assets if f.secret or f.path in first)


def _changed(seen: FileStat | None) -> str:
    return seen.changed if seen else ""


def _links(service: ServiceSpec) -> dict[str, str]:
    return service.linked.placed() if service.linked else {}


def _fits(seen: FileStat | None, file: ConfigFile | None) -> bool:
    """Whether it looks like the file; without one like a folder of ours."""
    if seen is None or file is None:
        return seen is not None and (seen.kind, seen.mode) == ("folder", FOLDER_MODE)
    return (seen.kind, seen.mode, seen.size) == ("file", file.mode, len(file.content))


def _leads(seen: FileStat | None, target: str) -> bool:
    """An engine tells where a link leads from the root; ours lead through the version in use."""
    wanted = target.removeprefix("../" * target.count("../")).removeprefix(f"{CURRENT}/")
    return seen is not None and seen.kind == "link" and seen.target.endswith(f"/{wanted}")


def _read(engine: Engine, service: ServiceSpec, container: str) -> Iterator[Drift]:
    """All that differs, to the byte."""
    there = engine.read_folder(container, CONFIG_ROOT)
    version = service.files_digest()
    files = versioned(service)
    in_use = there.get(CURRENT)
    if in_use is None or in_use.target.rpartition("/")[2] != version:
        yield Drift(service.component, CURRENT, f"names another version than {version[:12]}")
    (at_top,) = engine.stat(container, (CONFIG_ROOT,))
    if at_top is not None and at_top.mode != FOLDER_MODE:
        yield Drift(service.component, CONFIG_ROOT, _permissions(at_top.mode, FOLDER_MODE))
    for folder in sorted(_folders((*files, *service.assets))):
        if (found := there.get(folder)) and found.kind == "folder" and found.mode != FOLDER_MODE:
            what = _permissions(found.mode, FOLDER_MODE)
            yield Drift(service.component, _shown(folder, version), what)
    for file in (*files, *service.assets):
        if what := _otherwise(there.get(file.path), file):
            yield Drift(service.component, _shown(file.path, version), what)
    links = _links(service)
    for path, target in links.items():
        found = there.get(path)
        if found is None or found.target != target:
            yield Drift(service.component, path, "leads elsewhere" if found else "is missing")
    root = (service.linked.path,) if service.linked else ()
    known = {*links, *(f.path for f in (*files, *service.assets))}
    for path in _added(there, (version, *root, *service.exact), known):
        yield Drift(service.component, _shown(path, version), "was added")


def _otherwise(found: FileFound | None, file: ConfigFile) -> str:
    """How a file is not as it was written; nothing where it is."""
    if found is None:
        return "is missing"
    if found.kind != "file":
        return f"is a {found.kind}"
    if found.content != file.content:
        return "was changed"
    if found.mode != file.mode:
        return _permissions(found.mode, file.mode)
    foreign = found.uid not in (None, file.uid) and not file.mode & OTHERS_READ
    return f"belongs to user {found.uid} instead of {file.uid}" if foreign else ""


def _permissions(found: int, wanted: int) -> str:
    return f"has permissions {found:o} instead of {wanted:o}"


def _added(there: Mapping[str, FileFound], roots: Iterable[str], known: set[str]) -> list[str]:
    folders = {str(up) for path in known for up in PurePosixPath(path).parents}
    below = tuple(f"{root}/" for root in roots)
    return sorted(p for p in there if p.startswith(below) and p not in known and p not in folders)


def _shown(path: str, version: str) -> str:
    """A path as people know it: without the folder of the version."""
    return path.removeprefix(f"{version}/") if path != version else "the folder of the version in use"

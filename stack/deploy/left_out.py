"""Which native files no product gets, and why: every file that was read and went into no description.

Pure. What is used is known from the rendered files themselves, so nothing can be left out in silence.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from stack.common.errors import ConfigurationInvalid
from stack.components import COMPONENTS
from stack.components.alertmanager import MAINS, asks_for_receivers
from stack.components.build import OPTIONAL_BOARDS, Build
from stack.components.exporters.kinds import KINDS
from stack.components.exporters.server import FOLDER as EXPORTERS
from stack.components.exporters.server import SUFFIX, faults, servers
from stack.components.gateway_users import USERS
from stack.components.node_exporter import OWN_TEXTFILES, PROM, TEXTFILE
from stack.components.own_paths import (
    OWN_HOSTS,
    OWN_RECEIVERS,
    OWN_SECRETS,
    OWN_TARGETS,
    TARGET_SUFFIXES,
)
from stack.components.own_toml import Fault
from stack.components.places import OWN
from stack.components.prometheus import REMOTE_RULES
from stack.config.tree import RULE_TESTS
from stack.model.left_out import LeftOut
from stack.model.spec import ConfigFile

DOCUMENTS = (".md", ".rst", ".example", ".sample")
DOCUMENT_NAMES = ("README", "LICENSE", "CHANGELOG", "NOTICE")
EXAMPLE = ".example."


def left_out(build: Build, used: Iterable[ConfigFile]) -> tuple[LeftOut, ...]:
    """What could not be read, then what nothing uses; ``used`` are the files of all components."""
    origins = {file.origin for file in used} | _named_by_settings(build) | _named_by_exporters(build)
    origins |= _named_by_receivers(build)
    wrong = {fault.path: fault for fault in (*_receivers(build), *_of_tables(build))}
    if any(path.startswith(OWN_HOSTS) for path in build.tree):
        from stack.components import hosts

        origins |= hosts.named(build.tree)
        wrong |= {fault.path: fault for fault in hosts.faults(build.tree)}
    unused = (_why(build, path) for path in sorted(build.tree.keys() - origins - wrong.keys()))
    refused = (LeftOut(fault.path, fault.why, fault.hint, "fault") for fault in wrong.values())
    return (*build.left_out, *refused, *unused)


def refuse_faults(found: Iterable[LeftOut]) -> None:
    """``ConfigurationInvalid`` with the first fault; how many more there are, and which."""
    faults = [one for one in found if one.weight == "fault"]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        others = tuple(str(fault) for fault in faults[1:9])
        raise ConfigurationInvalid(f"{faults[0]}{more}", hint=faults[0].hint, logs=others)


def _named_by_settings(build: Build) -> set[str]:
    """Secrets that a setting names."""
    settings = build.settings
    named = (
        settings.file(path) for path, value in settings.values.items() if path.endswith("_file") and value
    )
    return {Path(os.path.relpath(path, settings.home)).as_posix() for path in named if path}


def _named_by_exporters(build: Build) -> set[str]:
    """Files of servers that are watched, and their secrets."""
    watched = [s for k in KINDS if k.name in build.present for s in servers(build, k.form)]
    return {path for server in watched for path in (server.origin, server.secret_file) if path}


def _named_by_receivers(build: Build) -> set[str]:
    """Files of receivers that are told of alerts."""
    if not asks_for_receivers(build):
        return set()
    from stack.components.receivers import receivers

    return {receiver.origin for receiver in receivers(build)}


def _of_tables(build: Build) -> Iterator[Fault]:
    """What of the settings' tables cannot be used: addresses for samples, labels, variables of Grafana."""
    if build.settings.words("remote_write") or build.settings.words("external_labels"):
        from stack.components.remote_write import faults as remote_faults

        yield from remote_faults(build)
    if build.settings.words("grafana.env"):
        from stack.components.grafana_env import faults as variable_faults

        yield from variable_faults(build)
    if build.settings.front:
        from stack.components.gateway import faults as gateway_faults

        yield from gateway_faults(build)


def _receivers(build: Build) -> tuple[Fault, ...]:
    """Receivers that cannot be used."""
    if not asks_for_receivers(build):
        return ()
    from stack.components.receivers import faults as receiver_faults

    return receiver_faults(build)


def _why(build: Build, path: str) -> LeftOut:
    return next(_reasons(build, path))


def _reasons(build: Build, path: str) -> Iterator[LeftOut]:
    """The first that fits."""
    name = path.rpartition("/")[2]
    if path.startswith(OWN_SECRETS):
        yield LeftOut(path, "no configuration file names it", weight="quiet")
    if name.endswith(DOCUMENTS) or name.startswith(DOCUMENT_NAMES) or EXAMPLE in name:
        yield LeftOut(path, "a document or an example", weight="quiet")
    if path.startswith(OWN + RULE_TESTS):
        yield LeftOut(path, "a test of rules, for promtool", weight="quiet")
    if path == USERS:
        yield LeftOut(path, "the gateway is off", weight="quiet")
    yield from _main_file(build, path)
    yield from _of_textfile(build, path)
    if path.startswith(EXPORTERS):
        yield from _of_exporter(build, path)
    for flat in (OWN_RECEIVERS, OWN_HOSTS):
        if path.startswith(flat):
            if not path.endswith(SUFFIX):
                yield _other_suffix(path, (SUFFIX,))
            yield LeftOut(path, f"it lies in a folder below {flat}", "move it up")
    yield from _in_place(build, path)
    if path == f"prometheus/{REMOTE_RULES}":
        yield LeftOut(path, "stack.toml has no [remote_write.NAME]", weight="quiet")
    if path.startswith(OPTIONAL_BOARDS) and (about := build.about_absent(path)):
        yield _without(path, about)
    folder = path.rpartition("/")[0]
    hint = _instead(f"{folder}/") if path.startswith(OWN) else ""
    yield LeftOut(path, f"nothing reads a file in {folder}/", hint)


def _main_file(build: Build, path: str) -> Iterator[LeftOut]:
    read = next((main for main in MAINS if main in build.tree), "")
    if path in MAINS and path.startswith(OWN) != read.startswith(OWN):
        yield LeftOut(path, f"{read} takes its place", weight="quiet")
    elif path.removesuffix(".yaml") == read.removesuffix(".yml"):
        yield LeftOut(path, f"{read} is read instead", "keep one of the two")
    for main in MAINS:
        if path.startswith(f"{main}/"):
            yield LeftOut(path, f"{main} is a folder where a file should be", "move the file up")


def _of_textfile(build: Build, path: str) -> Iterator[LeftOut]:
    """Metrics that others write, which node_exporter reads where they lie."""
    folder = str(build.settings[TEXTFILE])
    if folder and path.startswith(f"{folder}/"):
        if not path.endswith(PROM):
            yield _other_suffix(path, (PROM,))
        yield LeftOut(path, "node_exporter reads it where it lies", weight="quiet")
    elif path.startswith(OWN_TEXTFILES):
        yield LeftOut(
            path, "no setting names its folder", f'[node_exporter] textfile = "{OWN_TEXTFILES[:-1]}"'
        )


def _of_exporter(build: Build, path: str) -> Iterator[LeftOut]:
    """A server's file: it cannot be used, its exporter does not run, or nobody knows such servers."""
    kind = next((k for k in KINDS if path.startswith(k.form.folder)), None)
    if kind is None:
        yield LeftOut(
            path, "no exporter is known for it", f"known are {', '.join(k.form.folder for k in KINDS)}"
        )
    elif fault := next((f for f in faults(build, kind.form) if f.path == path), None):
        yield LeftOut(path, fault.why, fault.hint, "fault")
    elif not path.endswith(SUFFIX):
        yield _other_suffix(path, (SUFFIX,))
    elif path.removeprefix(kind.form.folder).count("/"):
        yield LeftOut(path, f"it lies in a folder below {kind.form.folder}", "move it up")
    else:
        yield LeftOut(path, f"it is about {kind.name}, which does not run", weight="quiet")


def _in_place(build: Build, path: str) -> Iterator[LeftOut]:
    """A file in a folder that is read, by its ending or by what it is about."""
    if path.startswith(OWN_TARGETS):
        if path.endswith(TARGET_SUFFIXES):
            yield LeftOut(path, "no file_sd_configs of a scrape file names it", "name it there under files")
        yield _other_suffix(path, TARGET_SUFFIXES)
    for component in COMPONENTS:
        for place in component.places:
            inside = path.removeprefix(OWN).startswith(f"{component.name}/{place.folder}")
            if inside and not path.endswith(place.suffixes):
                yield _other_suffix(path, place.suffixes)
            elif inside and (about := build.about_absent(path)):
                yield _without(path, about)


def _without(path: str, component: str) -> LeftOut:
    if path.startswith(OWN):
        return LeftOut(path, f"it needs {component}, which does not run", f"start --with {component}")
    return LeftOut(path, f"it is about {component}, which does not run", weight="quiet")


def _other_suffix(path: str, suffixes: tuple[str, ...]) -> LeftOut:
    several = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}" if len(suffixes) > 1 else suffixes[0]
    of_yaml = suffixes == (".json",) and path.endswith((".yaml", ".yml"))
    hint = "monitoring-stack dashboard add FILE makes JSON of it" if of_yaml else "rename it"
    return LeftOut(path, f"its name does not end with {several}", hint)


def _instead(folder: str) -> str:
    inside = [one for one in _folders() if one.startswith(folder)]
    import difflib  # what is right needs none

    near = difflib.get_close_matches(folder, _folders(), n=1, cutoff=0.7)
    if near and not inside:
        return f"did you mean {near[0]}?"
    return f"put it into one of {', '.join(inside or _folders())}"


def _folders() -> list[str]:
    """The folders of the user's own that are read."""
    found = [f"{OWN}{c.name}/{place.folder}" for c in COMPONENTS for place in c.places]
    watched = [kind.form.folder for kind in KINDS]
    return [*found, OWN_TARGETS, f"{OWN}alertmanager/", OWN_RECEIVERS, OWN_HOSTS, OWN_SECRETS, *watched]

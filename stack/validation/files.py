"""Refuses broken configuration before anything is written: YAML and JSON here, the rest by promtool and amtool.

The products' own tools run in short-lived containers of their images, so nothing needs to be installed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import filterfalse
from typing import Any, Protocol

import yaml
from msgspec.structs import replace

from stack.common.errors import ConfigurationInvalid
from stack.common.json_text import NoJson, load_json
from stack.common.wait import together
from stack.common.yaml_text import load_yaml
from stack.common.yaml_text import remedy as remedy_of
from stack.engine.interface import Engine, Job
from stack.model.names import kind_of
from stack.model.spec import CONFIG_ROOT, CURRENT, ConfigFile, ServiceSpec, StackSpec, ordered
from stack.validation.culprit import culprit
from stack.validation.native import check_outside, known_line, known_place, made_of, outside, place
from stack.validation.remedies import located, remedy

PROGRESS = re.compile(r"SUCCESS|Checking .*(?<!FAILED)$")
"""What promtool and amtool say of files that are sound, or that they begin with."""
FOLDER = f"{CONFIG_ROOT}/{CURRENT}"
"""Where the files will be, so that what they say of each other's places holds while they are checked, too."""
STAND_IN = b"a-secret-that-the-check-need-not-know"
LINE = re.compile(r"\bline (\d+)")
MADE_OF_ALREADY = re.compile(r"stack\.toml \[|own/receivers/|[^ ]+:\d+:")
"""A complaint that has a place with a line, or that of a receiver."""
Idle = tuple[tuple[str, tuple[ConfigFile, ...]], ...]


class FileRules(Protocol):
    """What a component brings to the checking of its files."""

    @property
    def tool(self) -> tuple[str, ...]:
        """The command that judges them in a container of its image; empty where there is none."""

    @property
    def tool_words(self) -> Callable[[tuple[ConfigFile, ...]], tuple[str, ...]]:
        """What the command is told of these files besides."""

    @property
    def check_files(self) -> Callable[[tuple[ConfigFile, ...]], None]:
        """Rules of ours; ``ConfigurationInvalid`` names the file and the remedy."""


Rules = Mapping[str, FileRules]


def validate(
    spec: StackSpec, engine: Engine, rules: Rules, known: Callable[[str], bool], idle: Idle = ()
) -> tuple[str, ...]:
    """Checks all files; returns the identities that are now known to be good.

    ``known`` tells of an identity (files, image) whether it was found good before; ``idle`` are the files of what
    does not run here, which are no less a part of the bundle. Raises ``ConfigurationInvalid``.
    """
    check_syntax(rules, *(one for one in idle if not known(identity_at_rest(*one))))
    checked = [s for s in spec.services if s.files and not known(identity(s))]
    check_syntax(rules, *((s.component, s.judged) for s in checked))
    judged = [(s, (*rule.tool, *rule.tool_words(s.files))) for s in checked for rule in (rules[s.kind],)]
    together(lambda one: _run_tool(spec.name, *one, engine), [one for one in judged if one[1]])
    return (*(identity(s) for s in spec.services if s.files), *(identity_at_rest(*one) for one in idle))


def identity(service: ServiceSpec) -> str:
    """What a verdict holds for: these files, judged by this image."""
    return f"{service.component} {service.files_digest()} {service.image_id}"


def identity_at_rest(component: str, files: tuple[ConfigFile, ...]) -> str:
    """What a verdict on the syntax of files holds for that no container reads here."""
    prints = " ".join(file.fingerprint() for file in ordered(files))
    return f"{component} {hashlib.sha256(prints.encode()).hexdigest()[:16]} at rest"


def check_syntax(rules: Rules, *components: tuple[str, tuple[ConfigFile, ...]]) -> None:
    """YAML and JSON of components, with file, line and column; dashboards have distinct uids and titles."""
    for component, files in components:
        for file in files:
            where = place(file, component)
            if file.secret:
                continue
            if file.path.endswith((".yml", ".yaml", ".json")):
                _utf8(file.content, where)
            if file.path.endswith((".yml", ".yaml")):
                _yaml(file, where)
            elif file.path.endswith(".json"):
                _json(where, file.content)
        rules[kind_of(component)].check_files(files)


def _utf8(content: bytes, where: str) -> None:
    """YAML may be UTF-16, as an editor of Windows saves "Unicode"; what reads the files after it wants one encoding."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(
            f"{where}: {error}", hint="save it as UTF-8; nothing was changed"
        ) from error


def _yaml(file: ConfigFile, where: str) -> Any:
    try:
        return load_yaml(file.content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        position = f":{known_line(file, mark.line + 1)}:{mark.column + 1}" if mark else ""
        raise ConfigurationInvalid(
            f"{where}{position}: {error.problem}",
            hint=f"{remedy_of(error, file.content.decode(errors='replace'))}; nothing was changed",
        ) from error
    except yaml.YAMLError as error:
        raise ConfigurationInvalid(
            f"{where}: {' '.join(str(error).split())}", hint="correct the YAML; nothing was changed"
        ) from error


def _json(where: str, content: bytes) -> Any:
    try:
        return load_json(content.decode("utf-8"))
    except NoJson as error:
        raise ConfigurationInvalid(
            f"{where}{error.place}: {error}", hint="correct the JSON; nothing was changed"
        ) from error


def _run_tool(stack: str, service: ServiceSpec, argv: tuple[str, ...], engine: Engine) -> None:
    ours = (*(f"{CURRENT}/{file.path}" for file in service.files), *(a.path for a in service.assets))
    named = tuple(outside(service.judged, ours))
    paths = tuple(value.value for _, value in named)
    job = Job(service.image, argv, tuple(_laid_out(service)), CONFIG_ROOT, user=service.user, look_at=paths)
    ran = engine.run(stack, job)
    check_outside(named, ran.seen, service.image, service.user)
    if ran.code != 0:
        lines, said = _said(ran.output, service)
        if not MADE_OF_ALREADY.match(said):

            def again(files: tuple[ConfigFile, ...]) -> str:
                other = replace(service, files=files)
                return _said(engine.run(stack, replace(job, files=tuple(_laid_out(other)))).output, other)[1]

            found = made_of(service.files, said) or culprit(service.files, said, again)
            said = f"{found}: {said.partition(': ')[2] or said}" if found else said
        raise ConfigurationInvalid(
            located(said, service.files, service.component),
            hint=f"{remedy(said, service.component)}; nothing was changed",
            logs=tuple(_by_known_names(line, service) for line in lines[-8:]),
        )


def _said(output: str, service: ServiceSpec) -> tuple[tuple[str, ...], str]:
    """The lines of a tool's output, and its complaint, by the places that people know."""
    lines = tuple(line.strip() for line in output.splitlines() if line.strip())
    lines = tuple(_by_known_lines(line, service, output) for line in lines)
    return lines, _placed(_by_known_names(_complaint(lines), service))


def _by_known_lines(said: str, service: ServiceSpec, output: str) -> str:
    """The lines that a tool speaks of, as they stand in the file that people have; it tells the file elsewhere."""
    meant = [f for f in service.files if f.source and f"{FOLDER}/{f.path}" in output]
    if len(meant) != 1:
        return said
    places = {known_place(meant[0], int(found[1])) for found in LINE.finditer(said)}
    if len(places) == 1 and not (known := places.pop()).startswith(f"{place(meant[0])}:"):
        return f"{known}: {LINE.split(said)[-1].removeprefix(':').strip()}"
    return LINE.sub(lambda found: f"line {known_line(meant[0], int(found[1]))}", said)


def _by_known_names(said: str, service: ServiceSpec) -> str:
    """What a tool says of files in its container, by the paths that people know. Longest first: none is cut short."""
    known = {f"{FOLDER}/{file.path}": place(file, service.component) for file in service.files}
    known |= {
        f"{CONFIG_ROOT}/{file.path}": place(file) for file in service.judged if file not in service.files
    }
    for inside in sorted(known, key=len, reverse=True):
        said = said.replace(inside, known[inside])
    return said.replace(FOLDER, service.component)


def _laid_out(service: ServiceSpec) -> Iterable[ConfigFile]:
    """The files, and one in place of each secret: promtool refuses a configuration whose credentials are missing."""
    for file in service.files:
        yield replace(file, path=f"{CURRENT}/{file.path}")
    for asset in service.assets:
        if asset.secret:
            yield replace(asset, content=STAND_IN)
        elif asset in service.judged:
            yield asset


def _placed(said: str) -> str:
    """The place first, as everywhere: promtool and amtool put words before it, and the line behind."""
    said = re.sub(r'^error loading scrape configs: "([^"]+)"', r"\1", said)
    said = re.sub(
        r"field (\w+)_configs not found in type \S+", r"this Alertmanager has no integration \1", said
    )
    said = re.sub(r"^[^:]+: yaml: unmarshal errors: ((?:stack\.toml|own/receivers/).*)", r"\1", said)
    return re.sub(r"^([^:]+): yaml: unmarshal errors: line (\d+)", r"\1:\2", said)


def _complaint(lines: tuple[str, ...]) -> str:
    """What the tool found first. Where there are several faults, or the line is but a heading, they follow below.

    promtool says ``FAILED: fault`` or ``FAILED:`` with faults below, amtool ``Checking 'file'  FAILED: fault``. What
    they say of sound files comes by another stream, so that it may stand anywhere between.
    """
    for number, line in enumerate(lines):
        before, failed, said = line.partition("FAILED:")
        if failed:
            place = before.strip().removeprefix("Checking ").strip("'")
            said = " ".join(filter(None, (place and f"{place}:", said.strip())))
            for below in filterfalse(PROGRESS.match, lines[number + 1 :]):
                if said and not said.endswith(":"):
                    break
                said = f"{said} {below}".strip()
            return said
    return lines[-1] if lines else "no output"

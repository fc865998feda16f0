"""Distribution packages fetched through the machine's own apt, in a private root that leaves the machine as it is.

Site, proxy and credentials are the machine's; suite, lists, cache and status are ours. Needs no root. Signatures are
verified by apt against the Debian archive keyring: an unsigned or wrongly signed index fails. Never installs anything.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from stack.common.errors import BuildFailed

SUITE = "forky"
"""The Debian suite whose packages local builds take, whatever the pin."""
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
LISTS_FRESH_SECONDS = 6 * 3600
SITE_FORMAT = "$(SITE) $(ORIGIN) $(LABEL)"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NOT_NEEDED = (
    "adduser",
    "debconf",
    "init-system-helpers",
    "libnss3-tools",
    "locales",
    "mawk",
    "media-types",
    "openssl",
    "openssl-provider-legacy",
    "passwd",
    "postgresql-client-common",
    "postgresql-common",
    "readline-common",
    "sensible-utils",
    "ssl-cert",
)
"""Packages that nothing here uses, since maintainer scripts never run and PostgreSQL needs none of Debian's own tools:
apt is told that they are installed."""


class Deb(Struct, frozen=True):
    """One package file in the cache."""

    name: str
    version: str
    path: Path


class Needs(Struct, frozen=True):
    """What one package depends on, as groups of alternatives, and which other names it stands for."""

    depends: tuple[tuple[str, ...], ...]
    provides: frozenset[str] = frozenset()


class Ended(Struct, frozen=True):
    """How a command ended."""

    code: int
    output: str
    errors: str


Run = Callable[[Sequence[str]], Ended]


def run_command(argv: Sequence[str]) -> Ended:
    """Run a command to its end, in the C locale and without input."""
    done = subprocess.run(
        ("env", "LC_ALL=C", *argv), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def obstacle(which: Callable[[str], str | None] = shutil.which, keyrings: Iterable[Path] = KEYRINGS) -> str:
    """Why this machine cannot build images from Debian packages; empty where it can."""
    lacking = [tool for tool in ("apt-get", "dpkg-deb") if which(tool) is None]
    if lacking:
        return f"a local build needs {' and '.join(lacking)}, which this machine lacks"
    if not any(path.is_file() for path in keyrings):
        return "a local build needs the keys in the package debian-archive-keyring, which is not installed"
    return ""


class Debian(Struct, frozen=True):
    """A private apt root under ``folder`` for machines of ``architecture`` (Debian's name)."""

    folder: Path
    architecture: str
    run: Run = run_command
    keyrings: tuple[Path, ...] = KEYRINGS
    clock: Callable[[], float] = time.time
    suite: str = SUITE

    @property
    def archives(self) -> Path:
        """Where apt keeps the package files."""
        return self.folder / "var/cache/apt/archives"

    def gather(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[Deb, ...]]:
        """For each name the packages with everything that they depend on, downloaded and verified.

        A stale index that names vanished files is renewed once. Raises BuildFailed with apt's own words.
        """
        self._prepare()
        self._update(force=False)
        try:
            return self._gather(wanted)
        except BuildFailed:
            self._update(force=True)
            return self._gather(wanted)

    def _gather(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[Deb, ...]]:
        union = sorted({package for packages in wanted.values() for package in packages})
        output = self._apt("--simulate", "install", *union)
        debs = {d.name: d for d in (self._deb(s) for s in output.splitlines() if s.startswith("Inst "))}
        self._apt("--download-only", "--assume-yes", "install", *union)
        missing = [deb.path.name for deb in debs.values() if not deb.path.is_file()]
        if missing:
            raise BuildFailed(f"apt did not download {', '.join(missing)}", hint=f"remove {self.folder}")
        with ThreadPoolExecutor() as pool:
            needs = dict(zip(debs, pool.map(self._needs, debs.values()), strict=True))
        return {name: tuple(debs[p] for p in closure(packages, needs)) for name, packages in wanted.items()}

    def _needs(self, deb: Deb) -> Needs:
        fields = "${Depends}, ${Pre-Depends}\n${Provides}\n"
        told = self.run(("dpkg-deb", f"--showformat={fields}", "--show", str(deb.path)))
        if told.code != 0:
            raise BuildFailed(f"package {deb.path.name} cannot be read", hint=f"remove {deb.path}")
        depends, _, provides = told.output.partition("\n")
        return Needs(alternatives(depends), frozenset(n for group in alternatives(provides) for n in group))

    def _deb(self, line: str) -> Deb:
        name, version, architecture = parse_inst(line)
        file = f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
        return Deb(name, version, self.archives / file)

    def _prepare(self) -> None:
        for sub in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial"):
            (self.folder / sub).mkdir(parents=True, exist_ok=True)
        (self.archives / "partial").mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("".join(map(_installed, NOT_NEEDED)), encoding="ascii")

    def _update(self, *, force: bool) -> None:
        """Renew the index from the first of the machine's sites that has the suite."""
        stamp = self.folder / f"updated-{self.architecture}"
        if not force and stamp.is_file() and 0 <= self.clock() - stamp.stat().st_mtime < LISTS_FRESH_SECONDS:
            return
        failure = BuildFailed(
            "this machine's apt has no Debian archive", hint="add one to /etc/apt/sources.list.d"
        )
        for site in self._sites():
            self._write_source(site)
            try:
                self._apt("update", "--error-on=any")
            except BuildFailed as error:
                failure = error
                continue
            stamp.touch()
            return
        if force or not stamp.is_file():
            raise failure

    def _sites(self) -> tuple[str, ...]:
        listed = self.run(("apt-get", "indextargets", "--format", SITE_FORMAT, "Created-By: Packages"))
        known = debian_sites(listed.output)
        return known or configured_sites(self.run(("apt-get", "update", "--print-uris")).output)

    def _write_source(self, site: str) -> None:
        keyring = next((path for path in self.keyrings if path.is_file()), self.keyrings[0])
        text = (
            f"deb [signed-by={keyring} arch={self.architecture} target=Packages] {site} {self.suite} main\n"
        )
        (self.folder / "etc/apt/sources.list").write_text(text, encoding="utf-8")

    def _apt(self, *arguments: str) -> str:
        ended = self.run(("apt-get", *self._options(), *arguments))
        if ended.code != 0:
            said = [line for line in ended.errors.splitlines() if line.startswith(("E:", "W:"))]
            words = " ".join(said[-2:]) or f"exit code {ended.code}"
            raise BuildFailed(f"apt-get {arguments[0]}: {words}", hint="see the machine's apt configuration")
        return ended.output

    def _options(self) -> tuple[str, ...]:
        options = {
            "Dir": self.folder,
            "Dir::State::status": self.folder / "status",
            "Dir::Cache::pkgcache": f"pkgcache-{self.architecture}.bin",
            "Dir::Cache::srcpkgcache": f"srcpkgcache-{self.architecture}.bin",
            "Dir::Etc::netrc": "/etc/apt/auth.conf",
            "Dir::Etc::netrcparts": "/etc/apt/auth.conf.d",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Debug::NoLocking": "true",
        }
        return tuple(part for name, value in options.items() for part in ("-o", f"{name}={value}"))


def debian_sites(listed: str) -> tuple[str, ...]:
    """Sites of Debian's own archive, in the machine's order, from lines of site, origin and label."""
    lines = (line.partition(" ") for line in listed.splitlines())
    return tuple(dict.fromkeys(site for site, _, told in lines if told == "Debian Debian"))


def configured_sites(uris: str) -> tuple[str, ...]:
    """Every site of a machine that never fetched an index, from ``apt-get update --print-uris``.

    Whose archive each one is cannot be known then; trying is safe, since only a rightly signed index is accepted.
    """
    places = (line.lstrip("'").partition("'")[0] for line in uris.splitlines())
    found = (place.rpartition("/dists/")[0] for place in places if place.endswith("/InRelease"))
    return tuple(dict.fromkeys(site for site in found if site))


def alternatives(field: str) -> tuple[tuple[str, ...], ...]:
    """Package names from a dependency field: one group for each comma, its members being alternatives."""
    groups = (group.split("|") for group in field.split(","))
    named = (tuple(name.split()[0].partition(":")[0] for name in group if name.strip()) for group in groups)
    return tuple(group for group in named if group)


def closure(wanted: Iterable[str], needs: Mapping[str, Needs]) -> tuple[str, ...]:
    """The packages of ``needs`` that ``wanted`` leads to, sorted; what is not among them counts as not needed."""
    providers = {name: package for package, need in needs.items() for name in need.provides}
    found: set[str] = set()
    left = list(wanted)
    while left:
        name = left.pop()
        package = name if name in needs else providers.get(name, "")
        if not package or package in found:
            continue
        found.add(package)
        left += [alternative for group in needs[package].depends for alternative in group]
    return tuple(sorted(found))


def parse_inst(line: str) -> tuple[str, str, str]:
    """Name, version and architecture from apt's ``Inst name (version origin [architecture]) ...``."""
    name = line.split()[1]
    version = line.partition("(")[2].split()[0]
    inside = line.partition("(")[2].partition(")")[0]
    return name, version, inside.rpartition("[")[2].rstrip("]")


def _installed(name: str) -> str:
    return (
        f"Package: {name}\nStatus: install ok installed\nVersion: 9999\nArchitecture: all\nMulti-Arch: foreign\n"
        f"Provides: awk, debconf-2.0\n"
        f"Maintainer: none\nDescription: not needed in an image\n\n"
    )

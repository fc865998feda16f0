"""target add, remove: jobs of the user's own, one file each; a target that does not answer is not kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stack.cli.main import usage
from stack.cli.own_change import OwnFile, make_change
from stack.cli.printer import Printer
from stack.cli.session import Session
from stack.cli.target_secrets import Given, given_files
from stack.common.errors import SmokeFailed, UsageError
from stack.model.outer import NETWORK_LABEL
from stack.targets.addresses import Address, address, machine, port
from stack.targets.containers import Around, Place, find, place, split
from stack.targets.files import free_path, hosts, owners, secrets_of, without_job
from stack.targets.jobs import FOLDER, JobText, apart, job_name, label, once, param, path_and_params, setting

if TYPE_CHECKING:
    from stack.checks.target_proof import Proof
    from stack.deploy.describe import Description

OPTIONS = (
    ("add authorization: {credentials_file: ...}, or basic_auth: {username: ..., password_file: ...}",
     "give them with --token-file FILE or --basic-auth-file FILE"),
    ("add tls_config: {ca_file: ...}", "give --ca-file FILE"),
    ("add fallback_scrape_protocol: ", "add --set fallback_scrape_protocol="),
    ("remove scheme: https", "leave out --scheme https"),
    ("scheme: https", "--scheme https"),
    ("set metrics_path", "set --path"),
    ("is metrics_path", "is --path"),
    ("metrics_path or port", "--path or port"),
    ("(params: {...})", "(--param NAME=VALUE)"),
    ("follow_redirects: true", "--set follow_redirects=true"),
    ("scrape_protocols: [", "--set scrape_protocols=["),
    ("enable_compression: false", "--set enable_compression=false"),
    ("correct proxy_url", "correct --set proxy_url"),
    ("honor_timestamps: false", "--set honor_timestamps=false"),
    ("scrape_timeout, at most scrape_interval", "--timeout, at most --interval"),
)  # fmt: skip
"""Lines of a scrape file, as remedies name them, and the options that write them."""


UNKNOWN = "the name {} is unknown where Prometheus runs"


class Wanted(Struct, frozen=True):
    """What the command line asks for: the job's name, and where its targets are."""

    name: str
    places: tuple[Place, ...]


def add(options: argparse.Namespace, printer: Printer) -> int:
    """Writes one job, has it loaded, and keeps it where its targets are up and their samples kept."""
    session = Session.open(options, printer)
    wanted = asked_for(session, options)
    return add_job(session, wanted)


def add_job(session: Session, wanted: Wanted) -> int:
    """The same for what is settled already."""
    tree = session.native.tree
    if known := owners(tree).get(wanted.name):
        raise usage_of(
            f"{wanted.name} is a job already: {known}", "choose another name, or target remove it first"
        )
    given = given_files(session.options, wanted.name, tree)
    job = job_of(session.options, wanted, given)
    path = free_path(tree, FOLDER, wanted.name, ".yml")
    proofs: list[Proof] = []
    printer = session.printer
    if session.options.dry_run:
        printer.text(f"{path}:\n{job.text()}")
    files = (*given.files, OwnFile(path, job.text().encode()))
    applied = make_change(session, files, lambda later: proofs.append(_proven(session, later, wanted)))
    if not session.options.dry_run:
        tell(session, wanted.name, path, proofs[0] if applied else None)
    return 0


def remove(options: argparse.Namespace, printer: Printer) -> int:
    """Takes a job out of the file of the user's own that has it; all else in the file stays."""
    session = Session.open(options, printer)
    tree = session.native.tree
    known = owners(tree)
    owner = known.get(options.job)
    if owner is None:
        mine = sorted(name for name, one in known.items() if one.own)
        raise usage_of(f"there is no target {options.job}", f"yours are: {', '.join(mine) or 'none'}")
    if not owner.own:
        raise usage_of(
            f"{options.job} is a job of the bundle ({owner}), which is not removed by this",
            "a component that is switched off takes its job along: [components] in stack.toml",
        )
    left = without_job(tree[owner.path], options.job)
    files = [OwnFile(secret, None) for secret in secrets_of(tree, owner.path, options.job)]
    files.append(OwnFile(owner.path, left))
    applied = make_change(session, files, lambda later: gone(session, later, options.job))
    if not options.dry_run:
        kept = "" if left is None else ", which keeps the rest"
        printer.line("removed", f"{options.job} from {owner.path}{kept}")
        told = {"ok": True, "job": options.job, "file": owner.path, "file_left": left is not None}
        printer.document({**told, "applied": applied, "seconds": round(session.seconds, 3)})
    return 0


def asked_for(session: Session, options: argparse.Namespace) -> Wanted:
    """The job and its places; ``UsageError`` where the command line cannot be meant."""
    ways = [bool(options.container), bool(options.host)]
    if all(ways):
        raise usage("--container and --host are two ways to name one target")
    name, *rest = options.words or [""]
    if any(ways) and rest:
        raise usage("a target is an address, a --container or a --host, one of them")
    if options.network and not options.container:
        raise usage("--network chooses among the networks of a --container")
    if options.container:
        wanted, asked = split(options.container)
        found = container_place(session, wanted, port(asked) if asked else 0, options.network or "")
        return Wanted(job_name(name or found.address.rpartition(":")[0]), (found,))
    if options.host:
        where = Place(machine(options.host), "")
        return Wanted(job_name(name or f"host-{options.host}"), (where,))
    if not name or not rest:
        raise usage_of(
            "a target has a name and an address",
            "target add NAME HOST:PORT, target add --container CONTAINER, or target add NAME --host PORT",
        )
    return Wanted(job_name(name), _places([address(one, name) for one in rest], options))


def _places(addresses: list[Address], options: argparse.Namespace) -> tuple[Place, ...]:
    if len({(one.scheme or "http", _path(one.path)) for one in addresses}) > 1:
        raise usage_of(
            "addresses of one target have one scheme and one path",
            "add a target for each, with a name of its own",
        )
    first = addresses[0]
    for option, given, said in (
        ("--path", options.path, first.path),
        ("--scheme", options.scheme, first.scheme),
    ):
        if given and said and given != said:
            raise usage_of(
                f"{option} {given}: the address says {said}", f"leave out {option}, or the URL's own"
            )
    return tuple(dict.fromkeys(Place(one.place, "", one.path, one.scheme) for one in addresses))


def container_place(session: Session, wanted: str, asked: int, network: str) -> Place:
    """Where Prometheus finds a container of the engine."""
    around = around_of(session)
    return place(find(wanted, around.everyone), around, port=asked, network=network)


def around_of(session: Session) -> Around:
    """All containers of the engine, and the names by which Prometheus asks the stack's own services."""
    ours = {name for c in session.settings.components for name in (c, c.replace("_", "-"))}
    asked = hosts(session.native.tree)
    return Around(session.engine.neighbours(), session.name, frozenset(ours & asked))


def job_of(options: argparse.Namespace, wanted: Wanted, given: Given) -> JobText:
    """The job's text, from options and places."""
    first = wanted.places[0]
    labels = once("--label", map(label, options.label))
    path, asked = path_and_params(options.path or first.path)
    job = JobText(
        name=wanted.name,
        addresses=tuple(one.address for one in wanted.places),
        path=_path(path),
        scheme=(options.scheme or first.scheme).removesuffix("http"),
        interval=options.interval or "",
        timeout=options.timeout or "",
        labels=(*labels, *([(NETWORK_LABEL, first.network)] if first.network else [])),
        params=(*asked, *map(param, options.param)),
        more=once("--set", map(setting, options.set)),
        token=given.token,
        user=given.user,
        password=given.password,
        authority=given.authority,
        insecure=options.insecure_skip_verify,
    )
    apart(job)
    return job


def _path(path: str) -> str:
    """Empty where it is Prometheus' own default."""
    return "" if path in ("", "/metrics") else path if path.startswith("/") else f"/{path}"


def proven(session: Session, description: Description, name: str) -> Proof:
    """The targets of the job are up and their samples kept; ``SmokeFailed`` with cause and remedy."""
    from stack.checks.model import Broken
    from stack.checks.target_proof import prove
    from stack.deploy.asking import context_of

    context = context_of(session.engine, description)
    job = next(job for job in context.expected.jobs if job.name == name)
    try:
        return prove(context, replace(job, file="", origin=""))
    except Broken as error:
        raise SmokeFailed(str(error), hint=in_options(error.hint, name)) from error


def _proven(session: Session, description: Description, wanted: Wanted) -> Proof:
    """The same; a name that only a container of another network has is told with the command that reaches it."""
    try:
        return proven(session, description, wanted.name)
    except SmokeFailed as error:
        if better := _by_container(session, wanted, error.message):
            error.hint = better
        raise


def _by_container(session: Session, wanted: Wanted, said: str) -> str:
    """The command that adds the first target that is said to be unknown and has a container's name; else empty."""
    places = [where.address.rpartition(":") for where in wanted.places]
    unknown = [(host, asked) for host, _, asked in places if UNKNOWN.format(host) in said]
    everyone = session.engine.neighbours() if unknown else ()
    for host, asked in unknown:
        for one in everyone:
            if host in (one.name, one.service) and not one.component:
                return f"there is a container of that name: target add {wanted.name} --container {one.name}:{asked}"
    return ""


def gone(session: Session, description: Description, name: str) -> None:
    """The job is scraped no more."""
    from stack.checks.model import Broken
    from stack.checks.target_proof import gone as gone_from
    from stack.deploy.asking import context_of

    try:
        gone_from(context_of(session.engine, description), name)
    except Broken as error:
        raise SmokeFailed(str(error), hint=error.hint) from error


def in_options(remedy: str, name: str) -> str:
    """A remedy for a file that is not kept, in the options that would have written it."""
    told = remedy.removeprefix(f"job {name}: ").replace(f"({f'job {name}'})", "").strip()
    for line, option in OPTIONS:
        told = told.replace(line, option)
    return told


def tell(session: Session, name: str, path: str, proof: Proof | None) -> None:
    """What holds now."""
    printer = session.printer
    told: dict[str, object] = {"ok": True, "job": name, "file": path, "applied": proof is not None}
    if proof is None:
        printer.line("written", f"{path}: start applies and proves it")
    else:
        for warning in proof.warnings:
            printer.warning(warning)
        count = len(proof.targets)
        words = f"{count} target{'s' if count > 1 else ''} up, {proof.kept} samples kept"
        state = words if proof.samples else "loaded"
        printer.line("added", f"{name}: {state} ({path})   {session.seconds:.1f} s")
        printer.line("next", f"monitoring-stack dashboard generate {name} draws what it exposes")
        samples = dict(proof.samples)
        told["targets"] = [
            {"instance": t.instance, "health": t.health, "samples": samples.get(t.instance)}
            for t in proof.targets
        ]
        told["warnings"] = list(proof.warnings)
    printer.document({**told, "seconds": round(session.seconds, 3)})


def usage_of(message: str, hint: str) -> UsageError:
    """A command line that cannot be meant, with its own remedy."""
    return UsageError(message, hint=hint)

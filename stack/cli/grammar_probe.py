"""The grammar of `probe`."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, flag, value

PROBE_NAME = value("probe", metavar="NAME", help="what the probe is called, and its job in Prometheus")


ADD = (
    PROBE_NAME,
    value(
        "url",
        nargs="?",
        default="",
        metavar="URL",
        help="http://, https://, tcp://, tls://, dns://SERVER/NAME or icmp://",
    ),
    value("--container", metavar="C[:PORT]", help="a container of the engine, in place of the URL's host"),
    value("--host", metavar="PORT", help="a port of the engine's own machine, in place of the URL's host"),
    value("--network", metavar="NETWORK", help="by which of its networks a container is reached"),
    value(
        "--module",
        default="",
        help="module of blackbox_exporter (by the URL: http_2xx, tcp, tls, dns, icmp)",
    ),
    value("--every", default="30s", metavar="TIME", help="how often it is asked, 1s to 4m (30s)"),
    value("--ca-file", metavar="FILE", help="certificate of the authority that signs the target's"),
    flag("--insecure-skip-verify", help="any certificate will do"),
    value("--expect-code", type=int, action="append", default=[], metavar="N", help="status that is right"),
    value("--contains", default="", metavar="TEXT", help="what the page must contain"),
    value("--token-file", metavar="FILE", help="file with a bearer token"),
    value("--basic-auth-file", metavar="FILE", help="file with user:password"),
    value("--query-name", default="", metavar="NAME", help="name that a name server is asked for"),
    flag("--even-if-down", help="add it although it fails now"),
    DRY_RUN,
)
PROBE = Command(
    "probe",
    "watch something from outside: HTTP, TLS, TCP, DNS, ping",
    actions=(
        Command("add", "add a probe, seen to succeed", "probe:add", ADD),
        Command("list", "all probes and what they find", "probe:listed", only_shows=True),
        Command("remove", "remove a probe", "probe:remove", (PROBE_NAME, DRY_RUN)),
    ),
)

"""The grammar of ``target``: services of the user's own that Prometheus scrapes."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, flag, value

TARGET = Command(
    "target",
    "services of your own that Prometheus scrapes: add, discover, list, remove",
    actions=(
        Command(
            "add",
            "scrape a service, and prove it",
            "target:add",
            (
                value(
                    "words",
                    metavar="NAME ADDRESS",
                    nargs="*",
                    help="name, and HOST:PORT or a URL, one or more",
                ),
                value(
                    "--container", metavar="C[:PORT]", help="a container of the engine, in place of addresses"
                ),
                value(
                    "--host", metavar="PORT", help="a port of the engine's own machine, in place of addresses"
                ),
                value("--network", metavar="NETWORK", help="by which of its networks a container is reached"),
                value("--path", help="path of its metrics (/metrics)"),
                value(
                    "--param",
                    action="append",
                    default=[],
                    metavar="K=V",
                    help="a parameter of the query; repeatable",
                ),
                value("--scheme", choices=("http", "https"), help="how it is asked (http)"),
                value(
                    "--label", action="append", default=[], metavar="K=V", help="a label of all its series"
                ),
                value(
                    "--interval", metavar="TIME", help="how often it is scraped, such as 30s (that of all)"
                ),
                value("--timeout", metavar="TIME", help="how long it may take, at most the interval"),
                value("--token-file", metavar="FILE", help="file with the bearer token that it asks for"),
                value("--basic-auth-file", metavar="FILE", help="file with user:password that it asks for"),
                value(
                    "--ca-file",
                    metavar="FILE",
                    help="certificate of who signed its own, where it is not public",
                ),
                flag("--insecure-skip-verify", help="take any certificate"),
                value(
                    "--set", action="append", default=[], metavar="K=V", help="one more key of the scrape job"
                ),
                DRY_RUN,
            ),
        ),
        Command(
            "discover",
            "containers of the engine that can be scraped, and how",
            "target_discover:discover",
            (flag("--apply", help="add those that answer with metrics"), DRY_RUN),
        ),
        Command("list", "all targets: health, samples, last error", "target_list:list_", only_shows=True),
        Command(
            "remove",
            "take a target of your own away",
            "target:remove",
            (value("job", metavar="NAME", help="name of the target"), DRY_RUN),
        ),
    ),
)

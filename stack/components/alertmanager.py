"""Alertmanager: groups, routes and delivers. Its default receiver is the application's webhook.

Runs alone, so gossip is off: it would hold the first notification back for 10 s. Where the application does not run,
nothing is sent to it: its webhooks are taken out, and the bundle's own test alert goes to a receiver inside the
container.
"""

from __future__ import annotations

from datetime import date

from stack.components.addresses import web_flags
from stack.components.app_webhooks import notifying
from stack.components.build import HOST_GATEWAY, MIB, Build, wget
from stack.components.heartbeat import ADDRESS, SETTINGS, address_file, with_heartbeat
from stack.components.links import linked
from stack.components.manifest import Checks, Component, Data
from stack.components.own_paths import OWN_RECEIVERS, own_secrets, translated
from stack.components.places import OWN, Place
from stack.components.proof_route import with_proof, with_tries
from stack.components.token import token_file
from stack.config.flags import flags, with_features
from stack.config.table import Setting
from stack.engine.interface import ImageConfig
from stack.images.pins import LOOKED_UP, Line, Pin
from stack.images.recipes import COMMON, NOBODY_USER, Recipe
from stack.model.spec import CONFIG_ROOT, CURRENT, NOBODY, ConfigFile, Health, ServiceSpec

PORT = 9093
MAIN = "alertmanager.yml"
MAINS = (
    f"{OWN}alertmanager/alertmanager.yml",
    f"{OWN}alertmanager/alertmanager.yaml",
    f"alertmanager/{MAIN}",
)
"""The first that is there is read."""
REFUSED = {
    "config.file": "the bundle writes its files",
    "storage.path": "its data lies in its volume",
    "web.listen-address": "the port is that of the settings",
    "web.external-url": "public_url says it",
    "web.route-prefix": "everything that asks it asks at the root",
    "web.config.file": "everything that asks it asks by plain HTTP without a login",
    "cluster.": "there is one of it",
    "log.format": "its log is read for causes",
}
"""Flags that would break what is promised."""
EXTRA = Setting(
    "alertmanager.extra_args",
    "STACK_ALERTMANAGER_EXTRA_ARGS",
    flags(REFUSED),
    (),
    "further flags of Alertmanager, such as `--data.retention=240h`",
)
TEMPLATES = Place("templates/", (".tmpl",))
TOOL = r"""
folder=$1 main=$2; shift 2
/bin/amtool check-config "$folder/$main" || exit
written() {
    printf %s "$sample" | /bin/amtool template render --template.glob="$folder/templates/*.tmpl" \
        --template.type="$kind" --template.text="$text" ${sample:+--template.data=/dev/stdin} 2>&1 >/dev/null
}
given=$1
while [ $# -gt 3 ]; do
    place=$2 kind=$3 text=$4; shift 3
    for sample in "" "$given"; do
        said=$(written) || { echo "Checking '$place'  FAILED: ${said#amtool: error: }"; exit 1; }
    done
done
"""
"""amtool on the file, then on each text that is to be sent: for alerts of amtool's own, and for one as rules make it.

Words: folder, file, sample, then three a text: its place, text or html, and itself.
"""


def service(build: Build) -> ServiceSpec:
    """The container."""
    return ALERTMANAGER.container(
        build,
        ready_path="/-/ready",
        health=Health(wget(PORT, "/-/healthy")),
        entrypoint=("/bin/alertmanager",),
        command=(
            f"--config.file={CONFIG_ROOT}/{CURRENT}/{MAIN}",
            "--storage.path=/alertmanager",
            *web_flags(build.address("alertmanager")),
            "--cluster.listen-address=",
            *with_features("receiver-name-in-metrics", build.settings["alertmanager.extra_args"]),
        ),
        mounts=(build.config_mount("alertmanager"), build.data_mount("alertmanager", "/alertmanager")),
        reload="signal",
        assets=(*token_file(build), *address_file(build)),
        extra_hosts=HOST_GATEWAY,
    )


def files(build: Build) -> tuple[ConfigFile, ...]:
    """The main file, the message templates, and the secrets that the main file names."""
    main = _main(build)
    if main is None:
        return ()
    templates = linked(build, build.gathered("alertmanager", TEMPLATES))
    main = _with_receivers(build, main, templates)
    main = main.edited(with_tries(main.content))
    (main,) = translated((main.edited(with_heartbeat(build, notifying(build, main.content))),))
    return (main, *templates, *own_secrets(build, (main,), NOBODY))


def _main(build: Build) -> ConfigFile | None:
    """The user's own, with the bundle's way of its test alert, or else the shipped one."""
    found = next((path for path in MAINS if path in build.tree), "")
    if not found:
        return None
    file = ConfigFile(MAIN, build.tree[found], origin=found)
    return file.edited(with_proof(file.content)) if found.startswith(OWN) else file


def asks_for_receivers(build: Build) -> bool:
    """Whether settings or files of one's own name any, good or bad: most stacks need not read what knows them."""
    return bool(build.settings.words("receivers")) or any(
        path.startswith(OWN_RECEIVERS) for path in build.tree
    )


def _with_receivers(build: Build, main: ConfigFile, templates: tuple[ConfigFile, ...]) -> ConfigFile:
    """The file with the receivers of the settings, where there are any."""
    if not asks_for_receivers(build):
        return main
    from stack.components.receiver_text import with_receivers
    from stack.components.receivers import receivers
    from stack.model.patterns import loaded_templates, names_in

    found = receivers(build)
    names = names_in(loaded_templates(main.content, templates))
    return main.edited(with_receivers(main.content, found, names)) if found else main


def check_files(files: tuple[ConfigFile, ...]) -> None:
    """What amtool does not see: secrets, templates that nothing loads, a test alert that goes nowhere."""
    from stack.validation.notifying import check_notifying

    check_notifying(files)


def tool_words(files: tuple[ConfigFile, ...]) -> tuple[str, ...]:
    """The texts that receivers are to be sent, which are written for sample alerts."""
    from stack.validation.messages import written_for_samples

    return written_for_samples(files)


def checks() -> Checks:
    """Its own, and the way of an alert through it."""
    from stack.checks import (
        alert_path,
        alert_receiver,
        alert_routes,
        alert_templates,
        alertmanager,
        silences,
    )

    own = (
        *alertmanager.CHECKS,
        *alert_routes.CHECKS,
        *alert_templates.CHECKS,
        *silences.CHECKS,
    )
    found = (*own, *alert_path.CHECKS, *alert_receiver.CHECKS)
    return Checks(found, ("alertmanager.ready", "alertmanager.config"))


def recipe() -> Recipe:
    """How it is made of Debian's package."""
    command = ("--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager")
    return Recipe(
        (*COMMON, "prometheus-alertmanager"),
        "prometheus-alertmanager",
        ImageConfig(("/bin/alertmanager",), command, NOBODY_USER, "/alertmanager", ports=(PORT,)),
        moves=(
            ("usr/bin/prometheus-alertmanager", "usr/bin/alertmanager"),
            ("etc/prometheus/alertmanager.yml", "etc/alertmanager/alertmanager.yml"),
        ),
        folders=(("alertmanager", NOBODY), ("etc/alertmanager", NOBODY)),
    )


ALERTMANAGER = Component(
    name="alertmanager",
    title="Alertmanager",
    purpose="groups, routes and delivers alerts",
    service=service,
    port=PORT,
    pin=Pin(
        "alertmanager",
        "prom/alertmanager:v0.35.0",
        ("/bin/alertmanager", "--version"),
        line=Line("0", "only the newest release is kept", LOOKED_UP, date(2027, 2, 28)),
    ),
    publish=9093,
    memory=256 * MIB,
    files=files,
    places=(TEMPLATES,),
    settings=(*SETTINGS, EXTRA),
    secrets=(ADDRESS,),
    check_files=check_files,
    recipe=recipe,
    tool=("sh", "-c", TOOL, "sh", f"{CONFIG_ROOT}/{CURRENT}", MAIN),
    tool_words=tool_words,
    checks=checks,
    keeps="silences and the log of notifications",
    data=Data(at_end=True),
)

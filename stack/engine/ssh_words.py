"""What the words of ssh, and of the docker command at its far end, mean: the cause and the remedy. Pure."""

from __future__ import annotations

import re
import shlex

from msgspec import Struct

from stack.common.ssh_url import parsed

NOT_FOUND = 127
"""A shell's exit code where there is no such program."""
LONGEST = 300


class Meaning(Struct, frozen=True):
    """``said``: a pattern of the words. The texts name the parts that ``told`` takes from the URL."""

    said: str
    cause: str
    remedy: str


NO_DOCKER = Meaning(
    "docker: (command )?not found|unknown command: docker$",
    "there is no docker command on {host}",
    "install Docker there; where it is, PATH of {user} must name its folder: {ssh} docker version",
)
# In their order: words of a cause may follow those of another, as a refusal follows a key that cannot be read.
MEANINGS = (
    Meaning(
        "host identification has changed",
        "the host key of {host} is another than before",
        "where the machine was set up anew: ssh-keygen -R {known}, then {ssh} true shows the new one; else "
        "somebody is in between",
    ),
    Meaning(
        "host key verification failed|host key is known for",
        "the host key of {host} is not known here",
        "{ssh} true shows its fingerprint, asks once, and remembers it; unasked: {unasked} true",
    ),
    Meaning(
        "too many authentication failures",
        "{host} closed the login after too many keys",
        "name the right one in ~/.ssh/config: Host {host}, IdentityFile FILE, IdentitiesOnly yes",
    ),
    Meaning(
        "unprotected private key file|bad permissions",
        "ssh does not use a key that others can read",
        "chmod 600 the file that {ssh} true names",
    ),
    Meaning(
        r"permission denied \(",
        "{host} refuses the login{as_user}",
        "{ssh} true must work without a question: ssh-copy-id brings a key there, ssh-agent keeps one that has a "
        "passphrase",
    ),
    Meaning(
        "could not resolve hostname",
        "the name {host} is not known here",
        "correct it, or name its address in ~/.ssh/config: Host {host}, HostName ADDRESS",
    ),
    Meaning(
        "connect to host .* connection refused",
        "no SSH server listens on {place}",
        "start it there, or name its port: ssh://USER@HOST:PORT",
    ),
    Meaning(
        "connect to host .* (timed out|no route to host|network is unreachable)|timed out during banner exchange",
        "{place} cannot be reached",
        "is the machine on, and does a firewall let this one in? {ssh} true tries it",
    ),
    Meaning(
        "dial unix .* permission denied|permission denied while trying to connect to the docker",
        "{user} may not use Docker on {host}",
        "there: sudo usermod -aG docker {name}",
    ),
    Meaning(
        "cannot connect to the docker daemon|failed to open the raw stream connection",
        "no Docker engine runs on {host}",
        "there: sudo systemctl start docker",
    ),
    NO_DOCKER,
    Meaning(
        "is not a docker command|unknown command: docker system",
        "the docker command on {host} is older than 18.09",
        "install Docker 20.10 or later there",
    ),
    Meaning(
        "account is currently not available|nologin",
        "{user} may run no command on {host}",
        "name a user with a shell: ssh://USER@HOST",
    ),
    Meaning(
        "connection closed by|connection reset by|kex_exchange_identification",
        "{host} closed the connection before the login",
        "it may have been asked too often (MaxStartups, fail2ban): {ssh} true tries it",
    ),
)
CHATTY = Meaning(
    "",
    "what a login to {host} prints comes before the engine's answer",
    "{ssh} true must print nothing: ~/.bashrc and the like there may speak to terminals only",
)


def meaning(said: str, code: int | None, url: str, answered: str = "") -> tuple[str, str]:
    """Cause and remedy; without words the cause is empty, and the remedy the way to hear more.

    ``answered``: what came in place of an engine's answer.
    """
    words = " ".join(f"{said} {answered}".split())
    for one in MEANINGS:
        if re.search(one.said, words, re.IGNORECASE):
            return told(one, url)
    if code == NOT_FOUND:
        return told(NO_DOCKER, url)
    if answered:
        return told(CHATTY, url)
    return words[:LONGEST], f"try: docker -H {shlex.quote(url)} version"


def told(one: Meaning, url: str) -> tuple[str, str]:
    """Cause and remedy, for the user and the machine of a URL."""
    where = parsed(url)
    known = f"'[{where.host}]:{where.port}'" if where.port else where.host
    parts = {
        "host": where.host,
        "user": where.user or "the user",
        "name": where.user or "USER",
        "as_user": f" of {where.user}" if where.user else "",
        "ssh": where.by_hand,
        "place": where.place,
        "known": known,
        "unasked": where.by_hand.replace("ssh ", "ssh -o StrictHostKeyChecking=accept-new ", 1),
    }
    return one.cause.format_map(parts), one.remedy.format_map(parts)

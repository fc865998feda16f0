"""What a failed handshake with an engine means: the cause and the remedy. Pure."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from stack.engine.address import Tls

WANTS_TLS = "HTTP request to an HTTPS server"
"""What an engine with TLS says to who speaks none."""
GIVE = (
    "host add NAME ENGINE --cert-path DIR names the folder of ca.pem, cert.pem and key.pem; for the stack's own engine "
    "DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH=DIR do"
)


class Meaning(Struct, frozen=True):
    """``said``: a pattern of the words. The texts name ``{folder}`` and ``{url}``."""

    said: str
    cause: str
    remedy: str


MEANINGS = (
    Meaning(
        "mismatch|doesn't match", "its certificate is for another name than {url}", "use one of its names"
    ),
    Meaning("has expired", "its certificate has expired", "renew it there, and restart that engine"),
    Meaning("not yet valid", "its certificate is not valid yet", "compare the clocks of both machines"),
    Meaning(
        "certificate_verify_failed",
        "its certificate is signed by nobody known here",
        "{folder}/ca.pem must be the certificate of the authority that has signed it",
    ),
    Meaning(
        "wrong_version_number|record[ _]layer[ _]failure",
        "it speaks no TLS",
        "start that engine with --tlsverify, or reach it by ssh://USER@HOST",
    ),
    Meaning(
        "certificate[ _]required|bad[ _]certificate|alert unknown ca",
        "it does not accept the certificate of {folder}",
        "cert.pem and key.pem there must be of the authority that --tlscacert of that engine names",
    ),
)


def meaning(said: str, tls: Tls | None, url: str) -> tuple[str, str]:
    """Cause and remedy; both empty for what has nothing to do with TLS."""
    folder = str(Path(tls.ca or tls.cert).parent) if tls and (tls.ca or tls.cert) else "DIR"
    for one in MEANINGS if "ssl" in said.lower() else ():
        if re.search(one.said, said, re.IGNORECASE):
            cause, remedy = (text.format(folder=folder, url=url) for text in (one.cause, one.remedy))
            return cause, remedy if tls else f"{remedy}; {GIVE}"
    return "", ""

"""Proxies of Debian in front of a stack, each with the configuration that the documents show, for other ports."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import docker
import requests
import trustme

from stack.common.wait import NotYet, until
from tests.e2e.servers import NGINX_HEAD
from tests.e2e.stack_command import ROOT

EXAMPLES = ROOT / "examples" / "proxies"
HOST = "localhost"
USER, PASSWORD = "me", "let me in"
PUBLISHED = {"grafana": 3000, "prometheus": 9090, "alertmanager": 9093, "app": 8000}
NGINX = (
    f"""\
{NGINX_HEAD}"""
    """  include /site/example.conf;
}
"""
)
CADDY = """\
set -e
hash=$(caddy hash-password --bcrypt-cost 5 --plaintext "$1")
while IFS= read -r line; do
    case $line in *HASH_OF_YOUR_PASSWORD*) line="me $hash";; esac
    echo "$line"
done </site/Caddyfile >/tmp/Caddyfile
exec caddy run --config /tmp/Caddyfile --adapter caddyfile
"""
COMMANDS = {"nginx": "exec nginx -e stderr -c /site/nginx.conf", "caddy": CADDY}


def authority(folder: Path) -> Path:
    """The file of an authority that vouches for ``HOST``; the certificate and its key lie beside it."""
    issuer = trustme.CA()
    issued = issuer.issue_cert(HOST)
    issuer.cert_pem.write_to_path(folder / "authority.pem")
    issued.private_key_pem.write_to_path(folder / "privkey.pem")
    (folder / "fullchain.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    return folder / "authority.pem"


def written(kind: str, folder: Path, tls: int, plain: int, ports: Mapping[str, int]) -> None:
    """The example, with this test's name, ports and files in place of those that people have."""
    changes = {"mon.example.org;": f"{HOST};", "/etc/ssl/mon.example.org": "/site"}
    changes |= {f"127.0.0.1:{usual}": f"127.0.0.1:{ports[name]}" for name, usual in PUBLISHED.items()}
    if kind == "nginx":
        changes |= {"    listen [::]:80;\n": "", "    listen [::]:443 ssl;\n": ""}
        changes |= {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        }
        changes |= {
            "https://$host$": f"https://$host:{tls}$",
            "/etc/nginx/monitoring.htpasswd": "/site/logins",
        }
        _edited("nginx.conf", folder / "example.conf", changes)
        (folder / "nginx.conf").write_text(NGINX)
        made = ["openssl", "passwd", "-6", PASSWORD]
        hashed = subprocess.run(made, capture_output=True, text=True, check=True).stdout
        (folder / "logins").write_text(f"{USER}:{hashed}")
    else:
        options = f"admin off\n\tdefault_bind 127.0.0.1\n\thttp_port {plain}\n\thttps_port {tls}"
        changes |= {"mon.example.org {": f"{{\n\t{options}\n}}\n{HOST} {{"}
        _edited("Caddyfile", folder / "Caddyfile", changes)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _edited(name: str, place: Path, changes: Mapping[str, str]) -> None:
    text = (EXAMPLES / name).read_text()
    for before, after in changes.items():
        assert before in text or before == "mon.example.org;", f"{name} has no {before!r}"
        text = text.replace(before, after)
    place.write_text(text)


def asking(folder: Path) -> requests.Session:
    """Somebody who knows the authority; nothing of the environment comes between."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(folder / "authority.pem")
    return session


@contextmanager
def running(kind: str, image: str, folder: Path, tls: int) -> Iterator[None]:
    """The proxy with the files in ``folder``, while the block runs."""
    client = docker.from_env()
    made = client.containers.run(
        image,
        ["-c", COMMANDS[kind], "sh", PASSWORD],
        name=f"e2e-proxy-{kind}",
        detach=True,
        network_mode="host",
        volumes={str(folder): {"bind": "/site", "mode": "ro"}},
        tmpfs={"/tmp": "rw,mode=1777"},
        environment={"HOME": "/tmp", "XDG_DATA_HOME": "/tmp", "XDG_CONFIG_HOME": "/tmp"},
    )

    def answers() -> None:
        try:
            with asking(folder) as session:
                session.get(f"https://{HOST}:{tls}/grafana/login", timeout=2)
        except requests.RequestException as error:
            made.reload()
            raise NotYet(f"{error} {made.status} {made.logs().decode()[-600:]}") from error

    try:
        until(answers, seconds=30)
        yield
    finally:
        made.remove(force=True)

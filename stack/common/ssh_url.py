"""An ssh:// URL, and the words by which the ssh program is told the same: its own reading of URLs knows no IPv6."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from msgspec import Struct


class SshUrl(Struct, frozen=True):
    """``user``, ``port`` and ``path`` may be empty: then ~/.ssh/config, or the far end, decides."""

    user: str
    host: str
    port: str
    path: str

    @property
    def words(self) -> tuple[str, ...]:
        """Options, and the destination as the last one."""
        user = ("-l", self.user) if self.user else ()
        port = ("-p", self.port) if self.port else ()
        return (*user, *port, "--", self.host)

    @property
    def place(self) -> str:
        """The host, and its port where one is named."""
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return f"{host}:{self.port}" if self.port else host

    @property
    def by_hand(self) -> str:
        """The command of a person."""
        port = f"-p {self.port} " if self.port else ""
        return f"ssh {port}{self.user}@{self.host}" if self.user else f"ssh {port}{self.host}"


def parsed(url: str) -> SshUrl:
    """The parts, with the host's letters as they are: aliases of ~/.ssh/config tell them apart."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdigit() else (place, "", "")
    if place.startswith("[") and place.endswith("]"):
        host, port = place, ""
    return SshUrl(unquote(user), host.removeprefix("[").removesuffix("]"), port, parts.path.rstrip("/"))

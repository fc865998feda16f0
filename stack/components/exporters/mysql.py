"""MySQL and MariaDB, watched by mysqld_exporter with a user that may see processes and replication."""

from __future__ import annotations

from stack.components.build import wget
from stack.components.exporters.kind import Kind, Packaged, Told, secret_at
from stack.components.exporters.server import Form, Server
from stack.components.own_toml import Wrong

PORT = 9104
PROGRAM = "/bin/mysqld_exporter"
OPTIONS = "my.cnf"
QUOTE = "`"
"""Between two of these its reader takes every other character as it is."""


def fits(server: Server) -> None:
    """Whether the password can be written down for it."""
    if QUOTE in server.secret.reveal():
        raise Wrong(
            f"secret_file: {server.secret_file}: a password with {QUOTE} cannot be given to mysqld_exporter",
            "choose another",
        )


def tell(server: Server) -> Told:
    """User and password come from a file of options."""
    login = (
        f"[client]\nuser = {QUOTE}{server.user}{QUOTE}\npassword = {QUOTE}{server.secret.reveal()}{QUOTE}\n"
    )
    command = (f"--config.my-cnf={secret_at(OPTIONS)}", f"--mysqld.address={server.at}")
    return Told(command, (), ((OPTIONS, login),))


MYSQL = Kind(
    form=Form("mysql", "mysqld_exporter", 3306, "needed", fits=fits),
    title="MySQL",
    purpose="figures of MySQL and MariaDB servers",
    port=PORT,
    packaged=Packaged("prom/mysqld-exporter:v0.19.0", "prometheus-mysqld-exporter", PROGRAM, "0"),
    tell=tell,
    health=wget(PORT, "/"),
    up="mysql_up",
)

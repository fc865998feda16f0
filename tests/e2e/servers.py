"""Real servers from Debian's packages, in one image made by the project's own recipe mechanism, for tests of exporters.

Each runs in a container of its own as an ordinary user, keeps its data in memory, and logs in with ``PASSWORD``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker

from stack.engine.docker import DockerEngine
from stack.engine.interface import ImageConfig
from stack.images.catalog import Catalog
from stack.images.local import LocalBuilder
from stack.images.pins import Pin
from stack.images.recipes import ACCOUNTS, APPLETS, COMMON, LINKS, Recipe

UID = 999
PASSWORD = "a#b;c\"d'e"
SQL_PASSWORD = PASSWORD.replace("'", "''").replace("\\", "\\\\")
FREE = ("chmod", "chown", "mv", "printf", "sed", "seq")
POSTGRES = f"""
P=/usr/lib/postgresql/18/bin; D=/tmp/pg
$P/initdb -D $D -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
cat >/tmp/init.sql <<'END'
CREATE ROLE monitor LOGIN PASSWORD '{SQL_PASSWORD}' IN ROLE pg_monitor
END
$P/postgres --single -D $D postgres </tmp/init.sql >/dev/null
echo 'host all all all scram-sha-256' >$D/pg_hba.conf
exec $P/postgres -D $D -k /tmp -c listen_addresses='*' -c fsync=off
"""
MARIADB = f"""
D=/tmp/my; mkdir -p $D/mysql
S=/usr/share/mariadb
cat >/tmp/init.sql <<'END'
CREATE USER 'monitor'@'%' IDENTIFIED BY '{SQL_PASSWORD}';
GRANT PROCESS, REPLICATION CLIENT, SLAVE MONITOR, SELECT ON *.* TO 'monitor'@'%';
END
(echo 'use mysql;'
 cat $S/mariadb_system_tables.sql $S/mariadb_performance_tables.sql $S/mariadb_system_tables_data.sql
) | /usr/sbin/mariadbd --no-defaults --bootstrap --datadir=$D --skip-networking --innodb-log-file-size=8M \
      --innodb-buffer-pool-size=16M --tmpdir=/tmp --lc-messages-dir=$S
exec /usr/sbin/mariadbd --no-defaults --datadir=$D --socket=/tmp/my.sock --pid-file=/tmp/my.pid --tmpdir=/tmp \
      --innodb-buffer-pool-size=16M --innodb-log-file-size=8M --init-file=/tmp/init.sql --bind-address=0.0.0.0 \
      --lc-messages-dir=$S
"""
REDIS = f"""
cat >/tmp/redis.conf <<'END'
requirepass "{PASSWORD.replace('"', chr(92) + '"')}"
dir /tmp
maxmemory 50mb
END
exec redis-server /tmp/redis.conf
"""
NGINX_HEAD = """\
pid /tmp/nginx.pid;
daemon off;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
  uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
"""
"""What an nginx without privileges begins with; the block http is still open."""
NGINX = (
    f"""
cat >/tmp/nginx.conf <<'END'
{NGINX_HEAD}"""
    """  server { listen 8080; location = /stub_status { stub_status; } location / { return 200 "hello\n"; } }
}
END
exec nginx -e stderr -c /tmp/nginx.conf
"""
)
HAPROXY = """
cat >/tmp/haproxy.cfg <<'END'
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend stats
  bind *:8404
  stats enable
  stats uri /stats
frontend web
  bind *:8000
  default_backend web
backend web
  server one nginx:8080 check resolvers none init-addr none
resolvers none
  nameserver local 127.0.0.11:53
END
exec haproxy -W -db -f /tmp/haproxy.cfg
"""
MEMCACHED = "exec memcached -l 0.0.0.0 -m 16\n"
VICTORIA = """
exec victoria-metrics -storageDataPath=/tmp/vm -httpListenAddr=:8428 -httpAuth.username=writer \\
  -httpAuth.password=secret -search.latencyOffset=1s -memory.allowedBytes=64MB -loggerLevel=WARN
"""
SERVERS = {
    "postgres": POSTGRES,
    "mariadb": MARIADB,
    "redis": REDIS,
    "nginx": NGINX,
    "haproxy": HAPROXY,
    "memcached": MEMCACHED,
    "victoria": VICTORIA,
}
PACKAGES = (
    "postgresql-18",
    "redis-server",
    "mariadb-server",
    "nginx",
    "haproxy",
    "memcached",
    "victoria-metrics",
    "caddy",
)
PIN = Pin("test-servers", "monitoring-stack-test/servers:3", ("/usr/sbin/haproxy", "-v"))


def recipe() -> Recipe:
    """All servers in one tree."""
    passwd, group = (text for _, text in ACCOUNTS)
    wanted = {"basename", "dirname", *FREE}.difference(APPLETS)
    return Recipe(
        (*COMMON, *PACKAGES),
        "haproxy",
        ImageConfig(("/bin/sh",), user=f"{UID}:{UID}", env=(("PATH", "/usr/sbin:/usr/bin"), ("LC_ALL", "C"))),
        files=(
            ("etc/passwd", f"{passwd}tester:x:{UID}:{UID}:tester:/tmp:/bin/sh\n"),
            ("etc/group", f"{group}tester:x:{UID}:\n"),
        ),
        links=(*LINKS, *((f"usr/bin/{name}", "busybox") for name in sorted(wanted))),
        left_out=(
            "usr/share/man/*", "usr/share/doc/*", "usr/share/locale/*", "usr/lib/postgresql/*/lib/bitcode/*",
            "usr/lib/*/gconv/*", "usr/share/perl*", "usr/lib/*/perl*", "usr/bin/perl*", "usr/include*",
            "usr/lib/llvm*", "usr/lib/*/libLLVM*", "usr/bin/mariadb-*", "usr/bin/mariadb",
        ),
    )  # fmt: skip


def image(engine: DockerEngine, cache: Path) -> str:
    """The image's reference, built where it is not there."""
    catalog = Catalog({PIN.component: PIN}, {PIN.component: recipe})
    there = engine.image(PIN.local)
    if there is None or there.labels.get("monitoring-stack.recipe") != recipe().digest():
        LocalBuilder(engine, cache, catalog, lambda _: None).build((PIN.component,))
    return PIN.local


@contextmanager
def running(reference: str, network: str, *names: str) -> Iterator[dict[str, Any]]:
    """The named servers in containers on a network of their own, each known by its name there."""
    client = docker.from_env()
    made: dict[str, Any] = {}
    net = client.networks.create(network)
    try:
        for name in names:
            made[name] = client.containers.run(
                reference,
                ["-c", SERVERS[name]],
                name=f"{network}-{name}",
                detach=True,
                network=network,
                networking_config={network: client.api.create_endpoint_config(aliases=[name])},
                tmpfs={"/tmp": "rw,exec,size=400m,mode=1777"},
                environment={"HOME": "/tmp"},
            )
        yield made
    finally:
        for container in made.values():
            container.remove(force=True, v=True)
        net.reload()
        for other in net.containers:
            net.disconnect(other, force=True)
        net.remove()

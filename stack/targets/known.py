"""Well-known servers that speak no metrics themselves: by their image, and what watches them. Pure."""

from __future__ import annotations

from msgspec import Struct


class Server(Struct, frozen=True):
    """A kind of server. ``exporter``: the one of ``exporter add``, empty where the bundle has none.

    ``port``: where it serves metrics itself once ``switch`` is done.
    """

    title: str
    exporter: str = ""
    port: int = 0
    switch: str = ""


POSTGRES = Server("PostgreSQL", "postgres")
REDIS = Server("Redis", "redis")
MYSQL = Server("MySQL", "mysql")
NGINX = Server("nginx", "nginx")
MEMCACHED = Server("memcached", "memcached")
HAPROXY = Server("HAProxy", "haproxy")
RABBITMQ = Server("RabbitMQ", port=15692, switch="rabbitmq-plugins enable rabbitmq_prometheus")
MONGODB = Server("MongoDB")
SERVERS = {
    "postgres": POSTGRES,
    "postgresql": POSTGRES,
    "postgis": POSTGRES,
    "timescaledb": POSTGRES,
    "pgvector": POSTGRES,
    "redis": REDIS,
    "redis-stack": REDIS,
    "redis-stack-server": REDIS,
    "valkey": REDIS,
    "mysql": MYSQL,
    "mysql-server": MYSQL,
    "mariadb": MYSQL,
    "percona": MYSQL,
    "percona-server": MYSQL,
    "nginx": NGINX,
    "nginx-unprivileged": NGINX,
    "openresty": NGINX,
    "rabbitmq": RABBITMQ,
    "mongo": MONGODB,
    "mongodb": MONGODB,
    "mongodb-community-server": MONGODB,
    "haproxy": HAPROXY,
    "memcached": MEMCACHED,
}
"""By the last part of an image's name, whoever made it."""


def server_of(image: str) -> Server | None:
    """The kind of server that an image holds, as its name says; None where it is no well-known one."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return SERVERS.get(name.lower())

"""Dashboards of the servers that exporters watch, one module a kind; ``EXPORTERS`` is the list of them."""

from __future__ import annotations

from stack.dashboards.exporters.haproxy import HAPROXY
from stack.dashboards.exporters.memcached import MEMCACHED
from stack.dashboards.exporters.mysql import MYSQL
from stack.dashboards.exporters.nginx import NGINX
from stack.dashboards.exporters.postgres import POSTGRES
from stack.dashboards.exporters.processes import PROCESSES
from stack.dashboards.exporters.redis import REDIS
from stack.dashboards.model import Dashboard

EXPORTERS: tuple[Dashboard, ...] = (POSTGRES, REDIS, MYSQL, NGINX, MEMCACHED, HAPROXY, PROCESSES)

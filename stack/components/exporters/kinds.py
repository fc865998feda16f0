"""The one list of kinds of exporters, in the order of documents."""

from __future__ import annotations

from stack.components.exporters.haproxy import HAPROXY
from stack.components.exporters.kind import Kind
from stack.components.exporters.memcached import MEMCACHED
from stack.components.exporters.mysql import MYSQL
from stack.components.exporters.nginx import NGINX
from stack.components.exporters.postgres import POSTGRES
from stack.components.exporters.process import PROCESS
from stack.components.exporters.redis import REDIS

KINDS: tuple[Kind, ...] = (POSTGRES, REDIS, MYSQL, NGINX, MEMCACHED, HAPROXY, PROCESS)
BY_WORD = {kind.form.word: kind for kind in KINDS}

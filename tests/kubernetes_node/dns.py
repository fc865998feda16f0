"""Stands in for a cluster's DNS: addresses of Services, read from the API server.

python -m tests.kubernetes_node.dns API TOKEN ADDRESS
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import time
import urllib.request
from typing import Any

FRESH = 1.0
A, IN = 1, 1
ANSWER, MISSING = 0x8580, 3


class Cluster:
    """The API server, whose answers are kept for a second."""

    def __init__(self, api: str, token: str) -> None:
        self.api, self.token = api, token
        self.context = ssl._create_unverified_context()
        self.kept: dict[str, tuple[float, Any]] = {}

    def get(self, path: str) -> Any:
        """The object; None where there is none."""
        when, value = self.kept.get(path, (0.0, None))
        if time.monotonic() - when < FRESH:
            return value
        request = urllib.request.Request(self.api + path, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=3) as answer:
                value = json.load(answer)
        except OSError:
            value = None
        self.kept[path] = (time.monotonic(), value)
        return value

    def addresses(self, name: str) -> list[str] | None:
        """Of a name like app.monitoring.svc.cluster.local; None where it is not known."""
        parts = name.rstrip(".").lower().split(".")
        if len(parts) != 5 or parts[2:] != ["svc", "cluster", "local"]:
            return None
        service = self.get(f"/api/v1/namespaces/{parts[1]}/services/{parts[0]}")
        if not service:
            return None
        if service["spec"].get("clusterIP") not in ("None", None):
            return [service["spec"]["clusterIP"]]
        selector = f"labelSelector=kubernetes.io/service-name={parts[0]}"
        found = self.get(f"/apis/discovery.k8s.io/v1/namespaces/{parts[1]}/endpointslices?{selector}") or {
            "items": []
        }
        return [
            address
            for one in found["items"]
            for endpoint in one.get("endpoints") or []
            if endpoint["conditions"].get("ready")
            for address in endpoint["addresses"]
        ]


def answered(cluster: Cluster, query: bytes) -> bytes:
    """The answer to one question."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += query[at] + 1
    (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
    found = cluster.addresses(".".join(labels))
    records = [
        b"\xc0\x0c" + struct.pack(">HHIH", A, IN, 2, 4) + socket.inet_aton(address)
        for address in (found or [] if kind == A else [])
    ]
    code = MISSING if found is None else 0
    head = query[:2] + struct.pack(">HHHHH", ANSWER | code, 1, len(records), 0, 0)
    return head + query[12 : at + 5] + b"".join(records)


def main() -> None:
    """Serves until it is ended."""
    api, token, address = sys.argv[1:]
    cluster = Cluster(api, token)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, peer = server.recvfrom(512)
        try:
            server.sendto(answered(cluster, query), peer)
        except (IndexError, KeyError, UnicodeDecodeError, OSError) as error:
            print(error, flush=True)


if __name__ == "__main__":
    main()

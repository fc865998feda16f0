"""Certificates and keys that native files name: with one that it cannot use a product starts, and leaves the job out.

Nothing is written: OpenSSL reads a pair from memory.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import yaml

from stack.common import yaml_edit as edit
from stack.model.left_out import shown
from stack.model.spec import ConfigFile

CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
ENCRYPTED = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
PEM = "it must be in PEM format, with -----BEGIN {}-----"
ANY_STRENGTH = "ALL:@SECLEVEL=0"
Fault = tuple[str, str, str, int]


def faults(text: str, secrets: Mapping[str, ConfigFile]) -> Iterator[Fault]:
    """Key, what is wrong, remedy and line; ``secrets`` by their paths in the container. Other files are not judged."""
    for mapping in _mappings(edit.compose(text), set()):
        named = {key: edit.member(mapping, key) for key in ("ca_file", "cert_file", "key_file")}
        given = {
            key: secrets[edit.text_of(node)] for key, node in named.items() if edit.text_of(node) in secrets
        }
        for key, what, hint in _of_one(given):
            node = named[key]
            yield key, what, hint, int(node.start_mark.line) + 1 if node else 1


def _of_one(given: Mapping[str, ConfigFile]) -> Iterator[tuple[str, str, str]]:
    for key in ("ca_file", "cert_file"):
        if key in given and not _certificates(given[key].content):
            yield key, f"{_name(given[key])} holds no certificate", PEM.format("CERTIFICATE")
    cert, own = given.get("cert_file"), given.get("key_file")
    if own and any(word in own.content for word in ENCRYPTED):
        yield (
            "key_file",
            f"{_name(own)} is encrypted",
            "nobody is asked for its password: openssl pkey decrypts it",
        )
    elif own and not KEY.search(own.content):
        yield "key_file", f"{_name(own)} holds no private key", PEM.format("PRIVATE KEY")
    elif own and cert and (why := _parted(cert.content, own.content)):
        yield "key_file", f"{_name(own)} does not belong to {_name(cert)}: {why}", "name the two that do"


def _certificates(content: bytes) -> bool:
    """Whether one certificate of it can be read; others beside it are passed over, as the products do."""
    return any(_readable(found[0].decode("ascii", "ignore")) for found in CERTIFICATE.finditer(content))


def _readable(block: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _parted(certificate: bytes, key: bytes) -> str:
    """Why the two cannot be used together; empty where they can."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(ANY_STRENGTH)  # what is too weak for us may do for the product
    with _in_memory(certificate) as one, _in_memory(key) as other:
        try:
            context.load_cert_chain(f"/proc/self/fd/{one.fileno()}", f"/proc/self/fd/{other.fileno()}")
        except ssl.SSLError as error:
            return (error.reason or str(error)).replace("_", " ").lower()
    return ""


def _in_memory(content: bytes) -> BinaryIO:
    file = os.fdopen(os.memfd_create("certificate"), "w+b")
    file.write(content)
    file.flush()
    return file


def _mappings(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.MappingNode]:
    """``seen``: an alias is the node that it stands for, which may be the one it stands in."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield node
    below = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else edit.items(node)
    for one in below:
        yield from _mappings(one, seen)


def _name(file: ConfigFile) -> str:
    return shown(file.origin or file.path)

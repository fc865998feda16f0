"""config_gate: a document is a policy, or the rejection names the key, the range and what was there."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.app.gates.config import check_config
from stack.app.gates.policy import DEFAULT_POLICY
from tests.unit.app.gates.gate_support import rejection

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


def test_what_a_document_leaves_out_keeps_its_default() -> None:
    assert check_config("{}").value == DEFAULT_POLICY


def test_a_document_sets_what_it_names() -> None:
    accepted = check_config(
        "url:\n  allowed_ports: [443, 8443]\n  timeout_seconds: 2\n"
        "storage: {durable: false}\narchive: {max_ratio: 50}\ntools: {denied: [wait]}\n"
    )
    policy = accepted.value
    assert accepted.gate == "config_gate"
    assert (policy.url.allowed_ports, policy.url.timeout_seconds) == ((443, 8443), 2.0)
    assert isinstance(policy.url.timeout_seconds, float)
    assert (policy.storage.durable, policy.archive.max_ratio) == (False, 50.0)
    assert (policy.tools.denied, policy.path) == (("wait",), DEFAULT_POLICY.path)


def test_a_list_of_hosts_may_fill_a_document() -> None:
    hosts = [f"h{number}.example" for number in range(3500)]
    assert check_config(f"url: {{denied_hosts: {hosts}}}").value.url.denied_hosts == tuple(hosts)


def test_json_is_read_too() -> None:
    assert check_config('{"path": {"max_depth": 5}}').value.path.max_depth == 5


def test_a_byte_order_mark_is_skipped() -> None:
    assert check_config("\ufeffurl: {}\r\n").value == DEFAULT_POLICY


def test_the_example_is_the_default_policy() -> None:
    example = Path(__file__).parents[4] / "examples" / "policy.yaml"
    assert check_config(example.read_text(encoding="utf-8")).value == DEFAULT_POLICY


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ("", "the document: must be a mapping of keys to values, got nothing"),
        ("just text", "the document: must be a mapping of keys to values, got text"),
        ("- 1", "the document: must be a mapping of keys to values, got a list"),
        ("url: [", "not valid YAML"),
        ("\tx: 1", "line 1, column 1: not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("url: {}\nurl: {}", "line 2: the key 'url' is there twice"),
        ("url: {max_length: 20, max_length: 30}", "line 1: the key 'max_length' is there twice"),
        (BOMB, "line 2: write the value out; aliases are not allowed"),
        ("a: &a [*a]", "aliases are not allowed"),
        ("<<: {url: {}}", "a key must be plain text"),
        ("? [a]\n: 1", "a key must be plain text"),
        ("[" * 1000, "must be at most 16 levels deep"),
        ("{a: " * 1000, "must be at most 16 levels deep"),
        (f"a: [{'1,' * 5000}]", "must hold at most 5000 values"),
        ("url: {}\n---\nurl: {}", "another document"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("url: !!python/name:os.system", "could not determine a constructor"),
        ("#" * 70_000, "must have at most 65536 bytes"),
        ("url: text", "url: must be a mapping of keys to values, got text"),
        ("url: {allowed_ports: 80}", "url.allowed_ports: must be a list, got a whole number"),
        ("url: {allowed_ports: ['80']}", "url.allowed_ports[0]: must be a whole number, got text"),
        (
            "url: {allowed_ports: [80, true]}",
            "url.allowed_ports[1]: must be a whole number, got true or false",
        ),
        ("url: {allowed_hosts: [no]}", "url.allowed_hosts[0]: must be text, got true or false"),
        ("url: {max_redirects: 1.5}", "url.max_redirects: must be a whole number, got a number"),
        ("url: {timeout_seconds: '5'}", "url.timeout_seconds: must be a number, got text"),
        ("storage: {durable: 1}", "storage.durable: must be true or false, got a whole number"),
        ("path: 2026-01-01", "path: must be a mapping of keys to values, got date"),
        ("path: {max_depth: " + "9" * 5000 + "}", "integer string conversion"),
        ("path: {max_depth: !!int ''}", "a value that its type does not allow"),
        ("path: {max_depth: !!int '-'}", "a value that its type does not allow"),
        ("path: {max_depth: !!float ''}", "a value that its type does not allow"),
        ("path: {max_depth: !!int x}", "a value that its type does not allow"),
        ("path: {max_depth: 0b_}", "a value that its type does not allow"),
        ("storage: {durable: !!bool x}", "a value that its type does not allow"),
        ("path: !!timestamp x", "a value that its type does not allow"),
        ("path: 2026-13-45", "a value that its type does not allow"),
        ("url: {timeout_seconds: 1" + ":1" * 200 + ".0}", "int too large to convert to float"),
        ("!!int '': 1", "a value that its type does not allow"),
        ("!!binary '\xe9'", "not valid YAML"),
        ("\ufeff", "the document: must be a mapping of keys to values, got nothing"),
        ("\ud800", "not valid YAML"),
        ('url: {}\n"\\x75rl": {}', "line 2: the key 'url' is there twice"),
    ],
)
def test_not_parseable_or_a_wrong_type(document: str, hint: str) -> None:
    refused = rejection(check_config, document)
    assert (refused.error_code, hint in refused.hint) == ("E_CONFIG_INVALID", True), refused.hint


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ("url: {allowed_ports: [80, 70000]}", "url.allowed_ports[1]: must be 1-65535, got 70000"),
        ("url: {allowed_ports: [0]}", "url.allowed_ports[0]: must be 1-65535, got 0"),
        ("url: {timeout_seconds: .nan}", "url.timeout_seconds: must be 0.05-300, got nan"),
        ("url: {timeout_seconds: .inf}", "url.timeout_seconds: must be 0.05-300, got inf"),
        ("url: {timeout_seconds: 0x" + "f" * 9000 + "}", "got a number of thousands of digits"),
        ("path: {max_depth: -1}", "path.max_depth: must be 1-256, got -1"),
        ("archive: {max_ratio: 0}", "archive.max_ratio: must be 1-100000, got 0"),
        ("archive: {max_total_bytes: 1000}", "must be at most archive.max_total_bytes, got 104857600"),
        ("urls: {}", "urls: unknown key; did you mean url?"),
        ("url: {allowed_port: [80]}", "url.allowed_port: unknown key; did you mean allowed_ports?"),
        ("zzz: 1", "zzz: unknown key; known are url, path, archive, storage, db, tools"),
        ('"a\\nb": 1', "a\\nb: unknown key"),
        ("1: 2", "1: unknown key"),
        ("? 0x" + "f" * 9000 + "\n: 2", "a number of thousands of digits: unknown key"),
        ("path: {? 0x" + "f" * 9000 + " : 2}", "path.a number of thousands of digits: unknown key"),
        ("path: {max_depth: 1" + ":1" * 20000 + "}", "got a number of thousands of digits"),
        ("url: {denied_hosts: [ok.com, 'a..b']}", "url.denied_hosts[1]: must be a host or *.host"),
        ("url: {allowed_hosts: ['http://x']}", "url.allowed_hosts[0]: must be a host or *.host"),
    ],
)
def test_out_of_range_or_unknown(document: str, hint: str) -> None:
    refused = rejection(check_config, document)
    assert (refused.error_code, hint in refused.hint) == ("E_CONFIG_VALIDATION", True), refused.hint

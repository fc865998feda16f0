"""Which address a host is asked at, where only its engine was named."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.cli.host_address import address_of
from stack.components.own_toml import Wrong


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ssh whose configuration knows one alias."""
    program = tmp_path / "ssh"
    program.write_text(
        '#!/bin/sh\n[ "$*" = "-G -l me -p 22 -- alias" ] && echo "hostname 10.0.0.7" || echo "user me"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return program


@pytest.mark.parametrize(
    ("engine", "address"),
    [
        ("tcp://10.0.0.8:2376", "10.0.0.8"),
        ("ssh://[fd00::7]:22", "fd00::7"),
        ("ssh://me@alias:22", "10.0.0.7"),
        ("tcp://localhost:2376", ("127.0.0.1", "::1")),
    ],
)
def test_it_is_that_of_the_machine_that_the_url_names(
    ssh: Path, engine: str, address: str | tuple[str, ...]
) -> None:
    assert address_of(engine) in (address if isinstance(address, tuple) else (address,))


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "no program"])
def test_without_an_answer_of_ssh_the_name_counts(ssh: Path, script: str) -> None:
    ssh.write_text(script)
    assert address_of("ssh://me@10.0.0.9") == "10.0.0.9"


@pytest.mark.parametrize(
    ("engine", "why"),
    [
        ("unix:///run/x.sock", "names no machine"),
        ("tcp://nowhere.invalid:1", "the address of nowhere.invalid is not"),
    ],
)
def test_what_names_no_address_is_told(ssh: Path, engine: str, why: str) -> None:
    with pytest.raises(Wrong, match=why) as told:
        address_of(engine)
    assert "--address IP" in told.value.hint

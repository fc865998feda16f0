"""An ssh:// URL in the words of the ssh program."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from stack.common.ssh_url import parsed

CASES = [
    ("ssh://Web1", ("", "Web1", "", ""), "ssh Web1", "Web1"),
    ("ssh://me@web1:2222", ("me", "web1", "2222", ""), "ssh -p 2222 me@web1", "web1:2222"),
    ("ssh://me@[fd00::7]", ("me", "fd00::7", "", ""), "ssh me@fd00::7", "fd00::7"),
    ("ssh://[fd00::7]:22/", ("", "fd00::7", "22", ""), "ssh -p 22 fd00::7", "[fd00::7]:22"),
    ("ssh://a%40b@web1/run/d.sock", ("a@b", "web1", "", "/run/d.sock"), "ssh a@b@web1", "web1"),
]


@pytest.mark.parametrize(("url", "parts", "by_hand", "place"), CASES)
def test_its_parts_and_its_words(url: str, parts: tuple[str, ...], by_hand: str, place: str) -> None:
    found = parsed(url)
    assert (found.user, found.host, found.port, found.path) == parts
    assert (found.by_hand, found.place) == (by_hand, place)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh here")
@pytest.mark.parametrize(("url", "parts"), [case[:2] for case in CASES])
def test_ssh_reads_the_words_alike(url: str, parts: tuple[str, ...]) -> None:
    asked = ["ssh", "-F", "none", "-G", *parsed(url).words]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    told = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    user, host, port, _ = parts
    assert (told["hostname"].lower(), told["port"]) == (host.lower(), port or "22")
    assert not user or told["user"] == user

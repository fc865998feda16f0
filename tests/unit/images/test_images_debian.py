"""Reading what apt says, and what happens when it says no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stack.common.errors import BuildFailed
from stack.images.debian import (
    LISTS_FRESH_SECONDS,
    Debian,
    Ended,
    Needs,
    alternatives,
    closure,
    configured_sites,
    debian_sites,
    obstacle,
    parse_inst,
)


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("Inst libc6 (2.43-7 Debian:testing [amd64])", ("libc6", "2.43-7", "amd64")),
        ("Inst tzdata (2026f-1 Debian:testing [all]) []", ("tzdata", "2026f-1", "all")),
        (
            "Inst busybox-static (1:1.38.0-3+b1 A:b, C:d [arm64])",
            ("busybox-static", "1:1.38.0-3+b1", "arm64"),
        ),
    ],
)
def test_a_simulated_install_names_its_packages(line: str, parsed: tuple[str, str, str]) -> None:
    assert parse_inst(line) == parsed


def test_only_debians_own_archive_is_a_site() -> None:
    listed = (
        "http://a/debian Debian Debian\nhttp://a/debian Debian Debian\nhttp://a/sec Debian Debian-Security\n"
    )
    assert debian_sites(listed + "http://u/ubuntu Ubuntu Ubuntu\n") == ("http://a/debian",)
    assert debian_sites("") == ()


def test_a_machine_without_an_index_still_has_sites() -> None:
    uris = (
        "'http://a/debian/dists/bookworm/InRelease' a_InRelease 0 \n"
        "'http://a/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0 \n"
        "'http://b/sec/dists/s/InRelease' b 0 \n"
    )
    assert configured_sites(uris) == ("http://a/debian", "http://b/sec")


def test_dependencies_are_groups_of_alternatives() -> None:
    field = "libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0, python3:any, "
    assert alternatives(field) == (("libc6",), ("debconf", "debconf-2.0"), ("python3",))


def test_closure_follows_names_and_what_they_stand_for() -> None:
    needs = {
        "app": Needs((("libc6",), ("awk",))),
        "libc6": Needs((("libgcc",), ("absent",))),
        "libgcc": Needs((("libc6",),)),
        "mawk": Needs((), frozenset({"awk"})),
        "other": Needs(()),
    }
    assert closure(["app"], needs) == ("app", "libc6", "libgcc", "mawk")


def test_obstacles_name_what_is_missing(tmp_path: Path) -> None:
    keyring = tmp_path / "keys.gpg"
    assert "apt-get and dpkg-deb" in obstacle(lambda _: None, (keyring,))
    assert "debian-archive-keyring" in obstacle(lambda tool: f"/usr/bin/{tool}", (keyring,))
    keyring.touch()
    assert obstacle(lambda tool: f"/usr/bin/{tool}", (keyring,)) == ""


class Apt:
    """Answers apt's questions; ``failing`` maps an argument to apt's errors for so many times."""

    def __init__(self, folder: Path, failing: dict[str, list[str]] | None = None) -> None:
        self.folder = folder
        self.failing = failing or {}
        self.asked: list[str] = []
        self.options: Sequence[str] = ()

    def __call__(self, argv: Sequence[str]) -> Ended:
        if argv[0] == "dpkg-deb":
            return Ended(0, "libc6 (>= 2), \n\n" if "tool_" in argv[-1] else ", \n\n", "")
        if argv[1] == "indextargets":
            return Ended(0, "http://a/debian Debian Debian\nhttp://b/debian Debian Debian\n", "")
        verb = next(word for word in argv if word in ("update", "--simulate", "--download-only"))
        self.asked.append(verb)
        self.options = argv
        if self.failing.get(verb):
            return Ended(100, "", self.failing[verb].pop(0))
        if verb == "--download-only":
            for name in ("tool_1%3a2.0_amd64.deb", "libc6_2.43_amd64.deb"):
                (self.folder / "var/cache/apt/archives" / name).touch()
        return Ended(0, "Inst tool (1:2.0 D:t [amd64])\nInst libc6 (2.43 D:t [amd64])\n", "")


def debian(tmp_path: Path, apt: Callable[[Sequence[str]], Ended], now: float = 0.0) -> Debian:
    keyring = tmp_path / "keys.gpg"
    keyring.touch()
    return Debian(tmp_path / "root", "amd64", apt, (keyring,), lambda: now)


def test_packages_come_with_what_they_need(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root")
    found = debian(tmp_path, apt).gather({"a": ("tool",), "b": ("libc6",)})
    assert [(d.name, d.version) for d in found["a"]] == [("libc6", "2.43"), ("tool", "1:2.0")]
    assert [d.name for d in found["b"]] == ["libc6"]
    assert apt.asked == ["update", "--simulate", "--download-only"]


def test_apt_gets_a_root_of_its_own_and_never_takes_unsigned_lists(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root")
    debian(tmp_path, apt).gather({"a": ("tool",)})
    assert f"Dir={tmp_path / 'root'}" in apt.options
    assert "APT::Get::AllowUnauthenticated=false" in apt.options
    assert "Acquire::AllowInsecureRepositories=false" in apt.options
    source = (tmp_path / "root/etc/apt/sources.list").read_text()
    assert f"signed-by={tmp_path / 'keys.gpg'}" in source
    assert "http://a/debian forky main" in source


def test_fresh_lists_are_not_fetched_again(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root")
    first = debian(tmp_path, apt)
    first.gather({"a": ("tool",)})
    stamp = (tmp_path / "root/updated-amd64").stat().st_mtime
    debian(tmp_path, apt, stamp + 1).gather({"a": ("tool",)})
    assert apt.asked.count("update") == 1
    debian(tmp_path, apt, stamp + LISTS_FRESH_SECONDS + 1).gather({"a": ("tool",)})
    assert apt.asked.count("update") == 2


def test_the_next_site_is_tried(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root", {"update": ["E: http://a/debian has no forky"]})
    debian(tmp_path, apt).gather({"a": ("tool",)})
    assert "http://b/debian" in (tmp_path / "root/etc/apt/sources.list").read_text()


def test_no_site_with_the_suite_is_an_error_in_apts_words(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root", {"update": ["E: no", "E: The repository is not signed."]})
    with pytest.raises(BuildFailed, match="The repository is not signed"):
        debian(tmp_path, apt).gather({"a": ("tool",)})


def test_old_lists_do_when_the_archive_is_out_of_reach(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root")
    debian(tmp_path, apt).gather({"a": ("tool",)})
    stamp = (tmp_path / "root/updated-amd64").stat().st_mtime
    apt.failing = {"update": ["E: no route", "E: no route"]}
    assert debian(tmp_path, apt, stamp + LISTS_FRESH_SECONDS + 1).gather({"a": ("tool",)})["a"]


def test_a_download_that_did_not_come_and_a_package_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root")

    def without_downloads(argv: Sequence[str]) -> Ended:
        return Ended(0, "", "") if "--download-only" in argv else apt(argv)

    with pytest.raises(BuildFailed, match=r"apt did not download tool_1%3a2\.0_amd64\.deb"):
        debian(tmp_path, without_downloads).gather({"a": ("tool",)})

    def without_reading(argv: Sequence[str]) -> Ended:
        return Ended(2, "", "") if argv[0] == "dpkg-deb" else apt(argv)

    with pytest.raises(BuildFailed, match=r"\.deb cannot be read") as caught:
        debian(tmp_path, without_reading).gather({"a": ("tool",)})
    assert caught.value.hint.startswith("remove /")


def test_a_vanished_package_renews_the_lists_once(tmp_path: Path) -> None:
    apt = Apt(tmp_path / "root", {"--download-only": ["E: 404 Not Found"]})
    debian(tmp_path, apt).gather({"a": ("tool",)})
    assert apt.asked.count("update") == 2
    apt.failing = {"--download-only": ["E: 404 Not Found", "E: 404 Not Found"]}
    with pytest.raises(BuildFailed, match="404"):
        debian(tmp_path, apt).gather({"a": ("tool",)})

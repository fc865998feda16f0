"""What must hold for every input: accepted paths stay inside, accepted URLs are public, extraction keeps its
budget, and a hostile archive is refused rather than a crash."""

from __future__ import annotations

import tempfile
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from stack.app.gates.archives.formats import is_archive
from stack.app.gates.config import check_config
from stack.app.gates.extraction import Extraction, extract
from stack.app.gates.filesystem import check_path
from stack.app.gates.policy import DEFAULT_POLICY, ArchivePolicy
from stack.app.gates.types import Accepted, Rejected
from stack.app.gates.url import check_url
from tests.unit.app.gates.archive_bytes import (
    TAR_END,
    ZipEntry,
    end_record,
    pax_header,
    tar_file,
    zip64_bytes,
    zip_bytes,
)
from tests.unit.app.gates.gate_support import make_tar, make_zip, save

ODD = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "\\",
        "%2e",
        "%2f",
        "%5c",
        "%25",
        "%00",
        "\0",
        "~",
        "C:",
        "．",
        "／",
        "‥",
        "%c0%ae",
        "%uff0e",
        "%ef%bc%8f",
        "&#46;",
        "0x2f",
        "∕",
        "\u200d",
        "\u0301",
        ";",
        " ",
        "CON",
    ]
)
PATHS = st.lists(st.one_of(ODD, st.text(max_size=3)), max_size=8).map("".join)
QUICK = settings(deadline=None, max_examples=100)


@QUICK
@given(PATHS)
def test_an_accepted_path_stays_inside_the_root(path: str) -> None:
    try:
        value = check_path(path, DEFAULT_POLICY.path).value
    except Rejected:
        return
    root = PurePosixPath("/srv/root")
    for reading in (value, unquote(value), unquote(unquote(value))):
        assert ".." not in PurePosixPath(reading).parts
        assert ".." not in PureWindowsPath(reading).parts
        assert not PureWindowsPath(reading).drive
        assert (root / reading).is_relative_to(root)
    assert check_path(value, DEFAULT_POLICY.path).value == value


@QUICK
@given(
    st.lists(st.sampled_from(["away", "in", "docs", "x", "./", "//"]), min_size=1, max_size=5).map("/".join)
)
def test_an_accepted_path_never_leaves_through_a_link(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        (root / "docs").mkdir(parents=True)
        (root / "away").symlink_to(folder)
        (root / "docs" / "away").symlink_to("../..")
        (root / "in").symlink_to("docs")
        try:
            value = check_path(path, DEFAULT_POLICY.path, root).value
        except Rejected:
            return
        assert (root / value).resolve().is_relative_to(root.resolve())


V4 = st.ip_addresses(v=4)
V6 = st.one_of(
    st.ip_addresses(v=6),
    V4.map(lambda v4: IPv6Address((0xFFFF << 32) + int(v4))),
    V4.map(lambda v4: IPv6Address((0x64FF9B << 96) + int(v4))),
    V4.map(lambda v4: IPv6Address((0x2002 << 112) + (int(v4) << 80))),
)
HOSTS = st.one_of(
    V4.map(str),
    V4.map(lambda v4: str(int(v4))),
    V4.map(lambda v4: hex(int(v4))),
    V4.map(lambda v4: f"0{int(v4):o}"),
    V6.map(lambda v6: f"[{v6}]"),
    st.text(min_size=1, max_size=12),
    st.just("example.com"),
)


def embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or int(address) >> 32 == 0x64FF9B << 64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@QUICK
@given(
    HOSTS,
    st.lists(st.one_of(V4, V6).map(str), max_size=3),
    st.sampled_from(["", ":80", ":443", "/a@b", "?x#y"]),
)
def test_an_accepted_url_has_public_addresses_only(host: str, answer: list[str], rest: str) -> None:
    try:
        value = check_url(f"http://{host}{rest}", DEFAULT_POLICY.url, lambda name: answer).value
    except Rejected:
        return
    assert value.addresses
    for text in value.addresses:
        address = embedded(ip_address(text))
        assert address.is_global
        assert not (
            address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
        )
    assert urlsplit(value.url).hostname == value.host.strip("[]")
    assert value.url.isascii()


@QUICK
@given(st.text(alphabet=st.characters(), max_size=60))
def test_any_text_as_a_url_is_a_decision(text: str) -> None:
    for url in (text, f"http://{text}"):
        try:
            check_url(url, DEFAULT_POLICY.url, lambda name: ["8.8.8.8"])
        except Rejected as refused:
            assert refused.value.isprintable()


YAML = st.sampled_from(
    [
        "!!int ",
        "!!float ",
        "!!bool ",
        "!!timestamp ",
        "!!binary ",
        "''",
        "x",
        "-",
        "0b_",
        "1",
        ":1",
        ".0",
        "? ",
        "&a ",
    ]
)


@QUICK
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(YAML, max_size=5).map("".join),
        st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists).map(repr),
    )
)
def test_any_text_as_a_policy_is_a_decision(text: str) -> None:
    for document in (text, f"url: {text}", f"url: {{allowed_ports: {text}}}"):
        try:
            check_config(document)
        except Rejected as refused:
            assert refused.hint.isprintable()


def attempt(data: bytes, policy: ArchivePolicy) -> Accepted[Extraction] | None:
    """Extracts; checks that a refusal leaves nothing and an acceptance keeps the budget on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = save(folder, data)
        try:
            accepted = extract(archive, folder / "out", policy, DEFAULT_POLICY.path)
        except Rejected:
            assert [path.name for path in folder.iterdir()] == [archive.name]
            return None
        files = [path for path in (folder / "out").rglob("*") if path.is_file()]
        sizes = [path.stat().st_size for path in files]
        assert len(list((folder / "out").rglob("*"))) <= policy.max_entries
        assert sum(sizes) == accepted.value.total_bytes <= policy.max_total_bytes
        assert max(sizes, default=0) <= policy.max_file_bytes
        assert not any(path.is_symlink() for path in (folder / "out").rglob("*"))
        return accepted


MEMBERS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "d/a", "d/e/a", "A", "../x", "c"]),
        st.binary(max_size=40).map(lambda b: b * 50),
    ),
    max_size=6,
)
SMALL = ArchivePolicy(
    max_entries=5, max_file_bytes=1500, max_total_bytes=3000, ratio_floor_bytes=500, max_ratio=20
)


@QUICK
@given(MEMBERS, st.sampled_from(["zip", "w", "w:gz", "w:xz"]))
def test_extraction_never_writes_more_than_the_budget(members: list[tuple[str, bytes]], kind: str) -> None:
    data = make_zip(members) if kind == "zip" else make_tar(members, kind)
    attempt(bytes(data), SMALL)


BASES = [
    bytes(make_zip([("a", b"x" * 300), ("d/b", b"y")])),
    bytes(make_tar([("a", b"x" * 300), ("d/b", b"y")])),
    zip_bytes(ZipEntry(flags=8, after=b"PK\7\x08" + bytes(12)), ZipEntry(b"d/b")),
    zip64_bytes(end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)),
    pax_header({"path": "d/\xe9"}) + tar_file() + TAR_END,
    tar_file("i.zip", zip_bytes(ZipEntry())) + TAR_END,
]


@QUICK
@given(
    st.sampled_from(BASES),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 3000),
)
def test_a_damaged_archive_is_a_decision(base: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(base)
    for at, value in changes:
        data[at % len(data)] = value
    attempt(bytes(data), DEFAULT_POLICY.archive)
    attempt(bytes(data[: max(cut, 1)]), DEFAULT_POLICY.archive)


@QUICK
@given(st.binary(max_size=600))
def test_any_bytes_as_a_head_are_a_decision(head: bytes) -> None:
    assert is_archive(head) in (True, False)

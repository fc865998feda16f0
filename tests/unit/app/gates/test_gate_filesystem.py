"""filesystem_gate: the published families of path traversal and confusion, and the ordinary paths beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest

from stack.app.gates.filesystem import check_path
from stack.app.gates.policy import DEFAULT_POLICY, PathPolicy
from tests.unit.app.gates.gate_support import code_of, rejection

POLICY = DEFAULT_POLICY.path


def code(path: str, policy: PathPolicy = POLICY, siblings: tuple[str, ...] = ()) -> str:
    return code_of(check_path, path, policy, siblings=siblings)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.txt", "a.txt"),
        ("docs/2026/report-final.pdf", "docs/2026/report-final.pdf"),
        ("./a//b/", "a/b"),
        (".gitignore", ".gitignore"),
        ("a..b", "a..b"),
        ("..hidden", "..hidden"),
        ("v1.2.3/notes", "v1.2.3/notes"),
        ("Dokumente/Größe – Übersicht.pdf", "Dokumente/Größe – Übersicht.pdf"),
        ("e\u0301te\u0301.txt", "\xe9t\xe9.txt"),
        ("日本語/ファイル.txt", "日本語/ファイル.txt"),
        ("A／B.txt", "A／B.txt"),
        ("می\u200cخواهم.txt", "می\u200cخواهم.txt"),
        ("\U0001f469\u200d\U0001f4bb.png", "\U0001f469\u200d\U0001f4bb.png"),
        ("50% off.txt", "50% off.txt"),
        ("100%25.txt", "100%25.txt"),
        ("my%20file.txt", "my%20file.txt"),
        ("~$report.docx", "~$report.docx"),
        ("console.log", "console.log"),
        ("com10", "com10"),
        ("wait….txt", "wait….txt"),
        ("To be continued…", "To be continued…"),
        ("Q：如何安装.md", "Q：如何安装.md"),
        ("为什么？.md", "为什么？.md"),
        ("～なみ～.txt", "～なみ～.txt"),
        ("½ cup.txt", "½ cup.txt"),
        ("¥100.txt", "¥100.txt"),
        ("~temp.txt", "~temp.txt"),
        ("backup~", "backup~"),
        ("5%fat.txt", "5%fat.txt"),
        ("10%-20%.csv", "10%-20%.csv"),
        ("%PATH%.txt", "%PATH%.txt"),
        ("caf%C3%A9.txt", "caf%C3%A9.txt"),
        ("0x5c00.dump", "0x5c00.dump"),
        ("trace_0x2f.bin", "trace_0x2f.bin"),
        ("R&D/plan.txt", "R&D/plan.txt"),
        ("a&amp;b&#46;txt", "a&amp;b&#46;txt"),
        (".. ..a", ".. ..a"),
        ("nul-report.txt", "nul-report.txt"),
        ("葛\U000e0100城.txt", "葛\U000e0100城.txt"),
        (" leading blank", " leading blank"),
        ("a'b (1) [x] {y} & + , ; = @ # $ ! ^ `", "a'b (1) [x] {y} & + , ; = @ # $ ! ^ `"),
    ],
)
def test_an_ordinary_path_is_accepted_in_its_normal_form(path: str, value: str) -> None:
    accepted = check_path(path, POLICY)
    assert (accepted.gate, accepted.value) == ("filesystem_gate", value)


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "./",
        "/",
        "/etc/passwd",
        "//server/share",
        "\\\\server\\share",
        "\\\\?\\C:\\x",
        "..",
        "../x",
        "a/../../x",
        "a/../b",
        "a/..",
        "..\\x",
        "a\\b",
        "C:\\x",
        "C:/x",
        "c:x",
        "~/.ssh/id_rsa",
        "a\0.txt",
        "%2e%2e/x",
        "%2E%2E/x",
        ".%2e/x",
        "%2e%2e%2fx",
        "..%2fx",
        "a%2fb",
        "a%5cb",
        "a%00.png",
        "%252e%252e%252fx",
        "%25252e%25252e%25252fx",
        "%" + "25" * 40 + "2fx",
        "%43:/x",
        "%c0%ae%c0%ae/x",
        "..%c0%afx",
        "%e0%80%ae%e0%80%ae/x",
        "%f0%80%80%ae/x",
        "%u002e%u002e/x",
        "a%u2216b/%u005cx",
        "．．/x",
        "‥/x",
        "％2e％2e/x",
        "a＼..＼x",
        "..;/x",
        "..;a=b/x",
        ".. /x",
        "... /x",
        "....//x",
        "...",
        "../" * 5000,
        "./~/x",
        ".//~",
        "%7e/x",
        "~root/.ssh/id_rsa",
        "%7Eroot/x",
        "~+/x",
        "～/x",
        "./C:/x",
        "C：/x",
        "／etc/passwd",
        "%ef%bc%8fetc/passwd",
        "%2e",
        "．",
        "%EF%BC%8E%EF%BC%8E/x",
        "%uff0e%uff0e/x",
        "%ef%bc%852e%ef%bc%852e/x",
        "%e0%40%ae%e0%40%ae/x",
        "%f8%80%80%80%ae%f8%80%80%80%ae/x",
        "%fc%80%80%80%80%ae%fc%80%80%80%80%ae/x",
        "..%f8%80%80%80%afx",
        "..%ef%bc%8fx",
        "a/..%u2215..%u2216x",
        "..%uEFC8x",
        "..%bg%qfx",
        "..∕x",
        "a∖..∖..∖x",
        "..¥..¥x",
        "..₩x",
        "0x2e0x2e0x2fx",
        "..0x5C..0x5Cx",
        "&#46;&#46;/x",
        "..&sol;x",
        "a&#92;b",
        "..%01/x",
        "..%0a/x",
        "..%3f/x",
        "..%23/x",
        "..#/x",
        ".%20./x",
        "..\u200d/x",
        ".\u200c./x",
        "..\xad/x",
    ],
)
def test_traversal_in_every_form(path: str) -> None:
    assert code(path) == "E_TRAVERSAL"


@pytest.mark.parametrize(
    "path",
    [
        "CON",
        "con",
        "nul.txt",
        "docs/AUX/x",
        "prn.tar.gz",
        "COM1",
        "com0",
        "COM¹.log",
        "LPT9 .x",
        "LPT³",
        "ＮＵＬ.txt",
        "ｃｏｎ/x",
        "CONIN$",
        "clock$",
        "a.",
        "a ",
        "folder./x",
        "aa:b",
        "file.txt:stream",
        "file.txt::$DATA",
        "a<b",
        "a>b",
        'a"b',
        "a|b",
        "what?",
        "*.txt",
        "a\tb",
        "a\nb",
        "a\x7fb",
        "a\x85b",
        "invoice\u202egnp.exe",
        "a\u2066b",
        "a\u200bb",
        "a\xadb",
        "a\u034fb",
        "a\u3164b",
        "a\uffa0b",
        "a\U000e0001b",
        "a\xa0",
        "a\u3000/b",
        "a\ufeffb",
        "a\u2028b",
        "a\ud800b",
        "a\uffffb",
    ],
)
def test_names_that_another_system_refuses(path: str) -> None:
    assert code(path) == "E_PORTABILITY"


def test_limits_are_exact() -> None:
    policy = replace(POLICY, max_depth=3, max_segment_bytes=8, max_path_bytes=20)
    cases = {
        "a/b/c": "ok",
        "a/b/c/d": "E_DEPTH",
        "12345678": "ok",
        "123456789": "E_SEGMENT_LEN",
        "éééé": "ok",
        "ééééé": "E_SEGMENT_LEN",
        "123456/123456/123456": "ok",
        "1234567/123456/123456": "E_PATH_LEN",
    }
    assert {path: code(path, policy) for path in cases} == cases


def test_default_limits() -> None:
    assert [code("/".join("a" * 32)), code("/".join("a" * 33))] == ["ok", "E_DEPTH"]
    assert [code("x" * 255), code("x" * 256), code("é" * 128)] == ["ok", "E_SEGMENT_LEN", "E_SEGMENT_LEN"]
    assert code("/".join(["y" * 200] * 6)) == "E_PATH_LEN"
    assert code("x" * 100_000) == "E_PATH_LEN"


@pytest.mark.parametrize(
    ("path", "siblings", "expected"),
    [
        ("readme.md", ("README.md",), "E_CASEFOLD_COLLISION"),
        ("straße", ("STRASSE",), "E_CASEFOLD_COLLISION"),
        ("\xe9", ("e\u0301",), "E_CASEFOLD_COLLISION"),
        ("e\u0301", ("\xe9",), "E_CASEFOLD_COLLISION"),
        ("Σας", ("ΣΑΣ",), "E_CASEFOLD_COLLISION"),
        ("\u212a", ("k",), "E_CASEFOLD_COLLISION"),
        ("docs/readme.md", ("README.md",), "E_CASEFOLD_COLLISION"),
        ("docs/readme.md", ("Docs/readme.md",), "E_CASEFOLD_COLLISION"),
        ("docs/readme.md", ("other/README.md",), "ok"),
        ("docs/readme.md", ("Docs/other.md",), "E_CASEFOLD_COLLISION"),
        ("docs/readme.md", ("docs/other.md", "docs"), "ok"),
        ("docs", ("Docs/",), "E_CASEFOLD_COLLISION"),
        ("docs", ("docs/",), "ok"),
        ("docs/a", ("./docs//A",), "E_CASEFOLD_COLLISION"),
        ("e\u0301", ("e\u0301",), "E_CASEFOLD_COLLISION"),
        ("\u212a", ("\u212a",), "E_CASEFOLD_COLLISION"),
        ("\xe9", ("\xe9",), "ok"),
        (".g\u200cit", (".git",), "E_CASEFOLD_COLLISION"),
        ("\ufb01le", ("FILE",), "E_CASEFOLD_COLLISION"),
        ("\u0130", ("i\u0307",), "E_CASEFOLD_COLLISION"),
        ("k\u0131z", ("kiz",), "ok"),
        ("a", ("", ".", "/", "\ud800", "b" * 100_000), "ok"),
        ("readme.md", ("readme.md",), "ok"),
        ("readme.md", ("readme.txt", "licence"), "ok"),
    ],
)
def test_collisions_with_siblings(path: str, siblings: tuple[str, ...], expected: str) -> None:
    assert code(path, siblings=siblings) == expected


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "Readme.md").touch()
    (tmp_path / "outside").mkdir()
    (root / "away").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("..")
    (root / "near").symlink_to("docs")
    (root / "loop").symlink_to("loop")
    (root / "file-away").symlink_to(tmp_path / "outside" / "missing")
    return root


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("docs/new.txt", "ok"),
        ("docs/Readme.md", "ok"),
        ("new/deep/file", "ok"),
        ("near/x", "ok"),
        ("away/x", "E_TRAVERSAL"),
        ("away", "E_TRAVERSAL"),
        ("up/x", "E_TRAVERSAL"),
        ("file-away", "E_TRAVERSAL"),
        ("loop/x", "E_TRAVERSAL"),
        ("docs/README.md", "E_CASEFOLD_COLLISION"),
        ("Docs/x", "E_CASEFOLD_COLLISION"),
    ],
)
def test_links_and_collisions_on_disk(root: Path, path: str, expected: str) -> None:
    assert code_of(check_path, path, POLICY, root) == expected


def test_a_path_that_the_disk_refuses_is_a_decision(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = replace(POLICY, max_path_bytes=4096)
    assert code_of(check_path, "/".join(["x" * 203] * 20), long, root) == "E_PATH_LEN"

    def locked(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", locked)
    assert "Permission denied" in rejection(check_path, "docs/x", POLICY, root).hint


def test_long_runs_of_combining_marks_take_no_time() -> None:
    marks = "a" + "\u0301\u0323" * 30_000
    started = perf_counter()
    assert code(marks) == "E_PATH_LEN"
    assert code("a", siblings=(marks,)) == "ok"
    assert perf_counter() - started < 1


def test_a_root_reached_through_a_link_is_fine(root: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(root)
    assert code_of(check_path, "docs/x", POLICY, alias) == "ok"


def test_the_rejection_names_the_path() -> None:
    refused = rejection(check_path, "../\nx", POLICY)
    assert (refused.gate, refused.value) == ("filesystem_gate", "../\\nx")

"""Secrets that lie in files: what would make each use of one fail. What they hold is never said. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterable

from stack.common.errors import ConfigurationInvalid
from stack.common.yaml_paths import named_files
from stack.model.spec import ConfigFile
from stack.validation.native import INSIDE, place, text_of

SEVERAL_LINES = (b"-----BEGIN ",)
"""What certificates and keys begin with: they are read line by line."""
ONE_LINE = "the secret as its one line, nothing else"
SAVE = "save it as UTF-8 without a byte order mark"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
TLS = frozenset({"ca_file", "cert_file", "key_file"})
"""Options whose files are judged as certificates and keys."""
URL, NUMBER = "url_file", "chat_id_file"
KEYS = ("token_file", "token_id_file", "_key_file", "credentials_file", "api_secret_file")
"""Ends of the names of options whose values are made by machines: no blank, no quote, nothing but ASCII."""
ASSIGNED = re.compile(r"(?:export\s+)?[A-Za-z_]\w*\s*=\s*[\"']?https?://")
NAMED = re.compile(
    r"(?:export\s+)?\w*(?:url|token|key|password|passwd|secret|webhook)\w*\s*=\s*[^\s=]", re.IGNORECASE
)
"""The line of a .env file. Of a password that may contain = only the usual names tell it apart."""
COMMENT = re.compile(r"#\s")
QUOTES = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019")
SCHEME = re.compile(r"(?:Bearer|Basic|Token)\s", re.IGNORECASE)
ADDRESS = re.compile(
    r"https?://(?P<login>[\w.~!$&'()*+,;=:%@-]*@)?(?:[\w.~%-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
TEMPLATE = "{{"
NUMBERED = re.compile(r"-?\d+")
Fault = tuple[str, str]
"""What is wrong, and the remedy."""


def check_secrets(files: Iterable[ConfigFile]) -> None:
    """Every secret of the user's own can be used for what it is named for; ``ConfigurationInvalid`` names its file."""
    listed = tuple(files)
    named = [one for file in listed if not file.secret for one in named_files(text_of(file))]
    for file in listed:
        if file.secret and file.origin:
            inside = INSIDE + file.origin.removeprefix("own/secrets/")
            options = [one.key for one in named if one.value == inside]
            if fault := secret_fault(file.content, options):
                raise ConfigurationInvalid(f"{place(file)}: {fault[0]}", hint=fault[1])


def secret_fault(content: bytes, options: Collection[str]) -> Fault | None:
    """What is wrong with a secret that these options name; None where nothing is known to be."""
    if any(sign in content for sign in SEVERAL_LINES) or (options and TLS.issuperset(options)):
        return None
    return _not_one_line(content) or _unlike(content.decode(errors="replace"), options)


def _unlike(text: str, options: Collection[str]) -> Fault | None:
    """What keeps one line from being what its options are for."""
    if COMMENT.match(text):
        return "it holds a comment, and no secret", ONE_LINE
    if NAMED.match(text) or ASSIGNED.match(text):
        return "a name and = before the secret, as in a .env file", ONE_LINE
    if any(one.endswith(URL) for one in options):
        return _no_address(text)
    if any(one.endswith(NUMBER) for one in options):
        return None if NUMBERED.fullmatch(text) else ("it is no number", "the number as its one line")
    return _no_key(text) if any(one.endswith(KEYS) for one in options) else None


def _not_one_line(content: bytes) -> Fault | None:
    """A line break or a blank at its end would be sent along, or refused."""
    if content.startswith(UTF_16) or b"\0" in content:
        return "it is UTF-16", SAVE
    if content.startswith(codecs.BOM_UTF8):
        return "it begins with a byte order mark", SAVE
    if not content.strip():
        return "it is empty", "the secret as its one line"
    if b"\n" in content.strip() or b"\r" in content.strip():
        return "more than one line", ONE_LINE
    if content != content.strip():
        return "a blank or an empty line around it", ONE_LINE
    return None


def _quoted(text: str) -> bool:
    return len(text) > 1 and text[0] + text[-1] in QUOTES


def _no_address(text: str) -> Fault | None:
    one = "one address, like https://HOST/PATH, as its one line"
    if TEMPLATE in text:
        return None
    if _quoted(text):
        return "quotes around the address", one
    if len(text.split()) > 1:
        return "more than one address, or a blank within it", one
    found = ADDRESS.fullmatch(text)
    if found and not PERCENT.search(found["login"] or ""):
        return None
    if "@" in text.partition("://")[2]:
        return (
            "the login in its address cannot be read",
            "write %XX for each other sign than letters and digits in it",
        )
    return "it holds no address that begins with http:// or https:// and a host", one


def _no_key(text: str) -> Fault | None:
    if _quoted(text):
        return "quotes around the secret", ONE_LINE
    if SCHEME.match(text):
        return (
            f"the word {text.split(maxsplit=1)[0].capitalize()} before the secret, which is added when it is sent",
            ONE_LINE,
        )
    if text.startswith("#"):
        return "it holds a comment, and no secret", ONE_LINE
    odd = next((sign for sign in text if not "!" <= sign <= "~"), "")
    return (f"a sign within it that no key has (U+{ord(odd):04X})", "copy it once more") if odd else None

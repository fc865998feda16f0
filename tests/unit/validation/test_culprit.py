"""The receiver that a tool complains of is the one without which it says something else."""

from __future__ import annotations

import pytest

from stack.model.spec import ConfigFile
from stack.validation.culprit import Files, culprit
from stack.validation.native import made_of

LINES = b"""\
receivers:
- {"name": "a"}  # stack.toml [receivers.a]
- {"name": "b"}  # own/receivers/b.toml
- {"name": "mine"}
routes:
- {"receiver": "a"}  # stack.toml [receivers.a]
- {"receiver": "b"}  # own/receivers/b.toml
- {"receiver": "a", "matchers": ["stack_receiver=\\"a\\""]}
- {"receiver": "b", "matchers": ["stack_receiver=\\"b\\""]}
"""


def file(content: bytes, source: bytes = b"receivers:") -> ConfigFile:
    return ConfigFile("alertmanager.yml", content, source=source)


def complains_of(name: bytes) -> object:
    def complaint(files: Files) -> str:
        text = files[0].content
        if b'"name": "' + name in text:
            return "it is bad"
        assert text.count(b"# ") == 2 and text.count(b"stack_receiver") == 1 and b'"mine"' in text, (
            "all lines of one place are left out, no others"
        )
        return "a route leads nowhere"

    return complaint


@pytest.mark.parametrize(
    ("name", "place"), [(b"a", "stack.toml [receivers.a]"), (b"b", "own/receivers/b.toml"), (b"mine", "")]
)
def test_one_without_which_it_says_something_else(name: bytes, place: str) -> None:
    complaint = complains_of(name)
    assert culprit((file(LINES),), "it is bad", complaint) == place  # type: ignore[arg-type]


def test_nobody_is_named_where_nothing_is_made_of_settings() -> None:
    assert culprit((file(LINES, b""),), "it is bad", lambda files: "never asked") == ""


MAILS = b"""\
receivers:
- {"name": "whole", "email_configs": [{"from": "c@d", "smarthost": "e:25"}]}  # stack.toml [receivers.whole]
- {"name": "a", "email_configs": [{"to": "from: you", "smarthost": "e:25"}]}  # stack.toml [receivers.a]
- {"name": "b", "email_configs": [{"to": "a@b", "from": "c@d"}]}  # own/receivers/b.toml
- {"name": "o", "opsgenie_configs": [{"api_key_file": "x"}]}  # own/receivers/o.toml
"""


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("no global SMTP from set", "stack.toml [receivers.a]"),
        ("no global SMTP smarthost set", "own/receivers/b.toml"),
        ("no global OpsGenie URL set", "own/receivers/o.toml"),
        ("no global OpsGenie API Key set either inline or in a file", "own/receivers/o.toml"),
        (
            "email: something else",
            "stack.toml [receivers.whole] or stack.toml [receivers.a] or own/receivers/b.toml",
        ),
        ("no global Slack API URL set", ""),
    ],
)
def test_of_an_option_that_is_missing_those_that_lack_it_are_named(said: str, places: str) -> None:
    assert made_of((file(MAILS),), said) == places

"""Where the file that Alertmanager shows parts from the rendered one."""

from __future__ import annotations

import pytest

from stack.checks.alertmanager_file import parting

FILE = "templates: [templates/*.tmpl]\nroute: {receiver: mine}\n"


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (
            "templates: [/etc/stack/current/templates/*.tmpl]\nroute: {receiver: other}\n",
            "route.receiver is other instead of mine",
        ),
        (
            "templates: [/etc/stack/current/other/*.tmpl]\nroute: {receiver: mine}\n",
            "templates[0] is /etc/stack/current/other/*.tmpl instead of templates/*.tmpl",
        ),
    ],
)
def test_a_path_that_was_made_absolute_is_no_difference(shown: str, told: str) -> None:
    assert parting(FILE, shown) == told

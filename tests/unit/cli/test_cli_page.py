"""One page, fetched: what is no address, no answer or no secret is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.cli.page import authorization, fetch
from stack.common.errors import StackError
from tests.loopback import serve


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "127.0.0.1:80", "http://", "http://127.0.0.1:port/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StackError, match="not an address"):
        fetch(url)


def test_an_answer_other_than_200_is_an_error() -> None:
    with serve({}) as url, pytest.raises(StackError, match="answered 404"):
        fetch(f"{url}/nothing")


@pytest.mark.parametrize(("content", "says"), [(None, "cannot read"), ("", "empty"), ("\n ", "empty")])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(StackError, match=says):
        authorization(str(file), "")

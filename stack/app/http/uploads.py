"""Uploads: a multipart body goes to one file as it arrives, within a budget that all uploads share.

The folder is not the one of journal and database, and what is not wanted (a second file, long fields, more bytes than
there is room for) ends the upload before it takes room. Parsing and writing happen in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, BinaryIO, Final, cast

from fastapi import Request, UploadFile
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData, Headers

from stack.app.http.problems import Problem
from stack.app.tools.workers import NoThread, Workers

AT_ONCE: Final = 32
PLACE_SECONDS: Final = 10.0
_MAX_FIELDS: Final = 8
_FIELDS: Final = ("file", "source_url")  # all others are ignored
_MAX_FIELD_BYTES: Final = 64 * 1024
_BUSY: Final = {"Retry-After": "5", "Connection": "close"}


class Spool:
    """The room for uploads: ``folder``, at most ``limit`` bytes and ``AT_ONCE`` uploads. For one event loop only."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self._limit = limit
        self._used = 0
        self._places = asyncio.Semaphore(AT_ONCE)

    async def enter(self, declared: int) -> None:
        """One more upload, when there is a place. Raises Problem when it cannot fit as things are."""
        try:
            async with asyncio.timeout(PLACE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise Problem(503, f"{AT_ONCE} uploads are under way: try again later", headers=_BUSY) from None
        try:
            self._require(declared)
        except Problem:
            self._places.release()
            raise

    def take(self, count: int) -> None:
        """Room for ``count`` bytes more. Raises Problem."""
        self._require(count)
        self._used += count

    def leave(self, count: int) -> None:
        """An upload and its bytes are gone."""
        self._used -= count
        self._places.release()

    def _require(self, count: int) -> None:
        if count > self._limit:
            raise Problem(413, f"uploads may take at most {self._limit} bytes in all: send less")
        if self._used + count > self._limit:
            raise Problem(503, "other uploads take the room for uploads: try again later", headers=_BUSY)


class _Form(FormData):
    """Fields and one file; closing it removes the file and gives its room back."""

    def __init__(
        self, items: Iterable[tuple[str, str | UploadFile]], remove: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(list(items))
        self._remove: Callable[[], Awaitable[None]] | None = remove

    async def close(self) -> None:
        """See ``FormData``, which would use threads that all requests share."""
        remove, self._remove = self._remove, None
        if remove is not None:
            await remove()


def is_form(headers: Headers) -> bool:
    """Whether the body goes to a file part by part; any other is kept in memory."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


async def spooled(request: Request, spool: Spool, threads: Workers) -> FormData:
    """The form of a request. A body that is no multipart form has no fields. Raises Problem."""
    if not is_form(request.headers):
        return FormData()
    _, options = parse_options_header(request.headers.get("content-type"))
    if not options.get(b"boundary"):
        raise Problem(400, "the multipart body has no boundary: name it in Content-Type (RFC 7578)")
    declared = request.headers.get("content-length", "0")
    try:
        parts, taken = _Parts(options[b"boundary"], spool.folder), 0
    except FormParserError as fault:
        raise Problem(400, f"the multipart body cannot be read: {fault}: correct Content-Type") from None
    # Nothing may fail between this and what gives the place back.
    await spool.enter(int(declared) if declared.isdecimal() else 0)
    try:
        async for chunk in request.stream():
            spool.take(len(chunk))
            taken += len(chunk)
            await threads.run(partial(parts.write, chunk))
        await threads.run(parts.finish)
    except BaseException as failure:
        await _removed(parts, threads, partial(spool.leave, taken))
        if isinstance(failure, FormParserError):
            raise Problem(400, "the body is no multipart form (RFC 7578): correct its form") from None
        raise
    return _Form(parts.items, partial(_removed, parts, threads, partial(spool.leave, taken)))


async def _removed(parts: _Parts, threads: Workers, leave: Callable[[], None]) -> None:
    """Removes the file in its turn, after what may still write to it: to free many megabytes takes a while."""
    try:
        removal = asyncio.wrap_future(threads.start(lambda _: parts.close()).future)
    except NoThread:
        parts.close()
        leave()
    else:
        removal.add_done_callback(lambda _: leave())
        await asyncio.shield(removal)


class _Parts:
    """Takes a multipart body in chunks; ``items`` are its fields and its file, in their order."""

    def __init__(self, boundary: bytes, folder: Path) -> None:
        self.items: list[tuple[str, str | UploadFile]] = []
        self._folder = folder
        self._files: list[IO[bytes]] = []
        self._headers: list[tuple[bytes, bytes]] = []
        self._header = [bytearray(), bytearray()]
        self._name = ""
        self._field: bytearray | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def write(self, chunk: bytes) -> None:
        """The next bytes. Raises FormParserError, Problem, OSError."""
        self._parser.write(chunk)

    def finish(self) -> None:
        """There are no more. Raises FormParserError, OSError."""
        self._parser.finalize()
        for file in self._files:
            file.flush()
            file.seek(0)

    def close(self) -> None:
        """Removes the file."""
        for file in self._files:
            with suppress(OSError):
                file.close()

    def _end_header(self) -> None:
        name, value = map(bytes, self._header)
        self._headers.append((name.lower(), value))
        self._header = [bytearray(), bytearray()]

    def _begin(self) -> None:
        _, options = parse_options_header(dict(self._headers).get(b"content-disposition"))
        if b"name" not in options:
            raise Problem(400, "a part of the form has no name: add it to Content-Disposition (RFC 7578)")
        if len(self.items) >= _MAX_FIELDS:
            raise Problem(400, f"the form has more than {_MAX_FIELDS} parts: send fewer")
        self._name = options[b"name"].decode("utf-8", "replace")
        if b"filename" in options and self._files:
            raise Problem(400, "the form holds more than one file: send one at a time")
        if self._name in _FIELDS and any(self._name == name for name, _ in self.items):
            raise Problem(400, "the form has a field twice, of which readers take one or the other: send one")
        if b"filename" not in options:
            self._field = bytearray()
            return
        file = NamedTemporaryFile(dir=self._folder, prefix="upload-")  # noqa: SIM115 - the form closes it
        self._files.append(cast("IO[bytes]", file))
        name = options[b"filename"].decode("utf-8", "replace")
        upload = UploadFile(cast(BinaryIO, file), filename=name, headers=Headers(raw=list(self._headers)))
        self.items.append((self._name, upload))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._files[-1].write(memoryview(data)[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > _MAX_FIELD_BYTES:
            raise Problem(400, f"a field of the form is larger than {_MAX_FIELD_BYTES} bytes: send less")

    def _end(self) -> None:
        if self._field is not None:
            self.items.append((self._name, self._field.decode("utf-8", "replace")))
            self._field = None


def path_of(upload: UploadFile) -> Path:
    """Where a spooled upload is, until its request ends."""
    return Path(cast(Any, upload.file).name)

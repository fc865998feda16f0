"""Images of the Docker engine: held, pulled, imported, built, saved. Where one comes from is decided elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from stack.common.errors import BuildFailed, EngineUnavailable, ImageError
from stack.engine import convert_images, failures
from stack.engine.client import CONFLICT, NOT_FOUND, TAR, Client, forgiving, lines, quoted
from stack.engine.interface import ImageConfig, ImageInfo
from stack.engine.transport import Refusal, Unreachable

BUILD_SECONDS = 900
PULL_SILENCE = 120.0
"""Seconds that a pull may say nothing once the registry has answered: a large layer is unpacked in silence."""

Progress = Callable[[str], None]


class Images:
    """Image by image, by reference or id. ``login`` gives the header that goes with a pull from a repository."""

    def __init__(self, client: Client, login: Callable[[str], dict[str, str]]) -> None:
        self._client = client
        self._login = login

    def image(self, ref: str) -> ImageInfo | None:
        """See ``Engine``."""
        found = self._client.found("image", ref)
        return convert_images.image_info(found) if found else None

    def pull(self, ref: str, progress: Progress, patience: float = 30.0) -> None:
        """See ``Engine``. Hanging up ends the pull in the engine too."""
        heard: list[str] = []
        try:
            for line in self._pulling(ref, patience):
                heard.append(line)
                progress(line)
        except (Unreachable, ValueError) as error:
            if not self._answers():
                raise self._client.silent(error) from error
            raise failures.silent_registry(ref, heard[-1] if heard else "", patience) from error

    def _pulling(self, ref: str, patience: float) -> Iterator[str]:
        name, tag = convert_images.split_ref(ref)
        wanted = {"fromImage": name, "tag": tag}
        try:
            reply = self._client.open(
                "POST", "images/create", query=wanted, headers=self._login(name), seconds=patience
            )
        except Refusal as error:
            raise failures.pull_error(ref, error.status, error.text) from error
        with reply:
            reply.allow_silence(PULL_SILENCE)
            for report in _until_error(reply.chunks, lambda text: failures.pull_error(ref, 0, text)):
                yield convert_images.progress_line(report)

    def _answers(self) -> bool:
        try:
            with self._client.asking("ask who answers"):
                return bool(self._client.read("GET", "_ping"))
        except EngineUnavailable:
            return False

    def import_image(self, tar: BinaryIO, tag: str, config: ImageConfig) -> str:
        """See ``Engine``; ``BuildFailed`` where the engine does not take it."""
        name, version = convert_images.split_ref(tag)
        wanted = {"fromSrc": "-", "repo": name, "tag": version, "changes": convert_images.changes(config)}
        return self._made(tag, "images/create", wanted, tar, lambda _: None)

    def build_image(self, context: BinaryIO, tag: str, labels: dict[str, str], progress: Progress) -> str:
        """See ``Engine``. The classic builder, which every engine has without a plugin."""
        return self._made(tag, "build", convert_images.build_params(tag, labels), context, progress)

    def _made(self, tag: str, path: str, wanted: dict[str, Any], tar: BinaryIO, progress: Progress) -> str:
        made = ""
        with self._making(tag):
            reply = self._client.open(
                "POST", path, query=wanted, data=tar, headers=TAR, seconds=BUILD_SECONDS
            )
            with reply:
                for report in _until_error(reply.chunks, lambda said: _not_made(tag, said)):
                    made = convert_images.made(report) or made
                    if line := report.get("stream", "").strip():
                        progress(line)
        found = self.image(tag)
        if found is None and made:  # Podman 4 names what it imports latest, whatever it was asked for
            self.tag(made, tag)
            found = self.image(tag)
        if found is None:
            raise BuildFailed(f"image {tag} vanished as soon as it was made", hint="run the command again")
        return found.id

    @contextmanager
    def _making(self, tag: str) -> Iterator[None]:
        with self._client.asking(f"make image {tag}"):
            try:
                yield
            except Refusal as error:
                raise _not_made(tag, error.text) from error

    def tag(self, image: str, ref: str) -> None:
        """See ``Engine``; ``ImageError`` where there is no such image."""
        found = self.image(image)
        if found is None:
            raise failures.image_missing(image)
        name, version = convert_images.split_ref(ref)
        with self._client.asking(f"tag {ref}"):
            self._client.read("POST", f"images/{found.id}/tag", query={"repo": name, "tag": version})

    def untag(self, ref: str) -> None:
        """See ``Engine``."""
        with self._client.asking(f"untag {ref}"), forgiving(NOT_FOUND, CONFLICT):
            self._client.read("DELETE", f"images/{quoted(ref)}")

    def save(self, refs: tuple[str, ...]) -> Iterator[bytes]:
        """See ``Engine``; ``ImageError`` where one of them is not there."""
        for ref in refs:
            if self.image(ref) is None:
                raise failures.image_missing(ref)
        return self._chunks(refs)

    def _chunks(self, refs: tuple[str, ...]) -> Iterator[bytes]:
        with (
            self._client.asking(f"save {', '.join(refs)}"),
            self._client.open("GET", "images/get", query={"names": refs}, seconds=BUILD_SECONDS) as reply,
        ):
            yield from reply.chunks

    def load(self, tar: BinaryIO) -> tuple[str, ...]:
        """See ``Engine``; ``ImageError`` where the tar holds no image."""
        told: dict[str, Any] = {"data": tar, "headers": TAR, "seconds": BUILD_SECONDS}
        with self._client.asking("load images"), self._client.open("POST", "images/load", **told) as reply:
            reports = list(_until_error(reply.chunks, _not_loaded))
        refs = tuple(filter(None, (convert_images.loaded(report.get("stream", "")) for report in reports)))
        if not refs:
            raise _not_loaded("it holds no image")
        return refs


def _until_error(chunks: Iterable[bytes], failure: Callable[[str], ImageError]) -> Iterator[dict[str, Any]]:
    """The engine answers 200 before the work begins, so a failure comes as one more report."""
    for line in filter(None, map(bytes.strip, lines(chunks))):
        report: dict[str, Any] = json.loads(line)
        if "error" in report:
            raise failure(str((report.get("errorDetail") or {}).get("message") or report["error"]))
        yield report


def _not_made(tag: str, text: str) -> BuildFailed:
    hint = failures.FREE_SPACE if failures.no_space(text) else ""
    return BuildFailed(f"image {tag} was not made: {failures.one_line(text)}", hint=hint)


def _not_loaded(text: str) -> ImageError:
    return ImageError(
        f"no image was loaded: {failures.one_line(text)}", hint="is it the output of images save?"
    )

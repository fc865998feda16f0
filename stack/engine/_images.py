"""Images of the Docker engine: held, pulled, imported, built, saved. Where one comes from is decided elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import requests

from stack.common.errors import BuildFailed, ImageError
from stack.engine import convert_images, failures
from stack.engine._calls import CONFLICT, NOT_FOUND, forgiving, text_of
from stack.engine._jobs import JobCalls
from stack.engine.interface import ImageConfig, ImageInfo

BUILD_SECONDS = 900
PULL_SILENCE = 120.0
"""Seconds that a pull may say nothing once the registry has answered: a large layer is unpacked in silence."""

Progress = Callable[[str], None]


class ImageCalls(JobCalls):
    """Image by image, by reference or id."""

    def image(self, ref: str) -> ImageInfo | None:
        """See ``Engine``."""
        found = self._found(self._api.inspect_image, ref)
        return convert_images.image_info(found) if found else None

    def pull(self, ref: str, progress: Progress, patience: float = 30.0) -> None:
        """See ``Engine``. Hanging up ends the pull in the engine too."""
        heard: list[str] = []
        try:
            for line in self._pulling(ref, patience):
                heard.append(line)
                progress(line)
        except (requests.RequestException, json.JSONDecodeError) as error:
            if not self._answers():
                raise failures.unavailable(self.address, error) from error
            raise failures.silent_registry(ref, heard[-1] if heard else "", patience) from error

    def _pulling(self, ref: str, patience: float) -> Iterator[str]:
        name, tag = convert_images.split_ref(ref)
        with self._api.post(
            self._url("images/create"),
            params={"fromImage": name, "tag": tag},
            headers=self._credentials(name),
            stream=True,
            timeout=patience,
        ) as response:
            if response.status_code != 200:
                raise failures.pull_error(ref, response.status_code, _message(response))
            _be_patient(response)
            for report in _reports(response, lambda text: failures.pull_error(ref, 0, text)):
                yield convert_images.progress_line(report)

    def _answers(self) -> bool:
        try:
            return bool(self._api.ping())
        except requests.RequestException:
            return False

    def import_image(self, tar: BinaryIO, tag: str, config: ImageConfig) -> str:
        """See ``Engine``; ``BuildFailed`` where the engine does not take it."""
        name, version = convert_images.split_ref(tag)
        with self._making(tag):
            text = self._api.import_image_from_data(
                tar, repository=name, tag=version, changes=convert_images.changes(config)
            )
            reports = [json.loads(line) for line in text.splitlines() if line.strip()]
            for _ in _until_error(reports, lambda said: _not_made(tag, said)):
                continue
        return self._id(tag)

    def build_image(self, context: BinaryIO, tag: str, labels: dict[str, str], progress: Progress) -> str:
        """See ``Engine``. The classic builder, which every engine has without a plugin."""
        # Not through the SDK: it would ask the user's credential helpers for every login first.
        with (
            self._making(tag),
            self._api.post(
                self._url("build"),
                params=convert_images.build_params(tag, labels),
                headers={"Content-Type": "application/tar"},
                data=context,
                stream=True,
                timeout=BUILD_SECONDS,
            ) as response,
        ):
            if response.status_code != 200:
                raise _not_made(tag, _message(response))
            for report in _reports(response, lambda said: _not_made(tag, said)):
                if line := report.get("stream", "").strip():
                    progress(line)
        return self._id(tag)

    @contextmanager
    def _making(self, tag: str) -> Iterator[None]:
        with self._asking(f"make image {tag}"):
            try:
                yield
            except requests.HTTPError as error:
                raise _not_made(tag, text_of(error)) from error

    def _id(self, ref: str) -> str:
        found = self.image(ref)
        if found is None:
            raise BuildFailed(f"image {ref} vanished as soon as it was made", hint="run the command again")
        return found.id

    def tag(self, image: str, ref: str) -> None:
        """See ``Engine``; ``ImageError`` where there is no such image."""
        found = self.image(image)
        if found is None:
            raise failures.image_missing(image)
        name, version = convert_images.split_ref(ref)
        with self._asking(f"tag {ref}"):
            self._api.tag(found.id, name, version)

    def untag(self, ref: str) -> None:
        """See ``Engine``."""
        with self._asking(f"untag {ref}"), forgiving(NOT_FOUND, CONFLICT):
            self._api.remove_image(ref)

    def save(self, ref: str) -> Iterator[bytes]:
        """See ``Engine``; ``ImageError`` where there is no such image."""
        if self.image(ref) is None:
            raise failures.image_missing(ref)
        return self._chunks(ref)

    def _chunks(self, ref: str) -> Iterator[bytes]:
        with self._asking(f"save {ref}"):
            yield from self._api.get_image(ref)

    def load(self, tar: BinaryIO) -> tuple[str, ...]:
        """See ``Engine``; ``ImageError`` where the tar holds no image."""
        with self._asking("load images"):
            reports = list(_until_error(self._api.load_image(tar), _not_loaded))
        refs = tuple(filter(None, (convert_images.loaded(report.get("stream", "")) for report in reports)))
        if not refs:
            raise _not_loaded("it holds no image")
        return refs


def _until_error(
    reports: Iterable[dict[str, Any]], failure: Callable[[str], ImageError]
) -> Iterator[dict[str, Any]]:
    """The engine answers 200 before the work begins, so a failure comes as one more report."""
    for report in reports:
        if "error" in report:
            raise failure(str((report.get("errorDetail") or {}).get("message") or report["error"]))
        yield report


def _reports(response: requests.Response, failure: Callable[[str], ImageError]) -> Iterator[dict[str, Any]]:
    return _until_error((json.loads(line) for line in response.iter_lines() if line), failure)


def _be_patient(response: requests.Response) -> None:
    """After the first answer silence means work, so the time for it grows."""
    socket = getattr(getattr(response.raw, "connection", None), "sock", None)
    if socket is not None:
        socket.settimeout(PULL_SILENCE)


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError):
        return response.text


def _not_made(tag: str, text: str) -> BuildFailed:
    hint = failures.FREE_SPACE if failures.no_space(text) else ""
    return BuildFailed(f"image {tag} was not made: {failures.one_line(text)}", hint=hint)


def _not_loaded(text: str) -> ImageError:
    return ImageError(
        f"no image was loaded: {failures.one_line(text)}", hint="is it the output of images save?"
    )

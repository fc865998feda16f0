"""Every error that a user can meet, as one tree; the exit code is a class attribute.

    StackError                 1  unexpected, or not covered below
    ├── UsageError             2  command line
    ├── SettingsError          2  settings, with the path of the value
    │   └── ConfigurationInvalid  2  a configuration file, with file and line
    ├── EngineUnavailable      3  no Docker engine answers
    ├── ImageError             4  an image cannot be had
    │   ├── RegistryUnreachable   4  nobody answers: try another way
    │   ├── PullRefused           4  the registry or engine said no
    │   └── BuildFailed           4  the local build failed
    ├── StartFailed            5  a step of the plan failed
    │   ├── PortTaken             5
    │   ├── NotReady              5  a container never answered
    │   ├── Busy                  5  another command holds the lock
    │   └── UpgradeUndone         5  a new image was not proven; the one of before runs with its data
    ├── SmokeFailed            6  a check found a fault
    ├── ArchiveRefused         8  a backup does not fit or is damaged; nothing was changed
    ├── Degraded               7  something optional is missing where it was required
    └── Interrupted          130

An error never prints itself and never carries a secret.
"""

from __future__ import annotations


class StackError(Exception):
    """What went wrong and where (``message``), how to mend it (``hint``), the container's last lines.

    Message and hint are one line each, whatever words of others they carry.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", logs: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = _one_line(message)
        self.hint = _one_line(hint)
        self.logs = logs
        self.details: dict[str, object] = {}
        """What ``--json`` shows beside the error, such as the findings that led to it."""

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


def _one_line(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines())


class UsageError(StackError):
    """The command line cannot be meant."""

    exit_code = 2


class SettingsError(StackError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 2


class ConfigurationInvalid(SettingsError):
    """A configuration file was refused before anything was written."""


class EngineUnavailable(StackError):
    """No Docker engine answers at the given address."""

    exit_code = 3


class ImageError(StackError):
    """An image cannot be had."""

    exit_code = 4


class RegistryUnreachable(ImageError):
    """The registry does not answer; another source may be tried."""


class PullRefused(ImageError):
    """The registry or the engine refused the pull: unknown tag, no permission, no space."""


class BuildFailed(ImageError):
    """A local build failed."""


class StartFailed(StackError):
    """A step of the plan failed."""

    exit_code = 5


class PortTaken(StartFailed):
    """A published port belongs to somebody else."""


class NotReady(StartFailed):
    """A container runs but never gave the awaited answer."""


class Busy(StartFailed):
    """Another command works on the same stack."""


class UpgradeUndone(StartFailed):
    """A new image did not hold what it must; the previous one runs again with the data of before."""


class SmokeFailed(StackError):
    """A check found a fault in a running stack."""

    exit_code = 6


class Degraded(StackError):
    """A component is absent although it was required."""

    exit_code = 7


class ArchiveRefused(StackError):
    """A backup is damaged, does not fit, or is none; nothing was changed."""

    exit_code = 8


class Interrupted(StackError):
    """Ctrl-C or SIGTERM; the next start converges."""

    exit_code = 130

"""The grammar of what keeps a stack's data: backup, restore, upgrade and repair."""

from __future__ import annotations

from stack.cli.grammar_parts import DRY_RUN, Command, flag, value

PASSPHRASE = value("--passphrase-file", metavar="FILE", help="file whose first line opens the secrets")
BACKUP = Command(
    "backup",
    "write the stack's data, settings and secrets into one file; list and verify such files",
    "backup:backup",
    (
        value("action", choices=("create", "list", "verify"), nargs="?", default="create"),
        value("file", nargs="?", metavar="FILE", help="archive to verify, or archive or folder to list"),
        value(
            "-o", "--output", metavar="FILE", help="file, or folder, to write (backups/ beside stack.toml)"
        ),
        value(
            "--keep", type=int, metavar="N", help="remove all but the N newest of this stack in that folder"
        ),
        PASSPHRASE,
        value("--recipient", metavar="AGE", help="age recipient (age1...) that the secrets are closed for"),
        DRY_RUN,
    ),
)
RESTORE = Command(
    "restore",
    "bring a stack back from a backup, under any name, and prove that its data is there",
    "restore:restore",
    (
        value("file", metavar="FILE", help="what backup wrote"),
        PASSPHRASE,
        value("--identity-file", metavar="FILE", help="age identity that opens the secrets"),
        flag("--without-secrets", help="leave the secrets of the backup out; start makes new ones"),
        value(
            "--files",
            choices=("keep", "replace"),
            help="where own/, stack.toml or .env differ: keep what is here, or replace it",
        ),
        flag("--no-start", help="end once the data is in place"),
        flag("-y", "--yes", help="replace data that is there without asking"),
        DRY_RUN,
    ),
)
REPAIR = Command(
    "repair",
    "find what is damaged in the data, and move just that aside",
    "repair:repair",
    (
        value("components", nargs="*", metavar="C", help="component (all that keep data)"),
        flag("-y", "--yes", help="do not ask"),
        flag("--dry-run", help="show it and move nothing"),
    ),
)
UPGRADE = Command(
    "upgrade",
    "take other images, one product after the other, each proven or undone with its data",
    "upgrade:upgrade",
    (
        value(
            "--to",
            action="append",
            default=[],
            metavar="IMAGE",
            help="pins (those of this bundle and its settings), or COMPONENT=IMAGE for one product",
        ),
        flag("--no-backup", help="write no file with the data before"),
        flag("--quick", help="end once the stack is checked"),
        flag("--no-smoke", help="end once the stack is ready"),
        DRY_RUN,
    ),
)
KEEPING_COMMANDS: tuple[Command, ...] = (BACKUP, RESTORE, UPGRADE, REPAIR)

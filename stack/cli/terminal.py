"""Draws what goes on at the lower end of a terminal: a bar where it is known how much is done, else a moving sign.

The one importer of rich, which costs a tenth of a second; so whoever shows nothing must not import this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, cast

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from stack.cli.activity import Row
from stack.cli.channel import Channel

MOST = 12
SUBJECT, BAR = 28, 16
"""Columns that these take where there is room."""
FOR_KEYS = 3
"""Columns left free at the right, where a terminal echoes what is typed meanwhile, such as ``^C``."""
EACH_SECOND = 10.0


class Drawing:
    """The rows, drawn again ten times a second until it is ended; nothing is left of them then."""

    def __init__(
        self, channel: Channel, rows: Callable[[], Sequence[Row]], console: Console | None = None
    ) -> None:
        self.console = console or Console(file=cast(IO[str], channel), highlight=False)
        self._rows = rows
        self._spinner = Spinner("dots" if self.console.encoding.startswith("utf") else "line")
        self._live = Live(
            console=self.console,
            get_renderable=self.picture,
            refresh_per_second=EACH_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def begin(self) -> None:
        """Draws from now on."""
        self._live.start()

    def end(self) -> None:
        """Takes the rows away and gives the cursor back."""
        self._live.stop()

    def picture(self) -> RenderableType:
        """The rows as they are now, each on one line; as many as there is room for."""
        rows, width = self._rows(), max(1, self.console.width - FOR_KEYS)
        room = max(1, min(MOST, self.console.height - 2))
        table = Table.grid(
            Column(width=1),
            Column(no_wrap=True, overflow="ellipsis", max_width=max(4, min(SUBJECT, width // 3))),
            Column(no_wrap=True, overflow="ellipsis", ratio=1),
            Column(no_wrap=True, justify="right", min_width=7),
            padding=(0, 1, 0, 0),
            expand=True,
        )
        table.width = width
        for row in rows[:room]:
            detail = Text(row.detail, no_wrap=True, overflow="ellipsis")
            table.add_row(
                self._spinner, Text(row.topic), _measured(detail, row.share), Text(f"{row.seconds:.1f} s")
            )
        if len(rows) > room:
            table.add_row("", "", Text(f"and {len(rows) - room} more", style="dim"), "")
        return table


def _measured(detail: Text, share: float | None) -> RenderableType:
    if share is None:
        return detail
    bar = Table.grid(
        Column(width=BAR), Column(ratio=1, no_wrap=True, overflow="ellipsis"), padding=(0, 1, 0, 0)
    )
    bar.expand = True
    bar.add_row(ProgressBar(total=1.0, completed=share, width=BAR), detail)
    return bar

"""What the command line shows while it works."""

import io

from rich.console import Console
from rich.progress import Progress, TextColumn

from stsun.terminal import ProgressBar


def test_a_progress_bar_says_what_is_being_done_behind_the_last_tile():
    seen = io.StringIO()
    words = TextColumn("{task.description}", markup=False)
    with Progress(words, console=Console(file=seen, force_terminal=True)) as bar:
        show = ProgressBar(bar, "tiles")
        show(3, 3)
        show.tell("writing m[/b].tif\x1b[2J")
    assert "writing m[/b].tif\\x1b[2J" in seen.getvalue() and bar.tasks[0].completed == 3

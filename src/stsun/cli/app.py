"""The program ``stsun``: what happens around every verb. Heavy imports wait inside the verbs."""

import io
import logging
import os
import signal
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stsun import __version__
from stsun.errors import StsunError
from stsun.terminal import printable

INTERRUPTED = 130
OUT_OF_MEMORY = ("allocate memory", "out of memory", "start new thread", "failed to map segment")
"""How libraries say it that have no exception of their own for it."""


class Verbs(TyperGroup):
    """All verbs; one that is interrupted says how to go on, and ends with 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, Exception) as error:
            stop = _interruption(error)
            if stop is None:
                raise
            typer.echo(f"stsun: {str(stop) or 'interrupted; run it again'}", err=True)
            raise typer.Exit(INTERRUPTED) from error


def _interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interruption that an error is or came of: tracing, as exports do, stumbles over one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


app = typer.Typer(
    name="stsun",
    cls=Verbs,
    help="One network for dense prediction from any remote-sensing imagery.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line.

    Exits with 0 on success, 2 on what the user can mend, 130 if interrupted (by Ctrl-C or SIGTERM), 1 on a bug.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _prepare_streams()
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # what it logs is in our error message, too
    try:
        app(prog_name="stsun")
    except StsunError as error:
        more = f"; see docs/{error.page}" if error.page else ""
        typer.echo(printable(f"stsun: {error}{more}"), err=True)
        sys.exit(2)
    except KeyboardInterrupt:  # before or after a verb
        sys.exit(INTERRUPTED)
    except Exception as error:
        if os.environ.get("STSUN_DEBUG") == "1":
            traceback.print_exc()
        if lacking := _lacking(error):
            typer.echo(printable(f"stsun: {lacking}; see docs/errors.md"), err=True)
            if type(error) is OSError:  # if it was stdout that takes no more, Python would stumble over the rest of it
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(2)
        typer.echo(
            f"stsun: this is a bug: {type(error).__name__}: {error}; "
            "please report it with the output of the same command under STSUN_DEBUG=1",
            err=True,
        )
        sys.exit(1)


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):  # not every terminal knows every character
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):  # as PYTHONUNBUFFERED=1 has it
        # what a disk that runs full takes only a part of is then cut off without a word; with a buffer it is an error
        sys.stdout = os.fdopen(
            sys.stdout.fileno(), "w", buffering=1, encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False
        )


def _lacking(error: Exception) -> str:
    """Return what the machine lacks, and what to do; empty where the error is another."""
    what, _, _ = (str(error) or type(error).__name__).partition("\n")
    if isinstance(error, MemoryError) or any(words in what for words in OUT_OF_MEMORY):
        return f"there is not enough memory ({what}); take smaller tiles, crops or samples, or fewer workers"
    if isinstance(error, OSError):
        return f"the system refuses: {what}; check the file or folder, its rights and the free space"
    return ""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stsun {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """One network for dense prediction from any remote-sensing imagery."""

"""The program ``stsun``: what happens around every verb. Heavy imports wait inside the verbs."""

import logging
import os
import sys
import traceback
from typing import Annotated

import typer

from stsun import __version__
from stsun.errors import StsunError

app = typer.Typer(
    name="stsun",
    help="One network for dense prediction from any remote-sensing imagery.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; exit with 0 on success, 2 on a user's error, 130 if interrupted, 1 on a bug."""
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # what it logs is in our error message, too
    try:
        app(prog_name="stsun")
    except StsunError as error:
        more = f"; see docs/{error.page}" if error.page else ""
        typer.echo(f"stsun: {error}{more}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("STSUN_DEBUG") == "1":
            traceback.print_exc()
        typer.echo(
            f"stsun: this is a bug: {type(error).__name__}: {error}; "
            "please report it with the output of the same command under STSUN_DEBUG=1",
            err=True,
        )
        sys.exit(1)


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

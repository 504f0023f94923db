"""The verb around a browser: view."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsun.cli.app import app
from stsun.cli.options import ModelOption

if TYPE_CHECKING:
    from torch import nn


@app.command(epilog="Example: stsun view maps/ 2018.tif 2024.tif")
def view(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", help="Folders of predictions or images, rasters, polygons, STAC items, data sets (.yaml)."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder for maps made from the page.")] = Path("stsun-view"),
    model: ModelOption = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8321,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other machines in; they see the files and can predict.")
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
) -> None:
    """Look at maps and images in a browser; predict from there."""
    from stsun.extras import extra_package

    for package in ("fastapi", "uvicorn"):
        extra_package(package, "view", "pages in a browser")
    from stsun.view.server import serve

    def load() -> "nn.Module":
        from stsun.model.checkpoint import load as load_checkpoint

        return load_checkpoint(model)

    serve(
        paths, output=output, load_model=load, host=host, port=port, remote=allow_remote, browser=browser,
        echo=typer.echo,
    )  # fmt: skip

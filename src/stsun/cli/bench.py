"""The verb that measures: bench."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsun.cli.app import app
from stsun.cli.options import ManyCases, check_apart, each
from stsun.errors import BenchmarkError
from stsun.files import write_text
from stsun.terminal import check_target, progress_bar, to_json

if TYPE_CHECKING:
    from stsun.bench.run import Run


@app.command(cls=ManyCases, epilog="Example: stsun bench --sizes tiny small --inputs 1x3x512x512 --json speed.json")
def bench(
    sizes: Annotated[list[str] | None, typer.Option("--sizes", help="Such as tiny small; left out: those two.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--inputs", metavar="TxCxHxW", help="Dates x bands x height x width, such as 24x10x128x128."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All sizes and inputs of the suite; left out: a minute's choice.")
    ] = False,
    specialised: Annotated[
        bool, typer.Option("--specialised/--generic", help="The network for each configuration, or the one for all.")
    ] = True,
    training: Annotated[bool, typer.Option("--training", help="Also time forward and backward.")] = False,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="How often each call is timed.")] = 3,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of torch.")] = 1,
    earlier: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take the figures from a file; measure nothing.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", metavar="OLD", help="Print ratios, new / old, to the figures of a file.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON; - prints them.")
    ] = None,
) -> None:
    """Measure what the network costs: operations, time, memory."""
    from stsun.bench.run import check_shared, read_run
    from stsun.bench.tables import cost_table, ratio_table

    printed = str(json_file) == "-"
    if printed and compare is not None:
        raise BenchmarkError("--json - prints JSON alone, --compare a table; give --json a file")
    if not printed:
        check_target(json_file)
        check_apart(json_file, [earlier, compare])
    old = None if compare is None else read_run(compare)
    if earlier is not None:
        if sizes or inputs or everything or training or not specialised:
            raise BenchmarkError("--from takes figures as they were measured; leave out what says what to measure")
        new = read_run(earlier)
        check_shared(new.of_cases, old)
    else:
        new = _measured(
            sizes, inputs, everything, specialised, old, repeats=repeats, threads=threads, training=training
        )
    if json_file is not None and not printed:
        write_text(json_file, to_json(asdict(new)) + "\n", BenchmarkError)
    typer.echo(to_json(asdict(new)) if printed else cost_table(new.costs))
    if old is not None:
        typer.echo(f"\nnew / old ({compare}):\n\n{ratio_table(new, old)}")


def _measured(
    sizes: list[str] | None,
    inputs: list[str] | None,
    everything: bool,
    specialised: bool,
    old: "Run | None",
    **how: Any,
) -> "Run":
    """Measure what is asked for; refuse first what has nothing in common with the old figures."""
    from stsun.bench.cases import cases_of
    from stsun.bench.run import check_shared, run

    cases = cases_of(each(sizes), each(inputs), everything=everything, specialised=specialised)
    check_shared(cases, old)
    with progress_bar("cases") as progress:
        return run(cases, progress=progress, **how)

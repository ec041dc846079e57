"""``kinelive bench``: costs as ratios within one run, against the plain thing next to them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.table import Table

from tools import (
    bench_accuracy,
    bench_figure,
    bench_filter,
    bench_fusion,
    bench_lengths,
    bench_transport,
)
from tools.terminal import print_json, progress, result

N_LONG = 100_000
_BENCHES: dict[str, Callable[[int], dict[str, float]]] = {
    "transport": bench_transport.measure,
    "fusion": bench_fusion.measure,
}
_SAYS = {
    "transport": "a 1920x1080 picture to another process that looks at it, and its answer back; "
    "ratio to a bare copy of the picture in memory",
    "fusion": "triangulation of 4 cameras x 26 keypoints, and whole instants from keypoints to the "
    "pose; ratio to the first row",
}


def bench(
    what: Annotated[Literal["transport", "fusion", "filter", "accuracy"], tyro.conf.Positional],
    rounds: int = 200,
    figure: Path | None = None,
    memory: bool = False,
    json: bool = False,
) -> int:
    """Measure what a part costs on this machine, as a ratio.

    Absolute times depend on the machine and on what else it does: compare the ratios.

    Args:
        what: transport = a 1080p picture between two processes, by ring, by ZeroMQ, and a bare
            copy; fusion = triangulation, ours and others', and whole instants of 1 to 6 people
            and of 2 to 12 cameras; filter = lag, error and smoothness of the live filter over its
            settings, and the error of predicting 50 ms ahead; accuracy = errors against the truth
            of synthetic scenes.
        rounds: repetitions; the median counts. Not for accuracy.
        figure: fusion: draw the cost over people and cameras into this SVG file.
        memory: fusion: also feed 100,000 instants and print what they left in memory (minutes).
        json: print one JSON object as the last line.
    """
    progress.print(f"{what}: {rounds} rounds of each case")
    if what == "filter":
        return _filter(rounds, json=json)
    if what == "accuracy":
        return _accuracy(json=json)
    median_us = _BENCHES[what](rounds)
    first = next(iter(median_us.values()))
    cases = {name: {"us": us, "ratio": us / first} for name, us in median_us.items()}
    if figure and what == "fusion":
        figure.write_text(bench_figure.svg(median_us))
    grown_kb = bench_fusion.grown_kb(N_LONG) if memory and what == "fusion" else None
    if json:
        print_json(
            {
                "what": what,
                "rounds": rounds,
                "cases": cases,
                "says": _SAYS[what],
                "grown_kb": grown_kb,
            }
        )
        return 0
    table = Table("case", "median µs", "ratio", title=f"bench {what}", title_justify="left")
    for name, row in cases.items():
        table.add_row(name, f"{row['us']:.0f}", f"{row['ratio']:.2f}")
    result.print(table)
    result.print(_SAYS[what])
    if grown_kb is not None:
        result.print(f"after {N_LONG} instants: {grown_kb:+.0f} kB resident")
    return 0


def _filter(rounds: int, *, json: bool) -> int:
    rows = bench_filter.measure(rounds)
    constrained = bench_lengths.measure()
    if json:
        print_json({"what": "filter", "rounds": rounds, "cases": rows, "lengths": constrained})
        return 0
    _print_rows(rows, "bench filter")
    _print_rows(constrained, "segment lengths learnt and held")
    result.print(
        "noise in m2/s3 or m2/s5, before each keypoint's factor; * the default. lag and rms "
        "against the truth, worst: of the worst keypoint, jitter in m/s2"
    )
    return 0


def _accuracy(*, json: bool) -> int:
    cases = bench_accuracy.measure()
    if json:
        print_json({"what": "accuracy", "cases": cases})
        return 0
    _print_rows([{"scene": name, **row} for name, row in cases.items()], "bench accuracy")
    result.print("filtered keypoints against the truth, after the first second")
    return 0


def _said(value: float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _print_rows(rows: Sequence[Mapping[str, float | str]], title: str) -> None:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(v if isinstance(v, str) else _said(v) for v in row.values()))
    result.print(table)

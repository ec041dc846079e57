"""``kinelive bench``: costs as ratios within one run, against the plain thing next to them."""

from collections.abc import Callable
from typing import Annotated, Literal

import tyro
from rich.table import Table

from tools import bench_filter, bench_fusion, bench_kinematics, bench_transport
from tools.terminal import print_json, progress, result

_BENCHES: dict[str, Callable[[int], dict[str, float]]] = {
    "transport": bench_transport.measure,
    "fusion": bench_fusion.measure,
    "kinematics": bench_kinematics.measure,
}
_SAYS = {
    "transport": "a 1920x1080 picture to another process that looks at it, and its answer back; "
    "ratio to a bare copy of the picture in memory",
    "fusion": "triangulation of 4 cameras x 26 keypoints, and whole instants from keypoints to the "
    "pose; ratio to the first row",
    "kinematics": "inverse kinematics of one frame of 22 keypoints, and OpenSim's own solver on "
    "the same frames; ratio to the first row",
}


def bench(
    what: Annotated[Literal["transport", "fusion", "filter", "kinematics"], tyro.conf.Positional],
    rounds: int = 200,
    json: bool = False,
) -> int:
    """Measure what a part costs on this machine, as a ratio.

    Absolute times depend on the machine and on what else it does: compare the ratios.

    Args:
        what: transport = a 1080p picture between two processes, by ring, by ZeroMQ, and a bare
            copy; fusion = triangulation, ours and others', and one instant of 4 and of 8
            cameras; filter = lag, error and smoothness of the live filter over its settings, and
            the error of predicting 50 ms ahead; kinematics = inverse kinematics a frame, ours and
            OpenSim's, with the simple and the muscle model.
        rounds: repetitions; the median counts.
        json: print one JSON object as the last line.
    """
    progress.print(f"{what}: {rounds} rounds of each case")
    if what == "filter":
        return _filter(rounds, json=json)
    median_us = _BENCHES[what](rounds)
    first = next(iter(median_us.values()))
    cases = {name: {"us": us, "ratio": us / first} for name, us in median_us.items()}
    if json:
        print_json({"what": what, "rounds": rounds, "cases": cases, "says": _SAYS[what]})
        return 0
    table = Table("case", "median µs", "ratio", title=f"bench {what}", title_justify="left")
    for name, row in cases.items():
        table.add_row(name, f"{row['us']:.0f}", f"{row['ratio']:.2f}")
    result.print(table)
    result.print(_SAYS[what])
    return 0


def _filter(rounds: int, *, json: bool) -> int:
    rows = bench_filter.measure(rounds)
    if json:
        print_json({"what": "filter", "rounds": rounds, "cases": rows})
        return 0
    table = Table(*rows[0], title="bench filter", title_justify="left")
    for row in rows:
        table.add_row(*(f"{value:.1f}" for value in row.values()))
    result.print(table)
    result.print("process noise inf: no filter; the default is 10 (core/config.py)")
    return 0

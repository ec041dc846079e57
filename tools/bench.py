"""``kinelive bench``: costs as ratios within one run, against the plain thing next to them."""

from collections.abc import Callable
from typing import Annotated, Literal

import tyro
from rich.table import Table

from tools import bench_fusion, bench_transport
from tools.terminal import print_json, progress, result

_BENCHES: dict[str, Callable[[int], dict[str, float]]] = {
    "transport": bench_transport.measure,
    "fusion": bench_fusion.measure,
}
_SAYS = {
    "transport": "a 1920x1080 picture to another process that looks at it, and its answer back; "
    "ratio to a bare copy of the picture in memory",
    "fusion": "one instant, from the last camera's keypoints to the pose; ratio to the first row",
}


def bench(
    what: Annotated[Literal["transport", "fusion"], tyro.conf.Positional],
    rounds: int = 200,
    json: bool = False,
) -> int:
    """Measure what a part costs on this machine, as a ratio.

    Absolute times depend on the machine and on what else it does: compare the ratios.

    Args:
        what: transport = a 1080p picture between two processes, by ring, by ZeroMQ, and a bare
            copy; fusion = one instant of 4 and of 8 cameras.
        rounds: repetitions; the median counts.
        json: print one JSON object as the last line.
    """
    progress.print(f"{what}: {rounds} rounds of each case")
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

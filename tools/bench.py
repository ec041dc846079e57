"""``kinelive bench``: costs as ratios within one run, against the plain thing next to them."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.table import Table

from tools.terminal import print_json, progress, result

What = Literal[
    "transport",
    "fusion",
    "filter",
    "accuracy",
    "augment",
    "kinematics",
    "ik-accuracy",
    "smoothing",
    "people",
    "certainty",
    "pose",
    "peer",
    "clock",
    "calibrate",
    "sync",
    "record",
]
Row = Mapping[str, float | str]
_ROUNDS, _ROUNDS_OF = 200, {"peer": 3, "clock": 64, "sync": 20}


@dataclass(frozen=True, slots=True)
class _Part:
    """One table of a bench."""

    name: str
    """In the JSON object."""
    rows: Sequence[Row]
    says: str = ""


def bench(
    what: Annotated[What, tyro.conf.Positional],
    rounds: int | None = None,
    figure: Path | None = None,
    memory: bool = False,
    model: str | None = None,
    soak: float = 0.25,
    json: bool = False,
) -> int:
    """Measure what a part costs on this machine, as a ratio, or how exact it is.

    Absolute times depend on the machine and on what else it does: compare the ratios.

    Args:
        what: transport = a 1080p picture between two processes, by ring, by ZeroMQ, and a bare
            copy; fusion = triangulation, ours and others', and whole instants of 1 to 6 people
            and of 2 to 12 cameras; filter = lag, error and smoothness of the live filter over its
            settings, and the error of predicting 50 ms ahead; accuracy = errors against the truth
            of synthetic scenes; augment = the marker networks with carried memory, next to the
            published ones, and how far frame rates other than 60 Hz are off; kinematics = inverse
            kinematics a frame, with and without the marker networks before it, next to OpenSim's
            solver, with the simple and the muscle model; ik-accuracy = their errors against known
            joint angles, noise-free and from cameras with noise;
            smoothing = what the offline filters change in the published balancing trial, and what
            they cost; people = the pose models on real footage of one and of two people (minutes):
            who is followed, and the error in a held-out camera, with the calibration as shipped and
            refined on the even instants, scored on the odd ones; certainty = how far keypoints are
            off by what the pose model says of them, the table for core/pose/certainty_table.py,
            and what it changes in the fusion; pose = a pose worker from pictures to keypoints of 4
            cameras and 2 people, next to rtmlib's own loop and to the bare network; peer = a
            project from 2D keypoints to joint angles, stage by stage, next to Pose2Sim in an
            environment of its own, which is made once (minutes); clock = errors of capture times
            of simulated devices and hosts, next to the time of receipt and a running minimum
            (minutes); calibrate = extrinsics made to agree with people, on published footage and
            on scenes with a known truth, and their cost next to dense least squares (minutes);
            sync = errors of offsets between cameras: the published balancing trial cut and
            resampled by known ones, walkers, drift, and what it costs (minutes); record = the
            writer next to a bare write and fsync, and a recorder of four 1080p cameras at work.
        rounds: repetitions, 200 unless said otherwise, 3 of peer; the median counts. Of clock: how
            many devices, 64; of sync: patterns of offsets, 20. Not for accuracy, ik-accuracy,
            people, certainty, calibrate and record.
        figure: fusion: draw the cost over people and cameras into this SVG file.
        memory: fusion: also feed 100,000 instants and print what they left in memory (minutes).
        model: people, certainty: this pose model, as ``pose.model`` of a run; otherwise BlazePose
            lite, full and heavy, or full.
        soak: record: let the recorder work for so many minutes.
        json: print one JSON object as the last line.
    """
    rounds = rounds or _ROUNDS_OF.get(what, _ROUNDS)
    progress.print(f"{what}: {rounds} rounds of each case")
    parts = _parts(what, rounds, model, soak)
    extra: dict[str, Any] = {}
    if what == "fusion":
        from tools import bench_fusion

        extra = bench_fusion.more(parts[0].rows, figure, memory=memory)
    if json:
        tables = {part.name: list(part.rows) for part in parts}
        print_json({"what": what, "rounds": rounds, **tables, **extra, "says": parts[0].says})
        return 0
    for part in parts:
        _show(part, f"bench {what}" if part is parts[0] else part.name)
    for name, value in extra.items():
        result.print(f"{name}: {value}")
    return 0


def _parts(what: What, rounds: int, model: str | None, soak: float) -> list[_Part]:
    if what == "record":
        return [_Part(*one) for one in importlib.import_module("tools.bench_record").parts(soak)]
    if what == "certainty":
        return _certainty(model or "blazepose_full")
    return _people(model) if what == "people" else _BENCHES[what](rounds)


def _costs(module: str, says: str) -> Callable[[int], list[_Part]]:
    """A bench whose ``measure`` gives µs by case: each with its ratio to the first."""

    def run(rounds: int) -> list[_Part]:
        median_us = importlib.import_module(f"tools.{module}").measure(rounds)
        first = next(iter(median_us.values()))
        rows = [{"case": n, "median µs": us, "ratio": us / first} for n, us in median_us.items()]
        return [_Part("cases", rows, f"{says}; ratio to the first row")]

    return run


_augment_costs = _costs("bench_augment", "one step of both marker networks")


def _augment(rounds: int) -> list[_Part]:
    from tools import bench_augment

    says = "distance in mm from what 60 Hz through the same instants gives, after 0.75 s"
    return [*_augment_costs(rounds), _Part("rates", bench_augment.rates(), says)]


def _transport(rounds: int) -> list[_Part]:
    from tools import bench_transport

    says = (
        "CPU of a 1080p picture of four cameras at 60 Hz; ratio: to the bare copy; ms: from before "
        "the copy to where the other process has it"
    )
    return [_Part("cases", bench_transport.measure(rounds), says)]


def _filter(rounds: int) -> list[_Part]:
    from tools import bench_filter, bench_lengths

    says = (
        "noise in m2/s3 or m2/s5, before each keypoint's factor; * the default. lag and rms "
        "against the truth, worst: of the worst keypoint, jitter in m/s2"
    )
    held = _Part("lengths", bench_lengths.measure(), "segment lengths learnt and held")
    return [_Part("cases", bench_filter.measure(rounds), says), held]


def _accuracy(rounds: int) -> list[_Part]:
    from tools import bench_accuracy

    del rounds
    rows = [{"scene": name, **row} for name, row in bench_accuracy.measure().items()]
    return [_Part("cases", rows, "filtered keypoints against the truth, after the first second")]


def _certainty(model: str) -> list[_Part]:
    from tools import bench_certainty

    used, anew, table, fused = bench_certainty.measure(model)
    says = (
        "errors of keypoints against the other cameras, which were fitted to the other half of the "
        "instants; of an honest 2D error 39, 86 and 99 % lie within 1, 2 and 3 sd"
    )
    return [
        _Part("cases", used, f"the table in use: {says}"),
        _Part("left out", anew, "for each camera a table fitted to the three others"),
        _Part("table", table, f"as fitted to all of {model}, for core/pose/certainty_table.py"),
        _Part("fusion", fused, "what the fusion makes of it, the camera left out"),
    ]


def _smoothing(rounds: int) -> list[_Part]:
    rows = importlib.import_module("tools.bench_smoothing").measure(rounds)
    return [_Part("cases", rows, "ratio: the columns one by one against all of them together")]


def _kinematics(rounds: int) -> list[_Part]:
    from tools import bench_kinematics

    says = (
        "a frame of the published balancing trial; ratio: OpenSim's solver on the same markers "
        "against it, by the median of processor times; wall ratio: by that of times"
    )
    return [_Part("cases", bench_kinematics.measure(rounds), says)]


def _ik_accuracy(rounds: int) -> list[_Part]:
    from tools import bench_ik_accuracy

    del rounds
    says = (
        "RMSE in degrees, both sides together; 22 keypoints, exact or as 4 cameras with 2 px of "
        "noise give them, raw or filtered at 6 Hz"
    )
    return [_Part("cases", bench_ik_accuracy.measure(), says)]


def _people(model: str | None) -> list[_Part]:
    from tools import bench_people

    chosen = (model,) if model else bench_people.MODELS
    rows, by_keypoint = bench_people.measure(progress.print, chosen)
    says = (
        "error in a held-out camera, 17 keypoints; refined: extrinsics made to "
        "agree on the even instants, scored on the odd ones; in use: reprojection in the "
        "cameras that a person was triangulated from"
    )
    return [
        _Part("cases", rows, says),
        _Part("keypoints", by_keypoint, "one person, in a held-out camera"),
    ]


def _pose(rounds: int) -> list[_Part]:
    return [_Part(*one) for one in importlib.import_module("tools.bench_pose").parts(rounds)]


def _peer(rounds: int) -> list[_Part]:
    from tools import bench_peer

    says = (
        "medians; the stages are those of the first project of a process, ours with the loading"
        " of machine code. Below: RMS differences of points in mm and of angles in degrees, these"
        " also by the step that makes them"
    )
    first, *others = bench_peer.measure(rounds).items()
    return [_Part(*first, says), *(_Part(*one) for one in others)]


def _clock(rounds: int) -> list[_Part]:
    from tools import bench_clock

    says = (
        "60 Hz, up to 100 ppm of drift, delays of 5 ms and bursts of 50 ms, 1 % loss, a wrap and a "
        "restart; age: of the device's life; ratio: p99 to ours online; stated: the median "
        "half-width; afterwards: from all recorded pairs; µs: of processor time"
    )
    methods, others, hosts = bench_clock.measure(rounds)
    return [
        _Part("cases", methods, says),
        _Part(
            "others", others, "other devices and ways, from 10 s on; a restart is one epoch more"
        ),
        _Part("hosts", hosts, "the hub's clock by one round trip a second, after ten of them"),
    ]


def _calibrate(_: int) -> list[_Part]:
    module = importlib.import_module("tools.bench_calibrate")
    return [_Part(*one) for one in module.parts(progress.print)]


def _sync(rounds: int) -> list[_Part]:
    return [_Part(*one) for one in importlib.import_module("tools.bench_sync").measure(rounds)]


_BENCHES: dict[str, Callable[[int], list[_Part]]] = {
    "transport": _transport,
    "fusion": _costs(
        "bench_fusion",
        "triangulation of 4 cameras x 26 keypoints, and whole instants from keypoints to the pose",
    ),
    "filter": _filter,
    "accuracy": _accuracy,
    "augment": _augment,
    "kinematics": _kinematics,
    "ik-accuracy": _ik_accuracy,
    "smoothing": _smoothing,
    "pose": _pose,
    "peer": _peer,
    "clock": _clock,
    "calibrate": _calibrate,
    "sync": _sync,
}


def _show(part: _Part, title: str) -> None:
    table = Table(*part.rows[0], title=title, title_justify="left")
    for row in part.rows:
        table.add_row(*(one if isinstance(one, str) else f"{one:.4g}" for one in row.values()))
    result.print(table)
    if part.says:
        result.print(part.says)

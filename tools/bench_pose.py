"""A pose worker from pictures to keypoints, next to rtmlib's own loop and to the bare networks.

Everybody gets the same synthetic networks of the real shapes, the same pictures and one thread.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core import synthetic, synthetic_scenes
from core.cameras import CameraModel
from core.config import PoseConfig
from core.pose.crops import Roi, Size, crop, letterboxed, region_affine
from core.skeletons import HALPE_26
from core.synthetic_pictures import reduced, render, with_large_head
from services import synthetic_networks
from services.backend_rtmpose import RtmPose, open_rtmpose
from services.following import Follower, View
from services.inference import Runtime

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Row = dict[str, float | str]

_POSE = Size(192, 256)
_DETECTORS = {"lightweight": Size(416, 416), "balanced": Size(640, 640)}
"""By rtmlib's mode."""
_N_CAMERAS, _N_PEOPLE, _N_INSTANTS = 4, 2, 6
_RATE_HZ = 30
_FIRST = 42  # from here on nobody hides another from any camera: all do the same work
_STEP_NS = 1_000_000_000 // _RATE_HZ


def measure(rounds: int) -> dict[str, list[Row]]:
    """Rows by case for each of rtmlib's detector sizes: ms of an instant, its ratio to rtmlib, what
    it adds to the bare networks."""
    scene = _scene()
    return {mode: _measured(scene, size, rounds) for mode, size in _DETECTORS.items()}


def parts(rounds: int) -> list[tuple[str, list[Row], str]]:
    """Tables of ``measure``: rtmlib's mode, rows, what they say."""
    says = (
        "one instant of 4 cameras and 2 people, the same synthetic networks and pictures, one "
        "thread each; ratio: rtmlib's wall time to it; over bare: CPU time beyond the networks'"
    )
    return [(mode, rows, says) for mode, rows in measure(rounds).items()]


def _measured(scene: "_Scene", size: Size, rounds: int) -> list[Row]:
    scenes = scene.pictures
    with tempfile.TemporaryDirectory(prefix="kinelive-bench-") as scratch:
        detector = synthetic_networks.write_yolox(Path(scratch) / "detector.onnx", size)
        pose = synthetic_networks.write_rtmpose(Path(scratch) / "pose.onnx", _POSE)
        config = PoseConfig(provider="cpu")
        ours = open_rtmpose(detector, pose, HALPE_26, config, Runtime("cpu"))
        cases = {
            "rtmlib, detector on each frame": _rtmlib(detector, pose, size, scenes),
            "ours, detector on each frame": _each_frame(ours, scenes),
            "bare networks of that": _bare(ours, scenes, detects=True),
            "ours, as it runs": _follower(ours, config, scene),
            "bare network of that": _bare(ours, scenes, detects=False),
        }
        for case in cases.values():  # once, so that nothing is paid for the first time
            for instant in range(_N_INSTANTS):
                case(instant)
        times = _interleaved(cases, max(_N_INSTANTS, rounds // 4))
    return _rows(times)


def _rows(times: dict[str, tuple[float, float]]) -> list[Row]:
    rtmlib_ms = next(iter(times.values()))[0]
    over = {
        "ours, detector on each frame": "bare networks of that",
        "ours, as it runs": "bare network of that",
    }
    return [
        {
            "case": name,
            "wall ms": wall_ms,
            "CPU ms": cpu_ms,
            "ratio": rtmlib_ms / wall_ms,
            "over bare %": 100 * (cpu_ms / times[over[name]][1] - 1) if name in over else np.nan,
        }
        for name, (wall_ms, cpu_ms) in times.items()
    ]


def _interleaved(
    cases: dict[str, Callable[[int], None]], rounds: int
) -> dict[str, tuple[float, float]]:
    """Median wall and CPU ms of each case; they take turns, so that all share the same minutes."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for number in range(rounds):
        for name, case in cases.items():
            wall, cpu = time.perf_counter(), time.process_time()
            case(number % _N_INSTANTS)
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    medians = {name: np.median(np.array(each), axis=0) * 1e3 for name, each in taken.items()}
    return {name: (float(wall), float(cpu)) for name, (wall, cpu) in medians.items()}


class _Scene(NamedTuple):
    """Two people who walk, and the cameras that see them."""

    models: list[CameraModel]
    people_m: F64  # (P, T, J, 3)
    pictures: list[list[U8]]
    """By instant and camera."""


def _scene() -> _Scene:
    whole = synthetic.models(synthetic.ring(_N_CAMERAS))
    models = [reduced(one, 2) for one in whole]
    way_m = synthetic_scenes.crossing_m(_N_PEOPLE, _FIRST + _N_INSTANTS, float(_RATE_HZ))
    people_m = with_large_head(way_m[:, _FIRST:])
    pictures = [
        [render(model, people_m[:, t]).picture for model in models] for t in range(_N_INSTANTS)
    ]
    return _Scene(models, people_m, pictures)


def _rtmlib(
    detector: Path, pose: Path, size: Size, scenes: list[list[U8]]
) -> Callable[[int], None]:
    """Its classes as its solutions call them: boxes, then one person after the other."""
    import rtmlib

    finder = rtmlib.YOLOX(str(detector), model_input_size=tuple(size))
    poser = rtmlib.RTMPose(str(pose), model_input_size=tuple(_POSE))
    finder.session = _one_thread(detector)
    poser.session = _one_thread(pose)

    def run(instant: int) -> None:
        for picture in scenes[instant]:
            poser(picture, bboxes=list(np.asarray(finder(picture))))

    return run


def _one_thread(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _each_frame(backend: RtmPose, scenes: list[list[U8]]) -> Callable[[int], None]:
    def run(instant: int) -> None:
        pictures = scenes[instant]
        backend.estimate(_jobs(backend, pictures))

    return run


def _jobs(backend: RtmPose, pictures: Sequence[U8]) -> list[tuple[U8, Roi]]:
    found = backend.detect(pictures)
    return [
        (picture, one.roi)
        for picture, people in zip(pictures, found, strict=True)
        for one in people
    ]


def _follower(backend: RtmPose, config: PoseConfig, scene: _Scene) -> Callable[[int], None]:
    """As a worker does it: guided by where the fusion has the people."""
    cameras = {model.name: model for model in scene.models}
    follower = Follower(backend, config, list(cameras), cameras)
    clock = iter(range(1_000_000_000, 2**62, _STEP_NS))

    def run(instant: int) -> None:
        t_ns = next(clock)
        views = [
            View(name, t_ns, one)
            for name, one in zip(cameras, scene.pictures[instant], strict=True)
        ]
        people = {who + 1: points[instant] for who, points in enumerate(scene.people_m)}
        found = follower.follow(views, synthetic.pose(instant, t_ns, people))
        if t_ns > 2_000_000_000 and any(len(one) != _N_PEOPLE for one in found):
            raise RuntimeError("a person was lost: not the same work as the others'")

    return run


def _bare(backend: RtmPose, scenes: list[list[U8]], *, detects: bool) -> Callable[[int], None]:
    """Nothing but ``session.run`` on tensors made before, one by one, as is best on a CPU."""
    finder, poser = backend.detector.network, backend.poser.network
    fed: list[tuple[Any, Any]] = []
    for pictures in scenes:
        canvases = np.stack([letterboxed(one, backend.detector.size)[0] for one in pictures])
        cuts = np.stack(
            [crop(one, region_affine(roi, _POSE), _POSE) for one, roi in _jobs(backend, pictures)]
        )
        fed.append(
            (
                finder.before.run(None, {"crops": canvases})[0],
                poser.before.run(None, {"crops": cuts})[0],
            )
        )
    names = [one.session.get_inputs()[0].name for one in (finder, poser)]

    def run(instant: int) -> None:
        canvases, cuts = fed[instant]
        for i in range(len(canvases) if detects else 0):
            finder.session.run(None, {names[0]: canvases[i : i + 1]})
        for i in range(len(cuts)):
            poser.session.run(None, {names[1]: cuts[i : i + 1]})

    return run

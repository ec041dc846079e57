"""A network with its pre-processing in front, both on the same device.

Pictures go up once, as bytes; tensors never leave the device; only the small outputs come back. The
same code runs on a CPU, where nothing is copied.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import OrtValue

from core.errors import AssetError
from core.pose.crops import Affine, Roi, Size, crop, region_affine
from services import preprocessing
from services.inference import Runtime, open_session, provider_of
from services.preprocessing import Pixels

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network with one input whose first axis counts the pictures."""

    session: onnxruntime.InferenceSession
    before: onnxruntime.InferenceSession
    outputs: tuple[str, ...]
    """Those that are wanted, in this order."""
    pixels: Pixels
    runtime: Runtime
    crop_on: str = "host"
    _cutters: dict[Size, onnxruntime.InferenceSession] = field(default_factory=dict)

    @property
    def provider(self) -> str:
        """What it really runs on."""
        return provider_of(self.session)

    @property
    def takes_batches(self) -> bool:
        """Whether several pictures can go through it at once."""
        return not isinstance(self.session.get_inputs()[0].shape[0], int)

    @property
    def loops(self) -> bool:
        """Whether pictures go through one by one: it takes only one, or a CPU runs it.

        On a CPU a batch gains nothing, and loses what a picture's numbers find in the cache: a
        picture of a batch of 8 costs 3 % more with BlazePose, 20 % more with large maps.
        """
        return self.provider == "CPU" or not self.takes_batches

    def run(self, crops: U8) -> list[F32]:
        """Outputs for crops (N, H, W, 3) BGR, in one run unless it ``loops``."""
        if len(crops) == 1 or not self.loops:
            return self._run(self.before, {preprocessing.CROPS: crops})
        each = [
            self._run(self.before, {preprocessing.CROPS: crops[i : i + 1]})
            for i in range(len(crops))
        ]
        return [np.concatenate(parts) for parts in zip(*each, strict=True)]

    def run_regions(
        self, jobs: Sequence[tuple[U8, Roi]], size: Size
    ) -> tuple[list[F32], list[Affine]]:
        """Outputs for regions of pictures (H, W, 3) BGR, and each one's picture_from_crop."""
        affines = [region_affine(roi, size) for _, roi in jobs]
        if self.crop_on == "device" and self.takes_batches and _alike(jobs):
            return self._run(self._cutter(size), _whole(jobs, affines)), affines
        cuts = [crop(one, a, size) for (one, _), a in zip(jobs, affines, strict=True)]
        return self.run(np.stack(cuts)), affines

    def _cutter(self, size: Size) -> onnxruntime.InferenceSession:
        if size not in self._cutters:
            graph = preprocessing.of_pictures(self.pixels, *size)
            self._cutters[size] = open_session(graph, _beside(self.runtime))
        return self._cutters[size]

    def _run(
        self, before: onnxruntime.InferenceSession, fed: dict[str, NDArray[np.generic]]
    ) -> list[F32]:
        place = "cpu" if self.provider == "CPU" else "cuda", self.runtime.device
        tensors = _bound_run(before, fed, [preprocessing.TENSORS], place)[0]
        name = self.session.get_inputs()[0].name
        got = _bound_run(self.session, {name: tensors}, self.outputs, ("cpu", 0))
        return [one.numpy() for one in got]


def _bound_run(
    session: onnxruntime.InferenceSession,
    fed: dict[str, NDArray[np.generic]] | dict[str, OrtValue],
    wanted: Sequence[str],
    place: tuple[str, int],
) -> list[OrtValue]:
    """Run with inputs where they are, and outputs left at ``place``, a device and its number."""
    binding = session.io_binding()
    for name, value in fed.items():
        if isinstance(value, OrtValue):
            binding.bind_ortvalue_input(name, value)
        else:
            binding.bind_cpu_input(name, np.ascontiguousarray(value))
    for name in wanted:
        binding.bind_output(name, *place)
    session.run_with_iobinding(binding)
    return binding.get_outputs()


def _alike(jobs: Sequence[tuple[U8, Roi]]) -> bool:
    """Whether all pictures have one size, so that they go up as one block."""
    return len({one.shape for one, _ in jobs}) == 1


def _whole(
    jobs: Sequence[tuple[U8, Roi]], affines: Sequence[Affine]
) -> dict[str, NDArray[np.generic]]:
    places: dict[int, int] = {}
    pictures = []
    for picture, _ in jobs:
        if id(picture) not in places:
            places[id(picture)] = len(pictures)
            pictures.append(picture)
    grids = [
        preprocessing.grid_affine(a.matrix, a.offset_px, (one.shape[0], one.shape[1]))
        for (one, _), a in zip(jobs, affines, strict=True)
    ]
    return {
        preprocessing.PICTURES: np.stack(pictures),
        preprocessing.WHICH: np.array([places[id(one)] for one, _ in jobs], np.int64),
        preprocessing.GRID: np.stack(grids),
    }


def _beside(runtime: Runtime) -> Runtime:
    """For the graphs in front: TensorRT has nothing to build there, CUDA runs them as they are."""
    if runtime.provider != "tensorrt":
        return runtime
    return Runtime("cuda", runtime.device, fp16=False, allow_cpu=runtime.allow_cpu)


def open_network(
    model: Path, outputs: tuple[str, ...], pixels: Pixels, runtime: Runtime, crop_on: str = "host"
) -> Network:
    """Load a network and the graph in front of it; no ``outputs``: all it has.

    Raises:
        AssetError: it is no network, or has not these outputs.
        ConfigError: it does not run on what was asked for.
    """
    session = open_session(model, runtime)
    given = tuple(one.name for one in session.get_outputs())
    if missing := [one for one in outputs if one not in given]:
        raise AssetError(
            f"{model.name}: has no output {', '.join(missing)}, only {', '.join(given)}; "
            "it is not a network of the kind that was asked for"
        )
    before = open_session(preprocessing.of_crops(pixels), _beside(runtime))
    network = Network(session, before, outputs or given, pixels, runtime, crop_on)
    if not network.takes_batches:
        logging.warning(
            "%s takes one picture at a time, so several are looped; export it with a dynamic first "
            "axis to have them go through together",
            model.name,
        )
    return network

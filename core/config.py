"""Run settings: one frozen struct a step, defaults here and nowhere else, TOML on disk.

An unknown key is an error that lists the known ones; so is a value of the wrong type or range.
"""

import re
from typing import Annotated, Any, Literal

import msgspec

from core import recorder_config
from core.camera_config import (
    BaslerConfig,
    GenicamConfig,
    RtspConfig,
    SyntheticConfig,
    TriggerConfig,
    V4l2Config,
    WebcamConfig,
)
from core.camera_config import CameraConfig as CameraConfig
from core.errors import ConfigError
from core.gait import GaitConfig
from core.kinematics.settings import AugmentConfig, IkConfig, KinematicsConfig, RatesConfig
from core.messages import MAX_SUBJECTS, PersonId
from core.pose import catalogue
from core.recorder_config import RecorderConfig as RecorderConfig
from core.settings import Count, Fraction, NotNegative, Positive, Settings

MotionModel = Literal["constant_velocity", "constant_acceleration"]
Provider = Literal["auto", "tensorrt", "cuda", "cpu"]


LOOPBACK = "127.0.0.1"


class BusConfig(Settings, frozen=True):
    """How processes talk."""

    transport: Literal["ipc", "tcp"] = "ipc"
    """Between the processes of the hub; other hosts always come in over tcp."""
    host: str = LOOPBACK
    """Address to listen on: for other hosts, the one of this machine that they reach."""
    base_port: Annotated[int, msgspec.Meta(ge=1026, le=65000)] = 5600
    """With tcp, process number i speaks on base_port + i. Other hosts ask on base_port - 1 and
    bring their cameras' packets to base_port - 2."""
    hosts_within_s: NotNegative = 20.0
    """How long the start waits for other hosts; who comes later is let in all the same."""


class PoseConfig(Settings, frozen=True):
    """2D pose estimation."""

    model: str = "blazepose_full"
    """One of ``core.pose.catalogue``, or ``custom``: networks of one's own, named below."""
    detector_path: str = ""
    """With custom: YOLOX, as ONNX; none for a one-stage network."""
    pose_path: str = ""
    """With custom: RTMPose (SimCC), or RTMO where there is no detector, as ONNX."""
    skeleton: str = ""
    """With custom: the keypoint set of the network, or else …"""
    keypoints: tuple[str, ...] = ()
    """… the names of its keypoints in their order, as in ``core.skeletons``."""
    subpixel: bool = False
    """RTMPose: look between the bins of its output, too."""
    provider: Provider = "auto"
    """What ONNX Runtime runs on; auto: CUDA where there is a GPU. What is asked for by name and is
    not there is an error."""
    allow_cpu: bool = False
    """Where the provider asked for is not there, go on with the CPU instead."""
    devices: tuple[Annotated[int, msgspec.Meta(ge=0, le=63)], ...] = (0,)
    """Numbers of the GPUs; the workers take them in turn."""
    fp16: bool = False
    """Half precision where the provider does it by itself: TensorRT."""
    crop_on: Literal["host", "device"] = "host"
    """Where regions are cut out of the pictures: by OpenCV, or by the provider from whole
    pictures."""
    cameras_per_worker: Count = 2
    min_detection: Fraction = 0.5
    min_presence: Fraction = 0.5
    """Below this the track is lost and the detector looks again."""
    max_people: Annotated[int, msgspec.Meta(ge=1, le=32)] = 6
    """Followed in one camera."""
    detect_every_s: Positive = 2.0
    """The detector looks out for people who come in; in between it rests while people are
    followed."""
    guided: bool = True
    """Look for people where the other cameras see them. Off where cameras wait for the pose
    worker: when the guidance comes depends on the machine, and a replay is to be repeatable."""
    batch_wait_ms: NotNegative | None = None
    """Wait so long for the other cameras' frames of an instant, to run all of them at once; not
    said: 4 on a GPU, where it pays, and 0 on the CPU."""


class FusionConfig(Settings, frozen=True):
    """Alignment, association, triangulation, filter."""

    alignment: Literal["grouped", "interpolated"] = "grouped"
    """Triggered cameras are grouped; free-running ones are interpolated to common instants."""
    instant_hz: Positive = 30.0
    """Rate of the instants that free-running cameras are interpolated to."""
    longest_gap_ms: Positive = 120.0
    """Free-running cameras: no interpolation between frames further apart than this."""
    steer_time: Literal["auto", "tell", "off"] = "auto"
    """How far cameras' clocks are apart, from what they see of a moving person. auto: of
    free-running cameras, whose capture times are then corrected; tell: of any, and nothing is
    corrected; off: not looked at. Triggered cameras are never corrected."""
    window_ms: Positive = 4.0
    """Captures closer than this are one instant."""
    max_wait_ms: Positive = 250.0
    """An instant is fused with the views it has once a frame this much younger has come."""
    absent_after_ms: Positive = 500.0
    """A camera silent for this long is no longer waited for."""
    min_confidence: Fraction = 0.3
    swap_gain: Fraction = 0.8
    """Left and right are exchanged in a camera when that brings its error below this part."""
    robust_sd: Positive = 4.0
    """Error, in standard deviations, at which a camera's keypoint counts a quarter."""
    keypoint_sd_px: Positive = 6.0
    """Standard deviation of a keypoint of confidence 1, before the cameras' own is learnt; of one
    with a covariance it is what the covariance says."""
    learn_noise: bool = True
    """Follow each camera's standard deviation from how well the cameras agree."""
    mend_cameras: bool = True
    """Leave out a camera that is knocked, and find its new place from people."""
    use_covariance: bool = True
    """Weigh keypoints by the covariance that comes with them, where one does."""
    motion_model: MotionModel = "constant_velocity"
    """What the filter believes of a keypoint between two instants."""
    acceleration_density_m2_s3: Positive = 10.0
    """Spectral density of the acceleration in the constant-velocity filter; higher follows faster
    and smooths less. Each keypoint has its factor to it, ``core.anatomy.agility``."""
    jerk_density_m2_s5: Positive = 1000.0
    """The same for the constant-acceleration filter, whose noise is in the jerk."""
    predict_ms: Annotated[float, msgspec.Meta(ge=0, le=150)] = 50.0
    """Time from exposure to display that ``predicted_m`` makes up for."""
    gate_sd: Positive = 5.0
    """Measurements further than this from the prediction count less, the further the less."""
    segment_lengths: bool = False
    """Learn the length of each person's segments and hold them."""
    claim_gate_m: Positive = 0.3
    """A detection further than this from where a person is predicted is not that person's."""
    cluster_gate_m: Positive = 0.15
    """Detections whose rays pass each other nearer than this on average can be one person."""
    reentry_m: Positive = 1.5
    """Somebody who turns up this near to where a person was lost is that person …"""
    reentry_m_s: NotNegative = 1.5
    """… or so much further for each second since."""
    forget_after_ms: Positive = 3000.0
    """A person not seen for this long is forgotten."""
    coast_ms: NotNegative = 250.0
    """A keypoint not seen is predicted for this long, then it is missing."""
    checkpoint_instants: Count = 150
    """The whole state goes on the bus each so many instants, so that a recording with a hole can
    be verified after the hole."""


class MonitorConfig(Settings, frozen=True):
    """The web page."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8765
    """0 = any free port."""
    tile_hz: Positive = 15.0
    tile_height_px: Count = 480
    tile_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 75
    subjects: Annotated[tuple[PersonId, ...], msgspec.Meta(max_length=MAX_SUBJECTS)] = ()
    """Numbers of the people pinned from the start: angles are computed of them only. None: of
    everybody."""


class RunConfig(Settings, frozen=True):
    """All of a run: what ``kinelive up`` reads."""

    cameras: tuple[CameraConfig, ...]
    calibration: str
    """Qualisys ``.qca.txt``, Pose2Sim-style ``.toml``, or an ``asset:…`` name."""
    trigger: TriggerConfig = TriggerConfig()
    bus: BusConfig = BusConfig()
    pose: PoseConfig = PoseConfig()
    fusion: FusionConfig = FusionConfig()
    kinematics: KinematicsConfig = KinematicsConfig()
    recorder: RecorderConfig = RecorderConfig()
    monitor: MonitorConfig = MonitorConfig()

    def camera(self, name: str) -> CameraConfig:
        """Return the camera of that name."""
        return next(camera for camera in self.cameras if camera.name == name)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The other hosts that cameras hang on, in the order they are named."""
        return tuple(dict.fromkeys(one.host for one in self.cameras if one.host))


def read(text: str, where: str) -> RunConfig:
    """Build a run from TOML text; ``where`` names the file in errors.

    Raises:
        ConfigError: not TOML, an unknown key, a wrong type or range, no or doubled cameras.
    """
    try:
        tree = msgspec.toml.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{where}: not TOML: {error}") from error
    return build(tree, where)


def build(tree: Any, where: str) -> RunConfig:
    """Build a run from plain dicts and lists; errors as of ``read``."""
    try:
        run = msgspec.convert(tree, RunConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}{_known_keys(str(error))}") from error
    names = [camera.name for camera in run.cameras]
    if not names:
        raise ConfigError(f"{where}: no cameras; add [[cameras]] tables")
    if len(set(names)) != len(names):
        raise ConfigError(f"{where}: camera names must differ: {', '.join(names)}")
    if (
        said := catalogue.objection(run.pose)
        or _hosts_objection(run)
        or recorder_config.objection(run.recorder, names)
    ):
        raise ConfigError(f"{where}: {said}")
    return run


def _hosts_objection(run: RunConfig) -> str:
    """What is wrong with cameras on other hosts; empty if nothing is."""
    if run.hosts and run.bus.host == LOOPBACK:
        return (
            f"cameras on {', '.join(run.hosts)}, but nobody else reaches {LOOPBACK}; set bus.host "
            "to the address of this machine that they reach"
        )
    mute = [one.name for one in run.cameras if one.host and one.record_raw == "nothing"]
    if mute:
        return f'{mute[0]}: a camera on another host sends packets; record_raw cannot be "nothing"'
    waiting = [one.name for one in run.cameras if one.host and one.lossless]
    return f"{waiting[0]}: a camera on another host cannot be lossless" if waiting else ""


def write(run: RunConfig) -> bytes:
    """JSON of a run, for the child processes and the session's manifest."""
    return msgspec.json.encode(run)


def parse(raw: bytes) -> RunConfig:
    """Read what ``write`` wrote."""
    return msgspec.json.decode(raw, type=RunConfig)


_SECTIONS: dict[str, type[Settings]] = {
    "$.cameras[]": CameraConfig,
    "$.cameras[].synthetic": SyntheticConfig,
    "$.cameras[].rtsp": RtspConfig,
    "$.cameras[].v4l2": V4l2Config,
    "$.cameras[].genicam": GenicamConfig,
    "$.cameras[].basler": BaslerConfig,
    "$.cameras[].webcam": WebcamConfig,
    "$.trigger": TriggerConfig,
    "$.bus": BusConfig,
    "$.pose": PoseConfig,
    "$.fusion": FusionConfig,
    "$.kinematics": KinematicsConfig,
    "$.kinematics.ik": IkConfig,
    "$.kinematics.augmentation": AugmentConfig,
    "$.kinematics.rates": RatesConfig,
    "$.kinematics.gait": GaitConfig,
    "$.recorder": RecorderConfig,
    "$.monitor": MonitorConfig,
}


def _known_keys(message: str) -> str:
    if "unknown field" not in message:
        return ""
    _, _, path = message.partition(" - at `")
    place = re.sub(r"\[.*?\]", "[]", path.rstrip("`"))
    section = _SECTIONS.get(place, RunConfig)
    return f"; known here: {', '.join(section.__struct_fields__)}"

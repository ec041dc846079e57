"""Settings of cameras: what all drivers share, and one struct a driver."""

import re
from typing import Annotated, Literal

import msgspec

from core.settings import Count, Fraction, NotNegative, Positive, Settings

CameraName = Annotated[
    str, msgspec.Meta(pattern=r"^(?!stream$)[A-Za-z0-9_.-]+$", max_length=64)
]  # a session's stream file has the one name that is taken
HostName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]*$", max_length=64)]
Driver = Literal["file", "session", "synthetic", "rtsp", "v4l2", "genicam", "basler", "webcam"]
TriggerMode = Literal["hardware", "software", "ptp", "free-run"]

Misbehaviour = Literal["old", "doubled", "out of order", "wrong size", "future"]


class TriggerConfig(Settings, frozen=True):
    """What makes the cameras expose at the same time."""

    mode: TriggerMode = "free-run"
    """hardware: a wire into each camera; ptp: cameras whose clocks agree expose on a schedule;
    software: a command to each; free-run: nothing does, each camera runs on its own clock."""
    source: str = "Line0"
    """Where a hardware trigger comes in, by the camera's own name for it."""


class SyntheticConfig(Settings, frozen=True):
    """Driver ``synthetic``: a device that renders a scene whose truth is known, with the ways of
    real ones."""

    n_cameras: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    """In the ring (``core.synthetic.ring``); this one is the one of ``place``."""
    place: Annotated[int, msgspec.Meta(ge=0, le=15)] = 0
    rate_hz: Positive = 30.0
    smaller: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2
    """Pictures are 1920x1080 divided by this."""
    exposure_ms: NotNegative = 4.0
    phase_ms: NotNegative = 0.0
    """Exposes so much later than a triggered camera would."""
    drift_ppm: float = 0.0
    """How much the device's clock runs fast."""
    queue_ms: NotNegative = 1.0
    """Mean of the exponential delay on the way to the host."""
    transport_ms: NotNegative = 0.0
    """Least delay on that way: no one-way stamp tells it, so capture times are so much too late."""
    lose: Fraction = 0.0
    """Part of the frames that never come."""
    misbehaves: tuple[Misbehaviour, ...] = ()
    """What goes wrong with one frame in each ten, in turn: to see that it is caught."""
    seed: int = 0


class RtspConfig(Settings, frozen=True):
    """Driver ``rtsp``: a network camera."""

    url: str = ""
    """``rtsp://user:password@host:port/path``"""
    transport: Literal["tcp", "udp"] = "tcp"
    silent_s: Positive = 3.0
    """Silence after which the connection is made anew."""
    clock: Literal["ntp", "modelled"] = "ntp"
    """ntp: the camera's wall clock is taken for this host's, both kept by NTP; modelled: it is
    not, the stream's own clock is related to the host's by the arrivals (``least_delay_ms``)."""
    clock_uncertainty_ms: Positive = 10.0
    """ntp: how far the two wall clocks may be from each other."""
    slowest_ms: Positive = 500.0
    """ntp: a clock by which even the fastest frames are longer on the way is not believed."""


class V4l2Config(Settings, frozen=True):
    """Driver ``v4l2``: a USB or on-board camera under Linux."""

    device: str = "/dev/video0"
    format: Literal["MJPG", "YUYV", "H264"] = "MJPG"
    width_px: Count = 1280
    height_px: Count = 720
    rate_hz: Positive = 30.0
    exposure_us: NotNegative = 0.0
    """Time the shutter is open; 0: as the camera sees fit, which may halve its rate in the dark."""
    gain: int | None = None
    """In the camera's own unit; left out: as the camera has it."""
    focus: int | None = None
    """In the camera's own unit; left out: as the camera has it. A calibration needs it fixed."""
    white_balance_k: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Colour temperature; 0: as the camera sees fit."""


PixelFormat = Literal[
    "",
    "Mono8",
    "BayerRG8",
    "BayerGR8",
    "BayerGB8",
    "BayerBG8",
    "BGR8",
    "BGR8Packed",
    "RGB8",
    "RGB8Packed",
    "YUV422_8",
    "YCbCr422_8",
    "YUV422Packed",
]


class MachineVisionConfig(Settings, frozen=True):
    """What the drivers of industrial cameras share. 0, empty or left out: as the camera has it."""

    rate_hz: NotNegative = 60.0
    """With a hardware trigger: what the trigger does; it is not set in the camera then."""
    exposure_us: NotNegative = 0.0
    gain: float | None = None
    """In the camera's unit, mostly dB."""
    pixel_format: PixelFormat = ""
    width_px: Annotated[int, msgspec.Meta(ge=0)] = 0
    height_px: Annotated[int, msgspec.Meta(ge=0)] = 0
    offset_x_px: Annotated[int, msgspec.Meta(ge=0)] | None = None
    offset_y_px: Annotated[int, msgspec.Meta(ge=0)] | None = None
    packet_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    """GigE: size of the packets; 9000 where cable, switch and host all take jumbo frames."""
    n_buffers: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 16
    """Pictures that may wait for this process; what comes when all are full is lost."""
    silent_s: Positive = 3.0
    """Silence after which the camera is asked whether it is still there."""


class GenicamConfig(MachineVisionConfig, frozen=True):
    """Driver ``genicam``: GigE Vision and USB3 Vision, through Aravis."""

    device: str = ""
    """As ``kinelive cameras`` lists it, or its address; empty: the only one there is."""


class BaslerConfig(MachineVisionConfig, frozen=True):
    """Driver ``basler``: through the maker's pylon (``pip install kinelive[basler]``)."""

    serial: str = ""
    """Serial number; empty: the only one there is."""


class WebcamConfig(Settings, frozen=True):
    """Driver ``webcam``: any camera OpenCV opens. Its frames are timed on arrival."""

    index: Annotated[int, msgspec.Meta(ge=0, le=63)] = 0
    width_px: Count = 1280
    height_px: Count = 720
    rate_hz: Positive = 30.0


class CameraConfig(Settings, frozen=True):
    """One camera of the rig."""

    name: CameraName
    driver: Driver = "file"
    host: HostName = ""
    """The machine it hangs on, by the name it joins under (``kinelive join HUB --host NAME``);
    empty: the hub, where ``kinelive up`` runs."""
    path: str = ""
    """file, session: video file, ``asset:…`` name, or session folder;
    on another host a path of that machine."""
    loop: bool = True
    """Begin again at the end of the footage."""
    play_s: NotNegative = 0.0
    """Stop after this much footage; 0 = never."""
    deliver_hz: NotNegative = 0.0
    """Rate of pictures handed on for pose estimation, on a grid common to all cameras; 0 = each
    frame. All packets are recorded either way."""
    reduce: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2
    """Pictures in the ring are smaller by this factor; keypoints stay in full pixels."""
    cache_mb: NotNegative = 256.0
    """Decoded pictures of looped footage kept, so that each is decoded once."""
    slots: Annotated[int, msgspec.Meta(ge=2, le=256)] = 8
    lossless: bool = False
    """Wait for the pose worker instead of overwriting the ring: replay at full speed."""
    too_late_ms: Positive = 250.0
    """Older pictures are not handed on for pose estimation; they are recorded. A network camera
    that buffers needs more, and the whole rig is shown so much later."""
    record_raw: Literal["jpeg", "nothing"] = "jpeg"
    """How a camera is recorded that compresses nothing itself."""
    jpeg_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 90
    least_delay_ms: NotNegative = 0.0
    """Shortest time from the exposure to the arrival of a frame: where the device has a clock of
    its own that nobody related to the host's, nothing else can tell it."""
    exposure_reference: Literal["start", "middle", "end"] = "start"
    """What moment of the exposure the device's time means; frames carry the middle."""
    synthetic: SyntheticConfig = SyntheticConfig()
    rtsp: RtspConfig = RtspConfig()
    v4l2: V4l2Config = V4l2Config()
    genicam: GenicamConfig = GenicamConfig()
    basler: BaslerConfig = BaslerConfig()
    webcam: WebcamConfig = WebcamConfig()


def without_password(camera: CameraConfig) -> CameraConfig:
    """The settings as a recording may keep them: no user and password in the address."""
    url = re.sub("://.*@", "://", camera.rtsp.url)
    return msgspec.structs.replace(camera, rtsp=msgspec.structs.replace(camera.rtsp, url=url))

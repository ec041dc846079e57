"""Settings of cameras: what all drivers share, and one struct a driver."""

from typing import Annotated, Literal

import msgspec

from core.settings import Count, NotNegative, Positive, Settings

CameraName = Annotated[
    str, msgspec.Meta(pattern=r"^(?!stream$)[A-Za-z0-9_.-]+$", max_length=64)
]  # a session's stream file has the one name that is taken
Driver = Literal["file", "session", "synthetic", "rtsp", "v4l2", "genicam", "basler", "webcam"]
TriggerMode = Literal["hardware", "software", "ptp", "free-run"]


class TriggerConfig(Settings, frozen=True):
    """What makes the cameras expose at the same time."""

    mode: TriggerMode = "free-run"
    """hardware: a wire into each camera; ptp: cameras whose clocks agree expose on a schedule;
    software: a command to each; free-run: nothing does, each camera runs on its own clock."""
    source: str = "Line0"
    """Where a hardware trigger comes in, by the camera's own name for it."""


class SyntheticConfig(Settings, frozen=True):
    """Driver ``synthetic``: a device that renders a scene whose truth is known."""

    rate_hz: Positive = 30.0


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


class GenicamConfig(Settings, frozen=True):
    """Driver ``genicam``: GigE Vision and USB3 Vision, through Aravis."""

    device: str = ""
    """As ``kinelive cameras`` lists it; empty: the only one there is."""
    rate_hz: Positive = 60.0


class BaslerConfig(Settings, frozen=True):
    """Driver ``basler``: through the maker's pylon (``pip install kinelive[basler]``)."""

    serial: str = ""
    """Serial number; empty: the only one there is."""
    rate_hz: Positive = 60.0


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
    path: str = ""
    """file, session: video file, ``asset:…`` name, or session folder."""
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

"""An RTSP camera to test against: GStreamer's server, each picture carrying when it was taken.

Runs under the system's Python, which has GStreamer's bindings, not under the project's. It says
"ready" when it serves ``rtsp://127.0.0.1:PORT/cam``, and serves until it is ended.
"""

import argparse
import sys
import time

import gi  # pyright: ignore[reportMissingImports]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 # pyright: ignore

WIDTH_PX, HEIGHT_PX, COLUMNS, ROWS = 640, 360, 16, 4
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} bitrate=4000"
    " ! rtph264pay pt=96 config-interval=1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={gop}"
    " ! rtph265pay pt=96 config-interval=1",
    "mjpeg": "jpegenc ! rtpjpegpay pt=26",
}


def painted(t_ns: int) -> bytes:
    """Grey picture whose 64 blocks are the bits of a time, lowest first, row by row."""
    blocks = [(b"\xff" if t_ns >> bit & 1 else b"\0") * (WIDTH_PX // COLUMNS) for bit in range(64)]
    rows = [b"".join(blocks[row * COLUMNS :][:COLUMNS]) for row in range(ROWS)]
    return b"".join(row * (HEIGHT_PX // ROWS) for row in rows)


class Camera(GstRtspServer.RTSPMediaFactory):
    """Takes pictures while somebody looks."""

    def __init__(self, codec: str, rate_hz: int, gop: int, clock: str, lose: float) -> None:
        super().__init__()
        self.rate_hz, self.clock = rate_hz, clock
        self.set_shared(True)
        self.set_launch(
            "( appsrc name=src is-live=true format=time do-timestamp=true"
            f" caps=video/x-raw,format=GRAY8,width={WIDTH_PX},height={HEIGHT_PX},"
            f"framerate={rate_hz}/1 ! videoconvert ! video/x-raw,format=I420"
            f" ! {ENCODERS[codec].format(gop=gop)}"
            f" ! identity name=pay0 drop-probability={lose} )"
        )

    def do_configure(self, media) -> None:
        """Begin to take pictures, and choose the clock of the sender reports."""
        media.get_element().get_parent().connect("element-added", self.set_clock)
        source = media.get_element().get_child_by_name("src")
        GLib.timeout_add(1000 // self.rate_hz, self.expose, source)

    def set_clock(self, _pipeline, element) -> None:
        """What the reports call wall time."""
        if element.get_factory().get_name() == "rtpbin":
            element.set_property("ntp-time-source", self.clock)

    def expose(self, source) -> bool:
        """Take one picture: now."""
        buffer = Gst.Buffer.new_wrapped(painted(time.monotonic_ns()))
        return source.emit("push-buffer", buffer) == Gst.FlowReturn.OK


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--codec", choices=ENCODERS, default="h264")
    parser.add_argument("--rate-hz", type=int, default=30)
    parser.add_argument("--gop", type=int, default=15)
    parser.add_argument("--clock", choices=("ntp", "running-time"), default="ntp")
    parser.add_argument("--lose", type=float, default=0.0, help="part of the RTP packets")
    parser.add_argument("--password", default="")
    given = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(given.port)
    factory = Camera(given.codec, given.rate_hz, given.gop, given.clock, given.lose)
    if given.password:
        protect(server, factory, given.password)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    print("ready", server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


def protect(server, factory, password: str) -> None:
    """Let in the user "camera" with that password alone."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("camera", password), token)
    server.set_auth(auth)
    roles = "user, media.factory.access=true, media.factory.construct=true"
    factory.add_role_from_structure(Gst.Structure.new_from_string(roles))


if __name__ == "__main__":
    sys.exit(main())

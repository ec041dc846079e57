"""A video of drawn pictures, written frame by frame with the times of another."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from core.errors import ConfigError

U8 = NDArray[np.uint8]
_OPTIONS = {"crf": "20", "preset": "veryfast"}


class OverlayWriter:
    """Writes H.264 (yuv420p) into an mp4; a context manager, after which the file is whole."""

    def __init__(self, path: Path, time_base_s: Fraction, rate_hz: float) -> None:
        self._path, self._time_base = path, time_base_s
        # The clock of the edit list: a coarser one would shift all times.
        clock = {"movie_timescale": str(time_base_s.denominator)}
        self._container = av.open(str(path), "w", format="mp4", options=clock)
        rate = Fraction(rate_hz).limit_denominator(1001)
        self._stream = self._container.add_stream("libx264", rate=rate, options=_OPTIONS)
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = self._stream.codec_context.time_base = time_base_s
        self._begun = False

    def write(self, picture: U8, pts: int) -> None:
        """Append a picture (H, W, 3) BGR; odd sizes grow by a row or column of their edge.

        ``pts`` is in units of ``time_base_s`` and rises.

        Raises:
            ConfigError: the file cannot be written.
        """
        height, width = picture.shape[:2]
        if height % 2 or width % 2:
            picture = cv2.copyMakeBorder(
                picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
            ).astype(np.uint8, copy=False)
        if not self._begun:
            self._stream.height, self._stream.width = picture.shape[:2]
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts, frame.time_base = pts, self._time_base
        self._encode(frame)

    def _encode(self, frame: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (OSError, FFmpegError) as error:
            self._begun = False
            raise ConfigError(f"{self._path}: cannot be written: {error}") from error
        self._begun = True

    def __enter__(self) -> "OverlayWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, also where the pictures broke off."""
        if self._begun:
            self._encode(None)
        self._container.close()

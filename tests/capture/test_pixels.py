"""Raw pixels of one colour become pictures of that colour."""

import numpy as np
import pytest

from capture.pixels import FORMATS, shrunk, to_bgr

BGR = (20, 120, 220)
H, W = 8, 12


def flat(name: str) -> np.ndarray:
    """A picture of one colour (H, W) or (H, W, 3), as a camera of that format sends it."""
    if name == "Mono8":
        return np.full((H, W), 90, np.uint8)
    if name.startswith("Bayer"):
        first = {"RG": "RGGB", "GR": "GRBG", "GB": "GBRG", "BG": "BGGR"}[name[5:7]]
        tile = [dict(zip("BGR", BGR, strict=True))[colour] for colour in first]
        return np.tile(np.array(tile, np.uint8).reshape(2, 2), (H // 2, W // 2))
    if name.startswith("Y"):
        luma_first = name != "YUV422Packed"
        pair = [100, 128, 100, 128] if luma_first else [128, 100, 128, 100]
        return np.tile(np.array(pair, np.uint8), (H, W // 2))
    colour = BGR if name.startswith("BGR") else BGR[::-1]
    return np.tile(np.array(colour, np.uint8), (H, W, 1))


def expected(name: str) -> tuple[int, int, int]:
    if name == "Mono8":
        return (90, 90, 90)
    return (98, 98, 98) if name.startswith("Y") else BGR  # luma 100 of 16..235 is 98 of 0..255


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("name", FORMATS)
def test_the_colour_is_right(name: str, factor: int):
    picture = to_bgr(flat(name).tobytes(), name, (H, W), factor)
    assert picture.shape == (H // factor, W // factor, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    inner = picture[1:-1, 1:-1]
    assert np.abs(inner.astype(int) - expected(name)).max() <= 1


def test_what_follows_the_rows_and_the_pixels_is_not_looked_at():
    rows = np.zeros((H, W + 5), np.uint8)
    rows[:, :W], rows[:, W:] = 7, 200
    payload = rows.tobytes() + bytes([99] * 50)
    assert (to_bgr(payload, "Mono8", (H, W), padding_bytes=5) == 7).all()


def test_shrinking_takes_the_mean():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[::2, ::2] = 100
    assert (shrunk(picture, 2) == 25).all()

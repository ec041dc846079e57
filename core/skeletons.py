"""Keypoint sets: names, bones, left/right partners.

HALPE_26 is the common set of the system: body, feet and three derived midline points
(Halpe-FullBody data set, Fang et al. 2022, arXiv 2211.03375).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A keypoint set; a keypoint's number is its place in ``names``."""

    name: str
    names: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    """Pairs of keypoints that a picture of the skeleton joins."""
    partner: tuple[int, ...]
    """For each keypoint the one on the other side of the body; itself on the midline."""

    def index(self, name: str) -> int:
        """Return the number of a keypoint."""
        return self.names.index(name)


def _partners(names: tuple[str, ...]) -> tuple[int, ...]:
    other = {"L": "R", "R": "L"}
    swapped = (
        other[name[0]] + name[1:] if name[0] in other and name[1].isupper() else name
        for name in names
    )
    return tuple(names.index(name) for name in swapped)


# fmt: off
_HALPE_26_NAMES = (
    "Nose", "LEye", "REye", "LEar", "REar",
    "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist",
    "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle",
    "Head", "Neck", "Hip",
    "LBigToe", "RBigToe", "LSmallToe", "RSmallToe", "LHeel", "RHeel",
)
_HALPE_26_BONES = (
    (17, 0), (17, 18), (18, 19), (18, 5), (18, 6), (5, 7), (7, 9), (6, 8), (8, 10),
    (19, 11), (19, 12), (11, 13), (13, 15), (12, 14), (14, 16),
    (15, 24), (15, 20), (24, 20), (16, 25), (16, 21), (25, 21),
)
# fmt: on

HALPE_26 = Skeleton("HALPE_26", _HALPE_26_NAMES, _HALPE_26_BONES, _partners(_HALPE_26_NAMES))

SKELETONS: dict[str, Skeleton] = {HALPE_26.name: HALPE_26}

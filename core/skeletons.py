"""Keypoint sets: names, bones, left/right partners, and which keypoints are markers of a trc.

HALPE_26 is the common set of the system: body, feet and three derived midline points
(Halpe-FullBody data set, Fang et al. 2022, arXiv 2211.03375). The others are what 2D networks
give, with the keypoint numbers and marker orders that Pose2Sim writes for them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A keypoint set; a keypoint's number is its place in ``names``."""

    name: str
    names: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    """Pairs of keypoints that a picture of the skeleton joins."""
    partner: tuple[int, ...]
    """For each keypoint the one on the other side of the body; itself on the midline."""
    markers: tuple[str, ...] = ()
    """Keypoints that go into a trc, in its order."""

    def index(self, name: str) -> int:
        """Return the number of a keypoint."""
        return self.names.index(name)

    @property
    def marker_places(self) -> list[int]:
        """Numbers of the keypoints that go into a trc, in its order."""
        return [self.index(name) for name in self.markers]


def _partners(names: tuple[str, ...]) -> tuple[int, ...]:
    other = {"L": "R", "R": "L"}
    swapped = (
        other[name[0]] + name[1:] if name[0] in other and name[1].isupper() else name
        for name in names
    )
    place = {name: number for number, name in enumerate(names)}
    return tuple(place.get(name, number) for number, name in enumerate(swapped))


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
_HALPE_26_MARKERS = (
    "Hip", "RHip", "RKnee", "RAnkle", "RBigToe", "RSmallToe", "RHeel",
    "LHip", "LKnee", "LAnkle", "LBigToe", "LSmallToe", "LHeel", "Neck", "Head", "Nose",
    "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist",
)
# fmt: on

HALPE_26 = Skeleton(
    "HALPE_26", _HALPE_26_NAMES, _HALPE_26_BONES, _partners(_HALPE_26_NAMES), _HALPE_26_MARKERS
)

# A table lists "marker:number" in the order of the trc; "Jaw1..17:23" stands for Jaw1:23 to
# Jaw17:39. Behind a bar: keypoints that have a name and are no markers. The rest has no name.
_COCO_FACE = "LEye:1 REye:2 LEar:3 REar:4"
_COCO_ARMS = "RShoulder:6 RElbow:8 RWrist:10 LShoulder:5 LElbow:7 LWrist:9"
_COCO_LEGS = "RHip:12 RKnee:14 RAnkle:16 LHip:11 LKnee:13 LAnkle:15"
_LEGS_133 = """RHip:12 RKnee:14 RAnkle:16 RBigToe:20 RSmallToe:21 RHeel:22
    LHip:11 LKnee:13 LAnkle:15 LBigToe:17 LSmallToe:18 LHeel:19"""
_LEGS_25B = """RHip:12 RKnee:14 RAnkle:16 RBigToe:22 RSmallToe:23 RHeel:24
    LHip:11 LKnee:13 LAnkle:15 LBigToe:19 LSmallToe:20 LHeel:21 Neck:17 Head:18 Nose:0"""
_LEGS_HALPE = """Hip:19 RHip:12 RKnee:14 RAnkle:16 RBigToe:21 RSmallToe:23 RHeel:25
    LHip:11 LKnee:13 LAnkle:15 LBigToe:20 LSmallToe:22 LHeel:24"""
_OPENPOSE_ARMS = "RShoulder:2 RElbow:3 RWrist:4 LShoulder:5 LElbow:6 LWrist:7"
_OPENPOSE_BODY = f"""RHip:8 RKnee:9 RAnkle:10 LHip:11 LKnee:12 LAnkle:13 Neck:1 Nose:0
    {_OPENPOSE_ARMS}"""

_TABLES: dict[str, tuple[int, str]] = {
    "HALPE_26_LOWER": (26, f"{_LEGS_HALPE} | Nose:0 {_COCO_FACE} {_COCO_ARMS} Head:17 Neck:18"),
    "COCO_17": (17, f"{_COCO_LEGS} Nose:0 {_COCO_ARMS} | {_COCO_FACE}"),
    "COCO_133": (
        133,
        f"""{_LEGS_133} Nose:0 REye:2 LEye:1 REar:4 LEar:3
        RShoulder:6 RElbow:8 RWrist:10 RThumb1:113 RThumb:114 RThumb3..4:115
        RIndex:117 RIndex2..4:118 RMiddle1..4:121 RRing1..4:125 RPinky:129 RPinky2..4:130
        LShoulder:5 LElbow:7 LWrist:9 LThumb1:92 LThumb:93 LThumb3..4:94
        LIndex:96 LIndex2..4:97 LMiddle1..4:100 LRing1..4:104 LPinky:108 LPinky2..4:109
        Jaw1..17:23 EyebrowR1..5:40 EyebrowL1..5:45 Nose1..9:50 REye1..6:59 LEye1..6:65
        Mouth1..20:71""",
    ),
    "COCO_133_WRIST": (
        133,
        f"""{_LEGS_133} Nose:0 REye:2 LEye:1
        RShoulder:6 RElbow:8 RWrist:10 RThumb:114 RIndex:117 RPinky:129
        LShoulder:5 LElbow:7 LWrist:9 LThumb:93 LIndex:96 LPinky:108 | LEar:3 REar:4""",
    ),
    "HAND_21": (
        21,
        "RWrist:0 RThumb1..4:1 RIndex1..4:5 RMiddle1..4:9 RRing1..4:13 RPinky1..4:17",
    ),
    "FACE_106": (
        106,
        """Jaw0..32:0 EyebrowR1..9:33 EyebrowL1..9:42 Nose1..9:51 REye1..8:60 LEye1..8:68
        Mouth1..20:76""",
    ),
    "ANIMAL2D_17": (
        17,
        """Hip:4 RHip:14 RKnee:15 RAnkle:16 LHip:11 LKnee:12 LAnkle:13 Neck:3 Nose:2 REye:1 LEye:0
        RShoulder:8 RElbow:9 RWrist:10 LShoulder:5 LElbow:6 LWrist:7""",
    ),
    "BODY_25B": (25, f"{_LEGS_25B} {_COCO_ARMS} | {_COCO_FACE}"),
    "BODY_25": (
        25,
        f"""CHip:8 RHip:9 RKnee:10 RAnkle:11 RBigToe:22 RSmallToe:23 RHeel:24
        LHip:12 LKnee:13 LAnkle:14 LBigToe:19 LSmallToe:20 LHeel:21 Neck:1 Nose:0 {_OPENPOSE_ARMS}
        | REye:15 LEye:16 REar:17 LEar:18""",
    ),
    "BODY_135": (
        135,
        f"""{_LEGS_25B} RShoulder:6 RElbow:8 RWrist:10 RThumb:48 RIndex:51 RPinky:63
        LShoulder:5 LElbow:7 LWrist:9 LThumb:27 LIndex:30 LPinky:42 | {_COCO_FACE}""",
    ),
    "BLAZEPOSE": (
        33,
        """RHip:24 RKnee:26 RAnkle:28 RHeel:30 RBigToe:32 LHip:23 LKnee:25 LAnkle:27 LHeel:29
        LBigToe:31 Nose:0 REye:5 LEye:2 RShoulder:12 RElbow:14 RWrist:16 RPinky:18 RIndex:20
        RThumb:22 LShoulder:11 LElbow:13 LWrist:15 LPinky:17 LIndex:19 LThumb:21
        | LEyeInner:1 LEyeOuter:3 REyeInner:4 REyeOuter:6 LEar:7 REar:8 LMouth:9 RMouth:10""",
    ),
    "HALPE_68": (
        68,
        f"""{_LEGS_HALPE} Neck:18 Nose:0 RShoulder:6 RElbow:8 RWrist:10 RThumb:49 RIndex:52
        RPinky:64 LShoulder:5 LElbow:7 LWrist:9 LThumb:28 LIndex:31 LPinky:43
        | {_COCO_FACE} Head:17""",
    ),
    "HALPE_136": (
        136,
        f"""{_LEGS_HALPE} Neck:18 Nose:0 RShoulder:6 RElbow:8 RWrist:10 RThumb:117 RIndex:120
        RPinky:132 LShoulder:5 LElbow:7 LWrist:9 LThumb:96 LIndex:99 LPinky:111
        | {_COCO_FACE} Head:17""",
    ),
    "COCO": (18, f"{_OPENPOSE_BODY} | REye:14 LEye:15 REar:16 LEar:17"),
    "MPII": (15, f"CHip:14 {_OPENPOSE_BODY}"),
}
_SEVERAL = re.compile(r"(\D+)(\d+)\.\.(\d+)")
_BONES = (
    "Hip RHip RKnee RAnkle RBigToe RSmallToe",
    "Hip LHip LKnee LAnkle LBigToe LSmallToe",
    "CHip RHip LHip CHip",
    "RAnkle RHeel",
    "LAnkle LHeel",
    "RHip RShoulder RElbow RWrist RIndex",
    "LHip LShoulder LElbow LWrist LIndex",
    "RShoulder LShoulder",
    "RWrist RThumb",
    "LWrist LThumb",
    "RWrist RPinky",
    "LWrist LPinky",
    "Neck Head Nose",
)


def _listed(table: str) -> dict[str, int]:
    """Numbers by name, in the order of a table."""
    numbers: dict[str, int] = {}
    for entry in table.split():
        label, first = entry.split(":")
        several = _SEVERAL.fullmatch(label)
        if several is None:
            numbers[label] = int(first)
            continue
        stem, start, last = several[1], int(several[2]), int(several[3])
        for count in range(last - start + 1):
            numbers[f"{stem}{start + count}"] = int(first) + count
    return numbers


def _tabled(name: str, n_keypoints: int, table: str) -> Skeleton:
    marked, _, unmarked = table.partition("|")
    markers = _listed(marked)
    named = {number: one for one, number in (markers | _listed(unmarked)).items()}
    names = tuple(named.get(number, f"Keypoint{number}") for number in range(n_keypoints))
    return Skeleton(name, names, _bones(names), _partners(names), tuple(markers))


def _bones(names: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    place = {one: number for number, one in enumerate(names)}
    pairs = (pair for chain in _BONES for pair in pairwise(chain.split()))
    return tuple((place[a], place[b]) for a, b in pairs if a in place and b in place)


SKELETONS: dict[str, Skeleton] = {
    HALPE_26.name: HALPE_26,
    **{name: _tabled(name, *row) for name, row in _TABLES.items()},
}

_OWN = "keypoints:"
_MOST_KEYPOINTS = 300
_KEYPOINT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")


def of_keypoints(names: Sequence[str]) -> Skeleton:
    """The keypoint set with these names in this order: a known one, or one of the user's own.

    A set of one's own is called by its keypoints, so that whoever reads its name in a message or a
    recording knows it.

    Raises:
        ConfigError: no names, too many, doubled, or such as no keypoint can have.
    """
    listed = tuple(names)
    known = next((one for one in SKELETONS.values() if one.names == listed), None)
    if known is not None:
        return known
    if not 0 < len(listed) <= _MOST_KEYPOINTS:
        raise ConfigError(f"{len(listed)} keypoints; a set has 1 to {_MOST_KEYPOINTS}")
    wrong = [one for one in listed if not _KEYPOINT_NAME.fullmatch(one)]
    doubled = sorted({one for one in listed if listed.count(one) > 1})
    if wrong or doubled:
        said = f"are no names: {wrong}" if wrong else f"are there twice: {doubled}"
        raise ConfigError(f"keypoints that {said}; names are letters and digits, such as LKnee")
    return Skeleton(_OWN + ",".join(listed), listed, _bones(listed), _partners(listed), listed)


@lru_cache(maxsize=64)
def find(name: str) -> Skeleton | None:
    """The keypoint set of that name, known or called by its keypoints; None where there is none."""
    if not name.startswith(_OWN):
        return SKELETONS.get(name)
    try:
        found = of_keypoints(name.removeprefix(_OWN).split(","))
    except ConfigError:
        return None
    return found if found.name == name else None


def named(name: str) -> Skeleton:
    """``find`` for a name that has been checked; KeyError where there is no such set."""
    found = find(name)
    if found is None:
        raise KeyError(name)
    return found


_POSE_MODELS = {
    "BODY_WITH_FEET": "HALPE_26",
    "WHOLE_BODY": "COCO_133",
    "WHOLE_BODY_WRIST": "COCO_133_WRIST",
    "LOWER_BODY": "HALPE_26_LOWER",
    "BODY": "COCO_17",
    "HAND": "HAND_21",
    "FACE": "FACE_106",
    "ANIMAL": "ANIMAL2D_17",
}


def of_pose_model(name: str) -> Skeleton:
    """Find the keypoint set that a Pose2Sim project names as its ``pose_model``, in any case.

    Raises:
        ConfigError: a name that is not known, or a keypoint set of the project's own.
    """
    upper = name.upper()
    found = SKELETONS.get(_POSE_MODELS.get(upper, upper))
    if found is None:
        known = ", ".join([*(one.capitalize() for one in _POSE_MODELS), *SKELETONS])
        raise ConfigError(f"pose_model {name!r} is not known; these are: {known}")
    return found

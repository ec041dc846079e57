"""Several people with a known truth, and cameras that see them as badly as real ones do."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration.place import with_poses
from core.cameras import Rig, project
from core.messages import Keypoints2D, Person2D
from core.skeletons import HALPE_26
from core.synthetic import HEIGHT_PX, WIDTH_PX, at

F64 = NDArray[np.float64]
_APART = {2: 0.0, 3: 0.6, 4: 1.2}  # rad between neighbours, so that they do not collide
_CONFIDENCE, _LEAST_CONFIDENCE = 0.9, 0.31
_DOUBT = 0.2  # confidence falls by so much, about, where the noise is the usual one
START_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the pictures."""

    noise_px: float = 0.0
    outlier_share: float = 0.0
    """Part of the keypoints that lie somewhere else altogether …"""
    outlier_px: float = 100.0
    """… by about this much."""
    missing_share: float = 0.0
    swap_share: float = 0.0
    """Part of the detections with left and right exchanged."""
    occlusion: bool = False
    """Who stands behind somebody is not detected."""
    tail_freedom: float = 0.0
    """Noise of Student's t with so many degrees of freedom, heavy tails; 0: Gaussian."""
    uneven: float = 0.0
    """Spread of the keypoints' own noise around ``noise_px``, standard deviation of its logarithm;
    the confidence is lower where the noise is larger …"""
    longest: float = 1.0
    """… and the noise is longer in some direction than across it, by up to this factor."""
    says_covariance: bool = False
    clock_sd_ms: float = 0.0
    """Each camera's clock is off by a constant of this standard deviation."""
    everywhere: bool = False
    """People are seen outside the pictures too, as by cameras with larger ones."""
    lost: tuple[tuple[str, int, int], ...] = ()
    """(camera, first frame, frame of return) in which a camera says nothing."""


def crossing_m(n_people: int, n_frames: int, rate_hz: float = 60.0) -> F64:
    """Keypoints (P, T, 26, 3) of people whose ways cross, again and again half a metre apart.

    Each walks to and fro on a narrow ellipse through the middle, all ellipses turned. For two,
    three and four people the hips stay 0.49 m apart or more.
    """
    t_s = np.arange(n_frames) / rate_hz
    everybody = []
    for person in range(n_people):
        turn = np.pi * person / n_people
        phase = t_s * 0.8 + person * (2 * np.pi / n_people + _APART.get(n_people, 1.0))
        along, across = 1.5 * np.sin(phase), 0.5 * np.cos(phase)
        cos, sin = np.cos(turn), np.sin(turn)
        path_m = np.stack([cos * along - sin * across, sin * along + cos * across], axis=-1)
        speed = np.gradient(path_m, axis=0)
        heading = np.unwrap(np.arctan2(speed[:, 1], speed[:, 0]))
        moments = zip(t_s + 0.3 * person, path_m, heading, strict=True)
        everybody.append(np.stack([at(*one) for one in moments]))
    return np.stack(everybody)


def miscalibrated(rig: Rig, turn_deg: float, shift_m: float, seed: int = 0) -> Rig:
    """Turn and shift each camera at random, by these standard deviations for each axis."""
    rng = np.random.default_rng(seed)
    poses = rig.cam_from_world.copy()
    for pose in poses:
        turn = Rotation.from_rotvec(np.radians(rng.normal(0.0, turn_deg, 3))).as_matrix()
        pose[:] = turn @ pose
        pose[:, 3] += rng.normal(0.0, shift_m, 3)
    return with_poses(rig, poses)


def seen(
    rig: Rig, people_m: F64, faults: Faults, *, seed: int = 0, rate_hz: float = 60.0
) -> list[Keypoints2D]:
    """What the cameras say of people (P, T, 26, 3), frame by frame, people in random order.

    Who is not at least half in the picture is not detected.
    """
    rng = np.random.default_rng(seed)
    late = _clocks(faults, len(rig.names), seed) * rate_hz * 1e-3
    messages = []
    for frame in range(people_m.shape[1]):
        for place, name in enumerate(rig.names):
            if any(name == one and first <= frame < back for one, first, back in faults.lost):
                continue
            now_m = _between(people_m, frame + late[place])
            pixels = project(rig, now_m)  # (C, P, J, 2)
            there = _visible(rig, place, now_m, pixels[place], faults)
            persons = [_person(pixels[place, who], faults, rng) for who in rng.permutation(there)]
            messages.append(
                Keypoints2D(
                    t_ns=START_NS + round(frame * 1e9 / rate_hz),
                    camera=name,
                    frame=frame,
                    skeleton=HALPE_26.name,
                    model="synthetic",
                    provider="none",
                    persons=tuple(persons),
                )
            )
    return messages


def _clocks(faults: Faults, n_cameras: int, seed: int) -> F64:
    """Milliseconds by which each camera sees too late."""
    return np.random.default_rng(seed + 1).normal(0.0, faults.clock_sd_ms, n_cameras)


def _between(people_m: F64, frame: float) -> F64:
    """Keypoints (P, J, 3) at a time between two frames; those of the ends beyond them."""
    within = min(max(frame, 0.0), people_m.shape[1] - 1.0)
    before = int(within)
    after, part = min(before + 1, people_m.shape[1] - 1), within - before
    return (1 - part) * people_m[:, before] + part * people_m[:, after]


def _visible(rig: Rig, place: int, people_m: F64, pixels: F64, faults: Faults) -> list[int]:
    size = np.array([WIDTH_PX, HEIGHT_PX])
    inside = ((pixels >= 0) & (pixels < size)).all(axis=-1).mean(axis=1) >= 0.5
    if faults.everywhere:
        inside[:] = np.isfinite(pixels).all(axis=(1, 2))
    if not faults.occlusion:
        return [int(who) for who in np.flatnonzero(inside)]
    hip, head = HALPE_26.index("Hip"), HALPE_26.index("Head")
    to_cam = rig.cam_from_world[place]
    depth_m = people_m[:, hip] @ to_cam[2, :3] + to_cam[2, 3]
    tall_px = np.linalg.norm(pixels[:, hip] - pixels[:, head], axis=-1)
    apart_px = np.abs(pixels[:, None, hip, 0] - pixels[None, :, hip, 0])
    hidden = (apart_px < 0.3 * tall_px) & (depth_m[None] < depth_m[:, None])
    return [int(who) for who in np.flatnonzero(inside & ~hidden.any(axis=1))]


def _person(pixels: F64, faults: Faults, rng: np.random.Generator) -> Person2D:
    count = len(pixels)
    if rng.random() < faults.swap_share:
        pixels = pixels[list(HALPE_26.partner)]
    confidence, root_px = np.full(count, _CONFIDENCE), np.eye(2) * faults.noise_px
    if faults.uneven or faults.longest > 1:
        confidence, root_px = _uneven(faults, count, rng)
    noise = _noise(faults, pixels.shape, rng)
    noisy = pixels + np.einsum("...ab,...b->...a", root_px, noise)
    off = rng.random(count) < faults.outlier_share
    direction = rng.normal(0.0, 1.0, pixels.shape)
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    noisy = np.where(off[:, None], noisy + direction * faults.outlier_px, noisy)
    missing = (rng.random(count) < faults.missing_share) | ~np.isfinite(noisy).all(axis=1)
    return Person2D(
        id=0,
        keypoints_px=np.where(missing[:, None], np.nan, noisy).astype("<f4").tobytes(),
        confidence=np.where(missing, 0.0, confidence).astype("<f4").tobytes(),
        covariance_px2=_covariance(root_px, count) if faults.says_covariance else b"",
    )


def _uneven(faults: Faults, count: int, rng: np.random.Generator) -> tuple[F64, F64]:
    """Confidence (J,), and the symmetric square root of the covariance (J, 2, 2) of the noise."""
    factor = np.exp(rng.normal(0.0, faults.uneven, count))
    angle, ratio = rng.uniform(0, np.pi, count), rng.uniform(1.0, faults.longest, count)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    outer = along[:, :, None] * along[:, None]
    long, short = np.sqrt(ratio)[:, None, None], 1 / np.sqrt(ratio)[:, None, None]
    root = short * np.eye(2) + (long - short) * outer
    confidence = np.clip(np.exp(-_DOUBT * factor), _LEAST_CONFIDENCE, 1.0)
    return confidence, root * (factor * faults.noise_px)[:, None, None]


def _covariance(root_px: F64, count: int) -> bytes:
    covariance = np.broadcast_to(root_px @ root_px, (count, 2, 2))
    return covariance[:, [0, 1, 0], [0, 1, 1]].astype("<f4").tobytes()


def _noise(faults: Faults, shape: tuple[int, ...], rng: np.random.Generator) -> F64:
    if faults.tail_freedom:
        return rng.standard_t(faults.tail_freedom, shape)
    return rng.normal(0.0, 1.0, shape)

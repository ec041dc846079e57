"""What is wrong with found cameras, and what to do: in plain words.

Errors of the user look alike in pixels; which it is follows from what a camera sees alone, from the
fit with another camera's lens, and from the fit without a camera.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core.calibration import poses, rigid
from core.calibration.checks import centre_m
from core.calibration.extrinsics import ALONE, Fitted
from core.calibration.point_files import SCENE
from core.calibration.rigid import Scene
from core.calibration.sights import pixels_of
from core.calibration.world import Known
from core.cameras import CameraModel, Rig

F64 = NDArray[np.float64]
Models = Mapping[str, CameraModel]
Refit = Callable[[str], Fitted | None]
"""The fit without a camera; None where the others are not connected then."""
_TIMES, _MORE_PX = 2.5, 0.3
_DOUBTFUL_TIMES, _DOUBTFUL_PX = 1.4, 0.05
_ALONE_SHARE, _TOGETHER_SHARE = 6e-4, 3e-3  # of the longer side of a picture
_MOST_LEFT_OUT, _FEW_LEFT_OUT = 0.4, 3
_SWAPPED, _LESS_EXCESS = 0.75, 0.4
_GROSS_PX = 5.0
_NEAR_M, _FAR_M = 0.8, 25.0
_FEW = 5
_BADLY_MM, _BADLY_DEG = 15.0, 0.3
_MAYBE_SWAPPED = 1.25


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands against a result, and what is to be minded."""

    problems: tuple[str, ...]
    """With any the result is bad."""
    warnings: tuple[str, ...]


def verdict(
    fitted: Fitted, rig: Rig, models: Models, known: Mapping[str, Known], refit: Refit
) -> Verdict:
    """Judge a fit.

    Args:
        fitted: of C cameras.
        rig: the same in the world, of true size.
        models: their lenses and the size of their pictures.
        known: how well each is known.
        refit: to try which camera is at odds with the others.
    """
    bad = [name for name in fitted.scene.rig.names if _is_bad(fitted, models[name])]
    blurred = [name for name in fitted.scene.rig.names if _is_alone_bad(fitted, models[name])]
    problems = list[str]()
    if bad or blurred or _may_be_swapped(fitted):
        problems += _swapped(fitted, models)
    if not problems:
        problems += [_lens_says(fitted, name) for name in blurred]
    if not problems and bad:
        problems += _at_odds(fitted, models, bad, refit)
    doubtful = [] if problems else _doubtful(fitted)
    return Verdict(tuple(problems), (*_sizes(fitted, rig), *_weak(fitted, known), *doubtful))


def _judged_off_px(fitted: Fitted, name: str) -> float:
    """Median of all that a camera saw that has a place, left out or not."""
    off = [one.rms_px for one in fitted.of(name) if np.isfinite(one.rms_px)]
    return float(np.median(off)) if off else np.nan


def _is_bad(fitted: Fitted, model: CameraModel) -> bool:
    counted = [one for one in fitted.of(model.name) if one.why != ALONE]
    n_left_out = sum(not one.used for one in counted)
    if not any(one.used for one in counted):
        return True
    if n_left_out > max(_MOST_LEFT_OUT * len(counted), _FEW_LEFT_OUT):
        return True
    alone_px, together_px = fitted.alone_px[model.name], _judged_off_px(fitted, model.name)
    longer_px = max(model.width_px, model.height_px)
    if np.isnan(alone_px):
        return together_px > _TOGETHER_SHARE * longer_px
    return together_px > _TIMES * alone_px + _MORE_PX


def _is_alone_bad(fitted: Fitted, model: CameraModel) -> bool:
    return fitted.alone_px[model.name] > _ALONE_SHARE * max(model.width_px, model.height_px)


def _may_be_swapped(fitted: Fitted) -> bool:
    names = fitted.scene.rig.names
    return any(fitted.rms_px(name) > _MAYBE_SWAPPED * fitted.alone_px[name] for name in names)


def _lens_says(fitted: Fitted, name: str) -> str:
    return (
        f"{name}: {fitted.alone_px[name]:.2f} px off where each board is placed for itself: that "
        "is not the lens of these pictures (another zoom, focus, mode or stabilisation, or "
        "another camera's lens). Calibrate it as it is used now: kinelive calibrate intrinsics"
    )


def _at_odds(fitted: Fitted, models: Models, bad: Sequence[str], refit: Refit) -> list[str]:
    culprits = [name for name in bad if _is_good(refit(name), models)] if len(bad) > 1 else []
    out = []
    for name in culprits or bad:
        off_px, alone_px = _judged_off_px(fitted, name), fitted.alone_px[name]
        counted = [one for one in fitted.of(name) if one.why != ALONE]
        n_left_out = sum(not one.used for one in counted)
        alone = f" ({alone_px:.2f} alone)" if np.isfinite(alone_px) else ""
        out.append(
            f"{name} does not agree with the others: {off_px:.2f} px off{alone}, "
            f"{n_left_out} of {len(counted)} views left out"
        )
    if all(one.sight.body == SCENE for one in fitted.judged):
        remedy = (
            "the points are measured or marked wrongly, or the lens is another's. Look at those "
            "that are most off, and mind their units: metres, and pixels of the full picture"
        )
    else:
        remedy = (
            "things moved between the pictures, or the cameras are not synchronous: pair the "
            "pictures rightly, hold still while they are taken, or put videos in time first "
            "(kinelive sync). A wrong lens does the same, and so do mirrored pictures, which of a "
            "plain checkerboard nobody can tell by looking at one"
        )
    return [f"{'; '.join(out)}. {remedy[0].upper()}{remedy[1:]}"]


def _is_good(fitted: Fitted | None, models: Models) -> bool:
    return fitted is not None and not any(
        _is_bad(fitted, models[name]) for name in fitted.scene.rig.names
    )


def _doubtful(fitted: Fitted) -> list[str]:
    out = []
    for name, alone_px in fitted.alone_px.items():
        together_px = _judged_off_px(fitted, name)
        if together_px > _DOUBTFUL_TIMES * alone_px + _DOUBTFUL_PX:
            out.append(
                f"{name}: {together_px:.2f} px off together with the others, {alone_px:.2f} alone: "
                "its lens or theirs is not quite that of these pictures, or things moved a little "
                "between the pictures; the standard deviations know nothing of that"
            )
    return out


def _swapped(fitted: Fitted, models: Models) -> list[str]:
    """Cameras that fit much better with each other's lenses, pair after pair."""
    rig = fitted.scene.rig
    sights = [one.sight for one in fitted.judged if np.isfinite(one.reprojected_px).all()]
    pixels = pixels_of(sights, rig.names, fitted.bodies)[0]
    finite = [value for value in fitted.alone_px.values() if np.isfinite(value)]
    floor_px = float(np.median(finite)) if finite else 0.0
    scene, first_px = fitted.scene, _typical_px(fitted.scene, pixels)
    lens_of, before_px = {name: name for name in rig.names}, first_px
    for _ in rig.names:
        tried = []
        for a, b in combinations(rig.names, 2):
            if _size(models[a]) == _size(models[b]):
                other = Scene(_exchanged(scene.rig, a, b), scene.world_from_body)
                there = rigid.adjust(other, pixels, soft_px=3.0, max_rounds=50)
                tried.append((_typical_px(there, pixels), a, b, there))
        if not tried:
            break
        after_px, a, b, there = min(tried, key=lambda one: one[0])
        excess = (after_px - floor_px) / max(before_px - floor_px, 1e-9)
        if after_px > _SWAPPED * before_px or excess > _LESS_EXCESS:
            break
        lens_of[a], lens_of[b] = lens_of[b], lens_of[a]
        scene, before_px = there, after_px
    moved = [f"{name} with {lens_of[name]}'s" for name in rig.names if lens_of[name] != name]
    if not moved:
        return []
    return [
        f"lenses are exchanged: {', '.join(moved)} fits: the error falls from {first_px:.2f} to "
        f"{before_px:.2f} px. Put the names right in the file of lenses, or those of the folders"
    ]


def _typical_px(scene: Scene, pixels: rigid.Pixels) -> float:
    square = (rigid.errors_px(scene, pixels) ** 2).sum(axis=1)
    return float(np.sqrt(np.minimum(square, _GROSS_PX**2).mean()))


def _size(model: CameraModel) -> tuple[int, int]:
    return model.width_px, model.height_px


def _exchanged(rig: Rig, a: str, b: str) -> Rig:
    order = list(range(len(rig.names)))
    order[rig.index(a)], order[rig.index(b)] = rig.index(b), rig.index(a)
    image = rig.image_from_cam[order]
    return replace(
        rig,
        image_from_cam=image,
        distortion=rig.distortion[order],
        image_from_world=image @ rig.cam_from_world,
    )


def _sizes(fitted: Fitted, in_world: Rig) -> list[str]:
    """Cameras too near to what they saw, or too far, for a room."""
    rig, distances = fitted.scene.rig, list[float]()
    centres_m = centre_m(rig.cam_from_world)
    for one in fitted.used:
        body = fitted.scene.world_from_body[fitted.bodies.index(one.body)]
        there_m = poses.placed(body, one.local_m).mean(axis=0)
        distances.append(float(np.linalg.norm(there_m - centres_m[rig.index(one.camera)])))
    spread_m = [np.ptp(centre_m(some.cam_from_world), axis=0) for some in (rig, in_world)]
    found, true = (float(np.linalg.norm(one)) for one in spread_m)
    typical_m = float(np.median(distances)) * (true / found if found > 0 else 1.0)
    if _NEAR_M < typical_m < _FAR_M:
        return []
    return [
        f"the cameras stand {typical_m:.2g} m from what they saw: is that so? If not, a "
        "length was given in another unit: --square-mm and --wand-mm are in millimetres (a square "
        "of 6 cm is 60), measured points in metres"
    ]


def _weak(fitted: Fitted, known: Mapping[str, Known]) -> list[str]:
    out = []
    for name, one in known.items():
        place_mm = float(np.linalg.norm(one.position_sd_mm))
        turn_deg = float(np.linalg.norm(one.orientation_sd_deg))
        shared = {sight.body for sight in fitted.used if sight.camera == name}
        if place_mm > _BADLY_MM or turn_deg > _BADLY_DEG:
            out.append(
                f"{name}: known to {place_mm:.0f} mm and {turn_deg:.2f} deg only, from "
                f"{len(shared)} {'things' if len(shared) != 1 else 'thing'} it saw with others: "
                "show it more often, larger in the picture, at more places, or use a larger board"
            )
        elif len(fitted.bodies) > 1 and len(shared) < _FEW:
            out.append(f"{name}: rests on {len(shared)} common sights only; show it more often")
    return out

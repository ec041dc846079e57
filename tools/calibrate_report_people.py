"""The report of ``kinelive calibrate refine``: cameras, and people as the scored half sees them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.calibration import bands, coverage
from core.calibration.bands import Check, Judged
from core.calibration.people import ALL, Outcome, Views
from core.calibration.scored import Body, Scored, scored
from core.cameras import CameraModel, Rig
from services.calibration_report import (
    CalibrationReport,
    Figure,
    Space,
    Table,
    camera_of,
    standing,
)

F64 = NDArray[np.float64]

_GAIN = Check(
    "Better than before",
    "the error in a held-out camera must fall at instants that took no part; else nothing is "
    "written",
    "Keep the calibration there is; or check synchronisation and lenses, and let somebody walk "
    "through the whole volume for a minute.",
)


def of_refine(
    source: str, before: Rig | None, outcome: Outcome, models: Sequence[CameraModel],
    odd: Sequence[Views],
) -> CalibrationReport:  # fmt: skip
    """Report cameras that were fitted to people, as the half that was not fitted sees them."""
    seen, skeleton = scored(before, outcome.rig, odd), odd[0].skeleton
    n_shown, n_keypoints = seen.points_m.shape[:2]
    shown = [name for name in skeleton.names if name in {row[0] for row in seen.keypoints}]
    return CalibrationReport(
        title="Cameras from nothing, by people" if before is None else "Cameras refined by people",
        input_name=f"{source}: fitted to {outcome.n_fitted} instants, scored on "
        f"{outcome.n_scored} others; {len(shown)} keypoints of {skeleton.name}",
        judged=tuple(_judged_refinement(outcome, models)),
        cameras=tuple(
            replace(
                camera_of(model, seen.sightings, _refined(model, number, outcome)),
                coverage=coverage.counts(_seen_px(odd, number), (model.width_px, model.height_px)),
            )
            for number, model in enumerate(models)
        ),
        sightings=seen.sightings,
        seen="keypoint",
        bones=skeleton.bones,
        space=Space(
            tuple(models),
            seen.points_m.reshape(-1, 3),
            tuple(
                (k * n_keypoints + a, k * n_keypoints + b)
                for k in range(n_shown)
                for a, b in skeleton.bones
            ),
            note=f"{n_shown} of the scored instants, as the refined cameras have them.",
        ),
        tables=(_size_table(outcome, seen), _keypoint_table(seen)),
        notes=(
            "A network has its own idea of where a joint is. The cameras agree about that now; it "
            "is no measurement of the room, and cannot replace a board where millimetres of the "
            "body's surface matter.",
            *(() if outcome.is_better else ("No calibration was written: it is not better.",)),
        ),
    )


def _seen_px(odd: Sequence[Views], camera: int) -> F64:
    """(N, 2) all that a camera saw in the scored half."""
    parts = [one.points_px[:, camera][one.likelihood[:, camera] > 0] for one in odd]
    return np.concatenate(parts)


def _judged_refinement(outcome: Outcome, models: Sequence[CameraModel]) -> list[Judged]:
    longest_px = max(max(one.width_px, one.height_px) for one in models)
    sizes = {one.name: (one.width_px, one.height_px) for one in models}
    found = [
        bands.HELD_OUT.judge(
            bands.share(px, sizes.get(name, (longest_px, 0))),
            "" if name == ALL else name,
            f"{px:.1f} px",
        )
        for name, px in outcome.after_px.items()
    ]
    if outcome.before_px is not None:
        before_px, after_px = outcome.before_px[ALL], outcome.after_px[ALL]
        said = f"{before_px:.1f} px before, {after_px:.1f} px after"
        found.append(Judged(_GAIN, "good" if outcome.is_better else "redo", said))
    return found


def _refined(model: CameraModel, number: int, outcome: Outcome) -> list[Figure]:
    moved_mm, turned = 1e3 * outcome.moved_m[number], outcome.turned_deg[number]
    figures = []
    if outcome.before_px is not None:
        before, after = outcome.before_px[model.name], outcome.after_px[model.name]
        figures = [
            Figure("Held out before", f"{before:.1f} px", "median, this camera left out"),
            Figure("Held out after", f"{after:.1f} px", "the same instants"),
            Figure("Moved by", f"{moved_mm:.0f} mm", ""),
            Figure("Turned by", f"{turned:.2f}°", ""),
        ]
    focal_px = model.image_from_cam[0, 0]
    return [*figures, standing(model), Figure("Focal length", f"{focal_px:.1f} px", "")]


def _size_table(outcome: Outcome, seen: Scored) -> Table:
    said = "kept as it was" if outcome.scale.is_kept else f"from {outcome.scale}"

    def told(body: Body | None, digits: int, which: str) -> str:
        value = np.nan if body is None else getattr(body, which)
        return f"{value:.{digits}f} m" if np.isfinite(value) else "–"

    bodies = (seen.before, seen.after)
    return Table(
        "Size and floor",
        ("", "Before", "After"),
        (
            ("Height of the person", *(told(one, 3, "height_m") for one in bodies)),
            ("Lowest point of the feet, z", *(told(one, 3, "floor_m") for one in bodies)),
        ),
        note=f"The size is {said}. Ankles and heels are some centimetres above the floor.",
    )


def _keypoint_table(seen: Scored) -> Table:
    rows = sorted(seen.keypoints, key=lambda row: -row[2])
    return Table(
        "Each keypoint",
        ("Keypoint", "Before", "After"),
        tuple(
            (name, "–" if np.isnan(before) else f"{before:.1f} px", f"{after:.1f} px")
            for name, before, after in rows
        ),
        note="Median error in a held-out camera; the worst first.",
        is_folded=True,
    )

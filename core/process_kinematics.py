"""Settings of the joint angles of ``kinelive process``: model, scaling, inverse kinematics.

The defaults are Pose2Sim's, but for the model: ``simple`` gives the same knee and ankle angles
within a degree. (The live chain's inverse kinematics has settings of its own.)
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from core.config import NotNegative, Positive, Settings
from core.smoothing_config import FilterType

DEFAULT_MASS_KG = 70.0

Percent = Annotated[float, msgspec.Meta(ge=0, lt=100)]


class KinematicsConfig(Settings, frozen=True):
    """From points to joint angles."""

    enabled: bool = True
    model: Literal["simple", "muscles"] = "simple"
    """Pose2Sim's body models: 40 coordinates, or 62 with a spine of more parts and muscles."""
    augment: bool = True
    """Follow the 43 anatomical markers of the marker networks; false: the keypoints themselves."""
    height_m: NotNegative | tuple[NotNegative, ...] = 0.0
    """0 = from the segments. A list: one a person, in the order of their ids."""
    default_height_m: Positive = 1.7
    """Where the height is 0 and the segments do not tell it."""
    mass_kg: Positive | tuple[Positive, ...] = DEFAULT_MASS_KG
    """Of the model that is written; the networks want it, too."""
    symmetric: bool = True
    """Left and right are scaled by the mean of both."""
    upright_deg: Positive = 90.0
    """The model is scaled from frames in which hips and knees are bent by less on average."""
    trimmed_percent: Percent = 50.0
    """Share of a distance's values that is left out, half at each end, before the mean is taken."""
    solver: Literal["fast", "opensim"] = "fast"
    """opensim: its own tool with the same weights; 10 to 150 ms a frame."""
    l5s1_weight: NotNegative = 0.1
    """Pull of L5_S1_Flex_Ext to its default, as in Pose2Sim; 0 lets the lumbar joint go free."""
    register_markers: bool = False
    """Put each marker of the model where it is on the body on average, as seen in the recording."""
    filter_angles: bool = False
    filter_type: FilterType = "acc_minimizing"
    """The filter of the angles, with its settings in ``filtering``."""
    parquet: bool = False
    """The table of the angles also as .parquet; needs `uv sync --extra parquet`."""
    osim: str = ""
    """A body model of your own, not scaled."""
    markers: str = ""
    """A marker set (.xml) of your own; with a model of your own and none, the model's markers."""
    scaling_setup: str = ""
    """An OpenSim scaling set-up (.xml) of your own: its measurements are used."""

    def height_of(self, person: int) -> float:
        """Height that is given for a person, 0 where none is."""
        return _of(self.height_m, person, 0.0)

    def mass_of(self, person: int) -> float:
        """Mass that is given for a person, or the default."""
        return _of(self.mass_kg, person, DEFAULT_MASS_KG)

    @property
    def trimmed_share(self) -> float:
        """Share of the values that is left out at each end."""
        return self.trimmed_percent / 200


def _of(values: float | Sequence[float], person: int, otherwise: float) -> float:
    if not isinstance(values, Sequence):
        return values
    return values[person - 1] if person <= len(values) else otherwise

"""Settings from keypoints to joint coordinates. No machine code comes in with them.

Apart from the steps that they are for: every process of a run reads its settings, and only one
computes with a body model.
"""

from typing import Annotated, Literal

import msgspec

from core.gait import GaitConfig
from core.settings import Count, Fraction, NotNegative, Positive, Settings


class IkConfig(Settings, frozen=True):
    """Settings of the inverse kinematics."""

    coordinate_weights: dict[str, NotNegative] = msgspec.field(
        default_factory=lambda: {"L5_S1_Flex_Ext": 0.1}
    )
    """Coordinates that are pulled to their default value, as in Pose2Sim 0.10.49; the cost is
    OpenSim's: sum(w |e|²) / (2 sum(w)) + sum(wc (q - q0)²) / 2."""
    prior_weight: NotNegative = 0.0
    """The same pull to the previous frame's value on all coordinates but those of the joints that
    hang on the ground; 0 = each frame for itself. 1e-4 suits live keypoints."""
    use_covariance: bool = False
    """Weigh markers by their covariances, too."""
    marker_sd_m: Positive = 0.01
    """How far markers are off the model's for reasons that no covariance knows, one axis."""
    unobserved_sd_rad: Positive = 0.5
    """A coordinate is unobserved where the markers leave it a greater standard deviation; m for
    shifts."""
    held_sd_rad: Positive = 3.0
    """A coordinate is held where they would do so if all others were known."""
    least_present: Fraction = 0.25
    """Share of the markers without which a frame is not solved."""
    lost_after: int = 15
    """Frames that were not solved after which the body must be found again."""
    lost_error_m: Positive = 0.15
    """RMS marker error from which on the body may have been lost."""
    retry_after: int = 30
    """Frames between two attempts to find a body again."""
    least_move: NotNegative = 3e-5
    """rad, m: see ``core.kinematics.levenberg.Stopping``."""
    least_gain: NotNegative = 1e-6
    most_rounds: int = 60


class AugmentConfig(Settings, frozen=True):
    """Marker augmentation."""

    longest_gap_ms: NotNegative = 250.0
    """Frames or keypoints missing for up to this long are bridged; after more a network begins
    anew."""
    warm_frames: Annotated[int, msgspec.Meta(ge=0, le=600)] = 0
    """A network that begins is fed its first frame so many times before; 60 halves the error of the
    first second. 0 is what the published networks do on a whole sequence."""


class RatesConfig(Settings, frozen=True):
    """Angular velocities."""

    density_rad2_s3: Positive = 100.0
    """Spectral density of the angular acceleration; higher follows faster and smooths less."""
    density_m2_s3: Positive = 10.0
    """The same of shifts."""


class KinematicsConfig(Settings, frozen=True):
    """Joint coordinates of a body model, live."""

    enabled: bool = True
    model: Literal["simple", "muscles"] = "simple"
    """Published body model: the simple one has 40 coordinates, the other one 62, with lumbar
    vertebrae that follow one another."""
    osim: str = ""
    """A body model of one's own instead (.osim), a path or an ``asset:…`` name."""
    markers: str = ""
    """Its marker set (.xml); empty with ``osim``: the markers in the model."""
    scaling_setup: str = ""
    """Which distances scale which bodies: a ScaleTool set-up (.xml)."""
    augment: bool = True
    """Put anatomical markers on the body (LSTM); false: the keypoints are the markers."""
    height_m: NotNegative = 0.0
    """Stature; 0 = measured from the keypoints."""
    mass_kg: Positive = 70.0
    symmetric: bool = True
    """Left and right segments are of one length."""
    scale_after_frames: Count = 20
    """Frames of somebody upright before the model is scaled for the first time …"""
    scale_frames: Count = 160
    """… and again at twice, four times … as many, up to this many."""
    forget_after_ms: Positive = 3000.0
    """A person not seen for so long is measured anew."""
    checkpoint_instants: Count = 150
    """The whole state goes on the bus each so many instants."""
    ik: IkConfig = IkConfig(prior_weight=1e-4)
    augmentation: AugmentConfig = AugmentConfig(warm_frames=60)
    rates: RatesConfig = RatesConfig()
    gait: GaitConfig = GaitConfig()
    packed: str = ""
    """The body model as arrays. Filled in when a run is prepared; empty: no angles."""
    packed_sha256: str = ""
    networks_sha256: str = ""

"""What was measured of each pose model; ``kinelive bench certainty`` measures again."""

import numpy as np

from core.pose.certainty import Certainty

# fmt: off
CERTAINTIES = {
    "blazepose_full": Certainty(
        score=np.array([37.9, 43.0, 45.5, 47.2, 48.5, 50.5, 51.3, 53.4, 53.9, 55.0, 55.6, 61.8]),
        sd=np.array([1.75, 1.28, 0.77, 0.70, 0.69, 0.69, 0.67, 0.67, 0.62, 0.61, 0.59, 0.59]) / 100,
    ),
}
# fmt: on
"""By the name of the model (``pose.model``): of BlazePose the score is the sharpness of the heat
map (``core.pose.certainty.sharpness``). A model that is not here says nothing of its errors.
"""

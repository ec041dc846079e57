"""The list of published files that kinelive uses: where each comes from and what it must hash to.

None of them is in the repository. Each lies in a package that is obtained by its name; a file whose
size or sha256 differs is refused. Apart from ``services.models``, which carries it out.
"""

from collections.abc import Mapping

from services.asset_footage import DEMO_ASSETS, DEMO_TWO_ASSETS, TRIAL_ASSETS
from services.asset_packages import MEDIAPIPE, MEDIAPIPE_WEB, POSE2SIM, POSE2SIM_KERAS, listed
from services.asset_types import Asset, Conversion, Group, Package

_SETUP = "Pose2Sim/OpenSim_Setup"


def _networks(package: Package, listing: str) -> tuple[Asset, ...]:
    """Files of the marker networks (Apache-2.0), kept as HALF.onnx, HALF_mean.npy and so on."""
    rows = (line.split() for line in listing.strip().splitlines())
    return tuple(
        Asset(
            name,
            package,
            f"Pose2Sim/MarkerAugmenter/LSTM/v0.3_{member}",
            int(size),
            sha256,
            f"markers of the {name[:5]} body from keypoints (LSTM)",
        )
        for sha256, size, member, name in rows
    )


_FAMILY = {
    "lite": (2819824, "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61"),
    "full": (6440512, "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"),
    "heavy": (27709200, "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"),
}
_BLAZEPOSE_DETECTOR = Asset(
    "pose_detection.tflite",
    MEDIAPIPE,
    "mediapipe/modules/pose_detection/pose_detection.tflite",
    2959046,
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    "finds people (BlazePose)",
)


def _blazepose(size: str) -> Group:
    """One size of BlazePose: the common detector, and landmarks. The wheel has only full."""
    n_bytes, sha256 = _FAMILY[size]
    in_wheel = size == "full"
    name = f"pose_landmark_{size}"
    folder = "mediapipe/modules/pose_landmark" if in_wheel else "package"
    landmarks = Asset(
        f"{name}.tflite",
        MEDIAPIPE if in_wheel else MEDIAPIPE_WEB,
        f"{folder}/{name}.tflite",
        n_bytes,
        sha256,
        f"finds the landmarks of one person (BlazePose {size})",
    )
    conversions = (
        Conversion(
            "pose_detection.onnx", "pose_detection.tflite", "finds people, several pictures at once"
        ),
        Conversion(
            f"{name}.onnx",
            f"{name}.tflite",
            "finds landmarks, several people at once, without segmentation",
            drop_outputs=("Identity_2",),
        ),
    )
    group = "blazepose" if in_wheel else f"blazepose_{size}"
    return Group(group, (_BLAZEPOSE_DETECTOR, landmarks), conversions, not in_wheel)


_OPENSIM_ASSETS = (
    *listed(
        POSE2SIM,
        _SETUP,
        "a body model (OpenSim)",
        """
        0b25e3efb09f1a6e8c35dbc9a90afe7248895cc74263e3f4f0dbd29519034707 270672 Model_Pose2Sim_simple.osim
        bf4d2698da596e8c2bfa9210bfe0bc2cc02b9bf49f2614cf196dbe9b0daa63b3 2190082 Model_Pose2Sim_muscles_flex.osim
        """,  # noqa: E501
    ),
    *listed(
        POSE2SIM,
        _SETUP,
        "where the markers are on the body models",
        """
        8261886fcc028f60736a80e3aad80c81a83cb30c234823b46b9ae395363df3e2 14805 Markers_Halpe26.xml
        719714bc355da1db1a47ae82b3c03f9884323d6033515a134b3bf74b2b0b42cb 35938 Markers_LSTM.xml
        """,
    ),
    *listed(
        POSE2SIM,
        _SETUP,
        "which marker distances scale which bodies",
        """
        cdabbae2e8346ffd942b30bd588e0e0f8341c8d4d9a55f8bb9b70e1c5c3fb2de 31481 Scaling_Setup_Pose2Sim_Halpe26.xml
        83fb64a59f8cab44551600cc1b8897cf7ac4d07572e321fb4d05e189c55a3c4c 40246 Scaling_Setup_Pose2Sim_LSTM.xml
        """,  # noqa: E501
    ),
    *listed(
        POSE2SIM,
        _SETUP,
        "weights of the inverse kinematics",
        """
        8dda7dce47fbde0c268cd1052213a0013b1240873d9e334dbf0a8515b3ed3769 9939 IK_Setup_Pose2Sim_Halpe26.xml
        d6d4fd5c216f1672b514329bfb4c929e88710c3170b8823f6b1dd79b2a893e3d 18360 IK_Setup_Pose2Sim_withHands_LSTM.xml
        """,  # noqa: E501
    ),
)
_LSTM_ASSETS = _networks(
    POSE2SIM,
    """
    8dbd686784f6c6e3b42fdfe968a8808a789bdcaff284e3dd9e8c321bbca4e52c 2080428 lower/model.onnx lower.onnx
    e8783601a37f827c728bb1f2bbb143d66f59c92a3268306697cfc2932e99888f 504 lower/mean.npy lower_mean.npy
    e7bcbe84f460666696fb500663a281c418ed20205aab9d8e1b18fd8568c77436 504 lower/std.npy lower_std.npy
    c674fbf1eafbc30f82141137e4ca6bea8a5578b0c30ce954fc6384f776570b7e 2523263 upper/model.onnx upper.onnx
    d919b25a44f3a9438a69f0627ee3067d914796e4c42d3c48d0b3680ff2bbd7af 312 upper/mean.npy upper_mean.npy
    7da7519963969616fb06b06b507f4615d72602cb078b20ca23f5e8c8bfbcd57e 312 upper/std.npy upper_std.npy
    """,  # noqa: E501
)
_LSTM_KERAS_ASSETS = _networks(
    POSE2SIM_KERAS,
    """
    e2de4b5e1672424807dc4ef10f5bf0069b132db169a9019338ea88d33ba3ffe5 4204 lower/model.json lower.json
    0fb5652c709e982665aaf50ed25ac4ff3a244324a95f333313e5d74de21aa389 2020848 lower/weights.h5 lower.h5
    f5109c8feadcc6eb44b1a4ab59246d59fe063949bd4324ae4c31112ffe4ca2e9 5022 upper/model.json upper.json
    06c7419b741011858b03478ca20bd834e479b8c3bc20f9121900e426aaaadda4 2460832 upper/weights.h5 upper.h5
    """,  # noqa: E501
)

GROUPS: Mapping[str, Group] = {
    group.name: group
    for group in (
        Group("demo", DEMO_ASSETS),
        Group("demo_two", DEMO_TWO_ASSETS),
        *(_blazepose(size) for size in ("full", "lite", "heavy")),
        Group("trial", TRIAL_ASSETS),
        Group("opensim", _OPENSIM_ASSETS),
        Group("lstm", _LSTM_ASSETS),
        Group("lstm_keras", _LSTM_KERAS_ASSETS),
    )
}

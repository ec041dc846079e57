"""The list of published files that kinelive uses: where each comes from and what it must hash to.

None of them is in the repository. Each lies in a wheel that is obtained by its package's name; a
file whose size or sha256 differs is refused. Apart from ``services.models``, which carries it out.
"""

from collections.abc import Mapping

from services.asset_types import Asset, Conversion, Group, Package

POSE2SIM = Package(
    "pose2sim",
    "0.10.49",
    "BSD-3-Clause",
    "403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
)
MEDIAPIPE = Package(
    "mediapipe",
    "0.10.21",
    "Apache-2.0",
    None,
    # No wheel for Python 3.13, and one for each system; the networks in all of them are the same.
    ("--python-version", "3.12", "--platform", "manylinux_2_28_x86_64"),
)
POSE2SIM_TRIAL = Package(
    "pose2sim",
    "0.2.6",
    "BSD-3-Clause",
    "c07638f0b1fcfe8206ca92b72d457d06928d7f29df95ea7822d4dee73f3598e8",
)
POSE2SIM_KERAS = Package(
    "pose2sim",
    "0.7.2",
    "BSD-3-Clause",
    "9b697cae93307c75c1c16b5ffc6a633e304fced14ecd8189691cba25c0b6d85c",
)
_DEMO = "Pose2Sim/Demo_SinglePerson"
_TRIAL = "Pose2Sim/Demo"
_SETUP = "Pose2Sim/OpenSim_Setup"


def _listed(package: Package, folder: str, purpose: str, listing: str) -> tuple[Asset, ...]:
    """Assets of one folder of a wheel, from lines of sha256, bytes and name."""
    rows = (line.split() for line in listing.strip().splitlines())
    return tuple(
        Asset(name, package, f"{folder}/{name}", int(size), sha256, purpose)
        for sha256, size, name in rows
    )


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


_DEMO_ASSETS = (
    *_listed(
        POSE2SIM,
        f"{_DEMO}/videos",
        "one person walking, four cameras",
        """
        cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a 387775 cam01.mp4
        94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442 540548 cam02.mp4
        b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca 1709101 cam03.mp4
        b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7 1772999 cam04.mp4
        """,
    ),
    *_listed(
        POSE2SIM,
        f"{_DEMO}/calibration",
        "the cameras of the footage (Qualisys)",
        """
        fd90e4bbae3278ef1dc0cdd42a34ee06bf88286f628a02c00a29407aa39e34c5 4843 Calib.qca.txt
        """,
    ),
    *_listed(
        POSE2SIM,
        _DEMO,
        "the settings that belong to the footage",
        """
        3c0547ff88adeb6346e7ded153bf8b2455e72dd3663dbac8864507f91c38e939 26257 Config.toml
        """,
    ),
    *_listed(
        POSE2SIM,
        f"{_DEMO}/calibration/extrinsics",
        "a measured scene, for extrinsics",
        """
        0d366398af070147adc52f3bdac85c20720774bda04d08707504e194f98e0540 1362939 cam01_ext.png
        caeadb85e619f65cb7151598f229857038a8a5fa5df624f53e1534d0e0f6fefc 1241858 cam02_ext.png
        9ce5e11e6a87cc1573ca29d6ce82c165b9f7d56419723d602b9ad4c1bf601369 1503312 cam03_ext.png
        42e3a4dc3f2e18c67697c1579962540aaa9f1b19b6cd79769c005dd726f7559c 1415442 cam04_ext.png
        """,
    ),
    *_listed(
        POSE2SIM,
        f"{_DEMO}/calibration/intrinsics/int_cam01_img",
        "a checkerboard, for intrinsics",
        """
        209fcd011aac687b09ec18dc6220218e0027e6e1cdc6c65e8ef3dd84484636b0 284017 cam01_01_int.jpg
        f27cc818ef18cf1e36633b522614844a0e26e6981710d72d0a6c041836bc9caf 176815 cam01_02_int.jpg
        0256874657462289524f5af5a496e413d85ecda4496f22cb271f784da6939371 322964 cam01_03_int.jpg
        7ebe0a89b95bbc9e5cf19d9dfdb8c5bd0e6e60a5d4dbdedd322995f5e4550db6 317102 cam01_04_int.jpg
        760b4aa8c19c4132ff30a35b26db92374859795f3464789598f5077d93ee13d0 230095 cam01_05_int.jpg
        f81f35262c7c5ea84f275c53e841759499bb666e34dea353ad657751d4f7d248 210217 cam01_06_int.jpg
        acb4ae693d82ce1548e9f3b32a2c67e803d5084c9f83a248eba19354b3341c28 221223 cam01_07_int.jpg
        """,
    ),
    *_listed(
        POSE2SIM,
        f"{_DEMO}/calibration/intrinsics/int_cam02_img",
        "a checkerboard, for intrinsics",
        """
        9f5afc5f8cd26ea7e89b06bce89290eae39ff99fb1ed961ef696abd362b9cb36 237027 cam02_01_int.jpg
        1affcd482ad2964b0c65322baf43df1886cb99bbe91ee823727413ede1d8051f 275558 cam02_02_int.jpg
        29733426b828ae9e0765d839f7ff483b96bd112405270b773ed4527e9df6d9a1 154058 cam02_03_int.jpg
        67cf6e4f441eed049d1f6435d384832d58a2da8343286c2b82572ae2533e8e9e 327391 cam02_04_int.jpg
        078b724fa8ac3d706e2b2dc0194a94acdfaeb244099ca544033000879b9d4d8c 253950 cam02_05_int.jpg
        998161a5bd1d7c8275fac80feb43c3c65d00e433e20152c5f1e41f5e1ccfa0a2 342058 cam02_06_int.jpg
        81c34d19a4efc2baeed799e648a95884e11af8a558c6863d24e8123b90fcebf1 292746 cam02_07_int.jpg
        """,
    ),
    *_listed(
        POSE2SIM,
        f"{_DEMO}/calibration/intrinsics/int_cam03_img",
        "a checkerboard, for intrinsics",
        """
        b3243ebfbeac3ac4704aa6d0803324e4806886f24a8b639fa17e28bf703f7ece 186297 cam03_01_int.jpg
        e67affe9fa749a7e6be6da38f84a097d1908dfe3870b0f5429ed2a1271a75e7c 306498 cam03_02_int.jpg
        03b52dd63915f69c80b0c460b0e43f7c666a32d6a7c7f0a131dd0852ba91e381 324059 cam03_03_int.jpg
        cdafb8870ab4080d8b70fa246767e6c06dfefc959ed3f7342dd1163b0a82ac9b 203930 cam03_04_int.jpg
        47c915f7d46d052898d07d51554689fdb4f05b4d4d6bcc9b6cd8dcb361154d68 184026 cam03_05_int.jpg
        d2cd3e9f85a0939b925071e14905246c3112da5fa42906a7d7a7a681bdd7d8c9 332480 cam03_06_int.jpg
        d4d26e88a9f7529f24164f0f571bdf55b1c89d1b5ed7b341df58ac9b34bfd706 243593 cam03_07_int.jpg
        """,
    ),
    *_listed(
        POSE2SIM,
        f"{_DEMO}/calibration/intrinsics/int_cam04_img",
        "a checkerboard, for intrinsics",
        """
        ffded5a73ee970e377e89f0004611c2377eecaa056a6cbd6407e79371fdb0330 314252 cam04_01_int.jpg
        de6a9e7e557e04846be83462851a33acaef766feda0f8060eafcee07f2d5f8d3 203387 cam04_02_int.jpg
        15bd86d07ec08b8ad3e904986464ad01d187e3ded797282e2d9d9168a69ef079 321571 cam04_03_int.jpg
        dca168dbacd4122a0ca4fb62633b1c560f7b70723a8a706a4927cf517cb62689 259264 cam04_04_int.jpg
        3f84a281687a9ab25d356655854dbd06397dcea542d760397331277bc68ee90e 231742 cam04_05_int.jpg
        5c680eed1899f03c5533bbb960d34df262b692a4313d0a6accd55bcf53ba3488 240389 cam04_06_int.jpg
        f72e9e4bf989e29b3b06e2f36cb6ee3d80072ea05b9a111e2b33bfb686a76a58 271528 cam04_07_int.jpg
        """,
    ),
)
_BLAZEPOSE_ASSETS = (
    Asset(
        "pose_detection.tflite",
        MEDIAPIPE,
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        2959046,
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        "finds people (BlazePose)",
    ),
    Asset(
        "pose_landmark_full.tflite",
        MEDIAPIPE,
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        6440512,
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        "finds the landmarks of one person (BlazePose full)",
    ),
)
_BLAZEPOSE_CONVERSIONS = (
    Conversion(
        "pose_detection.onnx", "pose_detection.tflite", "finds people, several pictures at once"
    ),
    Conversion(
        "pose_landmark_full.onnx",
        "pose_landmark_full.tflite",
        "finds landmarks, several people at once, without segmentation",
        drop_outputs=("Identity_2",),
    ),
)
_TRIAL_ASSETS = (
    Asset(
        "pose-2d-tracked",
        POSE2SIM_TRIAL,
        f"{_TRIAL}/pose-2d-tracked",
        375859,
        "d12a00d7af2015b2dd627104af77b6339ca3f48244cdf1f094672382b836f648",
        "keypoints (BODY_25B) of one person balancing, four cameras",
        is_folder=True,
    ),
    Asset(
        "pose-2d",
        POSE2SIM_TRIAL,
        f"{_TRIAL}/pose-2d",
        500644,
        "66e477dc7180d5c09cc4fc6dde024868a4ae56c2f556d6f2d5fe58cd7e2b71fc",
        "the same with all people that were found in the pictures",
        is_folder=True,
    ),
    *_listed(
        POSE2SIM_TRIAL,
        f"{_TRIAL}/calib-2d",
        "the cameras of the trial",
        """
        b04c8563b26c2a9ce5eee692886dc7235ef9eb25e7064d4a0d3bddb88aec04e1 4881 Calib.qca.txt
        8edc415630fd553ce2d9aa8ba0eb804395c42c8e184c17881d4ff3eea7dee8d7 1704 Calib_qca.toml
        """,
    ),
    *_listed(
        POSE2SIM_TRIAL,
        f"{_TRIAL}/pose-3d",
        "the trial as Pose2Sim triangulated it",
        """
        518970db786c53bcd9497418e497e9092a078fde58e683d5d25117fd7dc6e51d 127344 Demo_0-100.trc
        8c54e5a4bcb0d920c7324a0b0287695d0149a826d177fa13cddd53e07d9da89d 127394 Demo_filt_0-100.trc
        """,
    ),
)
_OPENSIM_ASSETS = (
    *_listed(
        POSE2SIM,
        _SETUP,
        "a body model (OpenSim)",
        """
        0b25e3efb09f1a6e8c35dbc9a90afe7248895cc74263e3f4f0dbd29519034707 270672 Model_Pose2Sim_simple.osim
        bf4d2698da596e8c2bfa9210bfe0bc2cc02b9bf49f2614cf196dbe9b0daa63b3 2190082 Model_Pose2Sim_muscles_flex.osim
        """,  # noqa: E501
    ),
    *_listed(
        POSE2SIM,
        _SETUP,
        "where the markers are on the body models",
        """
        8261886fcc028f60736a80e3aad80c81a83cb30c234823b46b9ae395363df3e2 14805 Markers_Halpe26.xml
        719714bc355da1db1a47ae82b3c03f9884323d6033515a134b3bf74b2b0b42cb 35938 Markers_LSTM.xml
        """,
    ),
    *_listed(
        POSE2SIM,
        _SETUP,
        "which marker distances scale which bodies",
        """
        cdabbae2e8346ffd942b30bd588e0e0f8341c8d4d9a55f8bb9b70e1c5c3fb2de 31481 Scaling_Setup_Pose2Sim_Halpe26.xml
        83fb64a59f8cab44551600cc1b8897cf7ac4d07572e321fb4d05e189c55a3c4c 40246 Scaling_Setup_Pose2Sim_LSTM.xml
        """,  # noqa: E501
    ),
    *_listed(
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
        Group("demo", _DEMO_ASSETS),
        Group("blazepose", _BLAZEPOSE_ASSETS, _BLAZEPOSE_CONVERSIONS),
        Group("trial", _TRIAL_ASSETS),
        Group("opensim", _OPENSIM_ASSETS),
        Group("lstm", _LSTM_ASSETS),
        Group("lstm_keras", _LSTM_KERAS_ASSETS),
    )
}

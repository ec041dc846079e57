"""Published footage and trials."""

from services.asset_packages import POSE2SIM, POSE2SIM_TRIAL, listed
from services.asset_types import Asset

_DEMO = "Pose2Sim/Demo_SinglePerson"
_DEMO_TWO = "Pose2Sim/Demo_MultiPerson"
_TRIAL = "Pose2Sim/Demo"

DEMO_ASSETS = (
    *listed(
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
    *listed(
        POSE2SIM,
        f"{_DEMO}/calibration",
        "the cameras of the footage (Qualisys)",
        """
        fd90e4bbae3278ef1dc0cdd42a34ee06bf88286f628a02c00a29407aa39e34c5 4843 Calib.qca.txt
        """,
    ),
    *listed(
        POSE2SIM,
        _DEMO,
        "the settings that belong to the footage",
        """
        3c0547ff88adeb6346e7ded153bf8b2455e72dd3663dbac8864507f91c38e939 26257 Config.toml
        """,
    ),
    *listed(
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
    *listed(
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
    *listed(
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
    *listed(
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
    *listed(
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
DEMO_TWO_ASSETS = (
    *listed(
        POSE2SIM,
        f"{_DEMO_TWO}/videos",
        "two people, four cameras",
        """
        543cee6a4c2c2b52dc9eac9137ee63d14f1f84e706a9a7264769edcb11e5ea53 764061 cam01.mp4
        8895092a7cf26359205a427b7ac2f4a935c2e0bd36d9b7a5140cb33faa468a6b 610385 cam02.mp4
        d3daf48cdf9f5603868ddb99166ddaf9b12279e7ce968922926560d5fd3f0c99 801091 cam03.mp4
        1490149dc40e7301fa5ceae23862b044ba5c398a8b2a40df21ed894702728c09 877130 cam04.mp4
        """,
    ),
    *listed(
        POSE2SIM,
        f"{_DEMO_TWO}/calibration",
        "the cameras of the footage (Qualisys)",
        """
        fd90e4bbae3278ef1dc0cdd42a34ee06bf88286f628a02c00a29407aa39e34c5 4843 Calib.qca.txt
        """,
    ),
)
TRIAL_ASSETS = (
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
    *listed(
        POSE2SIM_TRIAL,
        f"{_TRIAL}/calib-2d",
        "the cameras of the trial",
        """
        b04c8563b26c2a9ce5eee692886dc7235ef9eb25e7064d4a0d3bddb88aec04e1 4881 Calib.qca.txt
        8edc415630fd553ce2d9aa8ba0eb804395c42c8e184c17881d4ff3eea7dee8d7 1704 Calib_qca.toml
        """,
    ),
    *listed(
        POSE2SIM_TRIAL,
        f"{_TRIAL}/pose-3d",
        "the trial as Pose2Sim triangulated it",
        """
        518970db786c53bcd9497418e497e9092a078fde58e683d5d25117fd7dc6e51d 127344 Demo_0-100.trc
        8c54e5a4bcb0d920c7324a0b0287695d0149a826d177fa13cddd53e07d9da89d 127394 Demo_filt_0-100.trc
        """,
    ),
)

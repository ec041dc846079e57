"""The published packages that files come from."""

from services.asset_types import Asset, Package

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
MEDIAPIPE_WEB = Package(
    "@mediapipe/pose",
    "0.5.1675469404",
    "Apache-2.0",
    None,  # what npm packs is not the same to the byte everywhere; its files are
    of_npm=True,
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


def listed(package: Package, folder: str, purpose: str, listing: str) -> tuple[Asset, ...]:
    """Assets of one folder of a wheel, from lines of sha256, bytes and name."""
    rows = (line.split() for line in listing.strip().splitlines())
    return tuple(
        Asset(name, package, f"{folder}/{name}", int(size), sha256, purpose)
        for sha256, size, name in rows
    )

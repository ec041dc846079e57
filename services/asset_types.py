"""What an entry of ``services.asset_table`` is made of: packages, their files, groups."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Package:
    """A published wheel, or a published package of npm."""

    name: str
    version: str
    licence: str
    sha256: str | None
    """Of the wheel, where only one exists; None where its files alone are checked."""
    pip_options: tuple[str, ...] = ()
    of_npm: bool = False

    @property
    def requirement(self) -> str:
        """As pip, or npm, takes it."""
        return f"{self.name}{'@' if self.of_npm else '=='}{self.version}"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file inside a wheel, or a folder with all that is in it; kept under ``name``."""

    name: str
    package: Package
    member: str
    size: int
    """Bytes, of a folder those of all its files."""
    sha256: str
    """Of a folder: ``services.asset_files.digest``."""
    purpose: str
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """An ONNX network that is made here from a published .tflite network of the same group."""

    name: str
    source: str
    purpose: str
    drop_outputs: tuple[str, ...] = ()
    revision: int = 1
    """To be raised when ``tflite_onnx`` gives other results: kept conversions are then redone."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are fetched together, kept in one folder."""

    name: str
    assets: tuple[Asset, ...]
    conversions: tuple[Conversion, ...] = ()
    only_when_named: bool = False
    """Not among what a plain ``kinelive fetch`` gets."""

    @property
    def names(self) -> tuple[str, ...]:
        """All files, published and converted."""
        return tuple(entry.name for entry in (*self.assets, *self.conversions))

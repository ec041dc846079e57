"""Every error kinelive raises on purpose. The message says what is wrong and what to do.

KineliveError
├── ConfigError        a configuration file asks for something we cannot honour
├── CalibrationError   a calibration cannot be read, or does not fit the cameras
├── ModelError         a body model has parts we cannot compute, or lacks what is asked of it
├── AssetError         footage or weights are missing or damaged
├── CameraError        a camera cannot be opened, or does not deliver what was asked
├── WireError          bytes that are not a message of this version; carries the reason counted
├── SessionError       a folder that is no session, or one too damaged for what was asked
└── ProcessError       a process keeps failing
"""


class KineliveError(Exception):
    """Base of the errors below."""


class ConfigError(KineliveError):
    """A configuration file asks for something we cannot honour."""


class CalibrationError(KineliveError):
    """A calibration cannot be read, or does not fit the cameras."""


class ModelError(KineliveError):
    """A body model has parts we cannot compute, or lacks what is asked of it."""


class AssetError(KineliveError):
    """Footage or weights are missing or damaged."""


class CameraError(KineliveError):
    """A camera cannot be opened, or does not deliver what was asked."""


class WireError(KineliveError):
    """Bytes that are not a message of this version; ``reason`` is the counter it belongs to."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason


class SessionError(KineliveError):
    """A folder that is no session, or one too damaged for what was asked."""


class ProcessError(KineliveError):
    """A process keeps failing."""

"""Exposure on a schedule: a fake camera that tells of PTP. Its clock does not follow."""

from contextlib import closing
from pathlib import Path

import pytest

from capture import genicam
from capture.genicam_device import GenicamDevice
from core.camera_config import CameraConfig, GenicamConfig, TriggerConfig, TriggerMode
from core.errors import CameraError
from tests.capture.fake_cameras import fake_camera, need_aravis

XML_URL = 0x200  # register of GigE Vision
REGISTER = """
<IntReg Name="{name}">
    <Address>{address}</Address><Length>4</Length><AccessMode>RW</AccessMode>
    <pPort>Device</pPort><Sign>Unsigned</Sign><Endianess>BigEndian</Endianess>
</IntReg>"""
PTP = """<Boolean Name="PtpEnable" NameSpace="Standard">
    <pValue>PtpEnableRegister</pValue><OnValue>1</OnValue><OffValue>0</OffValue>
</Boolean>""" + REGISTER.format(name="PtpEnableRegister", address="0x1f0")
PERIOD = """<Float Name="BslPeriodicSignalPeriod" NameSpace="Custom"><pValue>Period</pValue></Float>
<Converter Name="Period">
    <FormulaTo>FROM</FormulaTo><FormulaFrom>TO</FormulaFrom><pValue>PeriodRegister</pValue>
</Converter>""" + REGISTER.format(name="PeriodRegister", address="0x1f4")
SIGNAL = """<EnumEntry Name="PeriodicSignal1" NameSpace="Custom"><Value>2</Value></EnumEntry>"""


def opened(device: str, mode: TriggerMode) -> GenicamDevice:
    settings = GenicamConfig(device=device, rate_hz=50.0)
    config = CameraConfig(name="cam1", driver="genicam", genicam=settings)
    return genicam.open_device(config, TriggerConfig(mode=mode))


@pytest.fixture
def description() -> str:
    """How the fake camera describes itself."""
    need_aravis()
    with fake_camera() as (name, _), closing(opened(name, "free-run")) as device:
        where = text_at(device, XML_URL, 128).split("\0")[0]  # Local:name;address;size
        address, size = (int(number, 16) for number in where.split(";")[1:])
        return text_at(device, address, size)


def text_at(device: GenicamDevice, address: int, n_bytes: int) -> str:
    """Registers of a camera as text; Aravis' own reading of the description runs over its end."""
    read = device._camera.get_device().read_register
    words = [read(address + offset).to_bytes(4, "big") for offset in range(0, n_bytes, 4)]
    return b"".join(words)[:n_bytes].decode()


def with_nodes(description: str, folder: Path, nodes: str, source: str = "") -> Path:
    """The description of a camera that has more features, and one more source of its trigger."""
    text = description.replace("</RegisterDescription>", f"{nodes}</RegisterDescription>")
    before, trigger_source = text.split('<Enumeration Name="TriggerSource"')
    name, entries = trigger_source.split("<EnumEntry", 1)
    text = f'{before}<Enumeration Name="TriggerSource"{name}{source}<EnumEntry{entries}'
    path = folder / "camera.xml"
    path.write_text(text)
    return path


def test_a_schedule_is_set_on_the_cameras_clock(tmp_path: Path, description: str):
    described = with_nodes(description, tmp_path, PTP + PERIOD, SIGNAL)
    with fake_camera("-g", str(described)) as (name, _), closing(opened(name, "ptp")) as device:
        camera = device._camera
        assert camera.get_boolean("PtpEnable")
        assert camera.get_float("BslPeriodicSignalPeriod") == 20_000
        assert camera.get_string("TriggerMode") == "On"
        assert camera.get_trigger_source() == "PeriodicSignal1"
        assert device.format.stream.rate_hz == 50


def test_ptp_without_a_schedule_is_told(tmp_path: Path, description: str):
    described = with_nodes(description, tmp_path, PTP)
    refused = pytest.raises(CameraError, match="has PTP, and no schedule")
    with fake_camera("-g", str(described)) as (name, _), refused:
        opened(name, "ptp")

"""The house stands: our own packages are imported, the two lists agree."""

from pathlib import Path

import pytest

import capture
import core
import services
import tools
from core.config import BusConfig, CameraConfig, MonitorConfig, RecorderConfig, RunConfig
from core.topics import TOPICS, key, topic_of
from services.processes import (
    HOST,
    PROCESSES,
    SUPERVISOR,
    Instance,
    addresses,
    endpoint,
    instances,
    keys_of,
    on_host,
    sources,
)

ROOT = Path(__file__).parents[2]
KINDS = (SUPERVISOR, *PROCESSES, HOST)
BY_SEVERAL = {
    "frame": {"camera", "relay"},
    "event": {"supervisor", "host", "recorder", "monitor"},
}
"""Topics that on another host somebody else writes; the recorder tells of its disks, the monitor of
the operator's marks."""


def a_run(n_cameras: int = 4, **changes: object) -> RunConfig:
    cameras = tuple(CameraConfig(name=f"cam{i + 1}") for i in range(n_cameras))
    return RunConfig(cameras=cameras, calibration="c.toml", **changes)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("package", [core, capture, services, tools])
def test_we_import_our_own_packages(package):
    assert Path(package.__file__).is_relative_to(ROOT), "another package of this name shadows ours"


@pytest.mark.parametrize("name", [name for name in TOPICS if name != "health"])
def test_every_topic_has_one_kind_of_writer_and_a_reader(name):
    writers = {kind.name for kind in KINDS if name in kind.writes}
    assert writers == BY_SEVERAL.get(name, writers)
    assert len(writers) == len(BY_SEVERAL.get(name, {name}))
    assert [kind.name for kind in KINDS if name in kind.reads]


def test_no_process_names_a_topic_that_is_not_in_the_list():
    assert {name for kind in KINDS for name in (*kind.reads, *kind.writes)} <= set(TOPICS)


def test_the_recorder_reads_what_is_recorded():
    recorder = next(kind for kind in PROCESSES if kind.name == "recorder")
    assert set(recorder.reads) == {topic.name for topic in TOPICS.values() if topic.recorded}


def test_instances_follow_the_configuration():
    names = [one.name for one in instances(a_run(5))]
    assert names[:6] == ["supervisor", *[f"camera.cam{i}" for i in range(1, 6)]]
    assert names[6:9] == ["pose.0", "pose.1", "pose.2"]
    bare = a_run(1, recorder=RecorderConfig(enabled=False), monitor=MonitorConfig(enabled=False))
    assert not {"recorder", "monitor"} & {one.name for one in instances(bare)}


def test_endpoints_do_not_overlap():
    for transport in ("ipc", "tcp"):
        run = a_run(8)
        run = RunConfig(cameras=run.cameras, calibration="", bus=type(run.bus)(transport=transport))
        addresses = [endpoint(run, "/x", one) for one in instances(run)]
        assert len(set(addresses)) == len(addresses)


def test_a_pose_worker_hears_its_own_cameras_and_the_fused_people():
    run = a_run(4)
    worker = next(one for one in instances(run) if one.name == "pose.1")
    writers, keys = sources(run, worker)
    assert [one.name for one in writers] == ["camera.cam3", "camera.cam4", "fusion"]
    assert set(keys) == {
        "frame/cam3", "frame/cam4", "camera/cam3", "camera/cam4", "pose3d", "rig",
    }  # fmt: skip


def a_rig_of_two_hosts() -> RunConfig:
    cameras = tuple(
        CameraConfig(name=f"cam{i}", host="lab2" if i > 2 else "") for i in (1, 2, 3, 4)
    )
    return RunConfig(cameras=cameras, calibration="c.toml", bus=BusConfig(host="10.0.0.1"))


def instance(run: RunConfig, name: str) -> Instance:
    return next(one for one in instances(run) if one.name == name)


def test_what_belongs_to_another_host_runs_there():
    run = a_rig_of_two_hosts()
    assert [one.name for one in on_host(run, "lab2")] == ["camera.cam3", "camera.cam4", "host.lab2"]
    here = [one.name for one in on_host(run, "")]
    assert here[:6] == [
        "supervisor", "camera.cam1", "camera.cam2", "gate", "relay.cam3", "relay.cam4",
    ]  # fmt: skip
    assert "gate" not in [one.name for one in instances(a_run())]


def test_each_key_has_one_writer_in_a_rig_of_two_hosts():
    run = a_rig_of_two_hosts()
    keys = [key for one in instances(run) for key in keys_of(one)]
    assert {key for key in keys if keys.count(key) > 1} == {"health", "event"}


def test_a_pose_worker_finds_a_camera_of_another_host_by_its_relay():
    run = a_rig_of_two_hosts()
    writers, _ = sources(run, instance(run, "pose.1"))
    assert [one.name for one in writers] == [
        "camera.cam3", "camera.cam4", "relay.cam3", "relay.cam4", "fusion",
    ]  # fmt: skip
    found = addresses(run, "/x", writers)
    assert found[0] == endpoint(run, "/x", instance(run, "gate"))
    assert len(found) == 4


def test_keys_name_their_topic():
    assert key("keypoints2d", "cam1") == "keypoints2d/cam1"
    assert key("pose3d", "cam1") == "pose3d"
    assert topic_of("keypoints2d/cam1") is TOPICS["keypoints2d"]
    assert topic_of("nothing/cam1") is None


def test_a_topic_is_late_after_ten_of_its_periods():
    assert TOPICS["health"].late_after_ns == 10_000_000_000

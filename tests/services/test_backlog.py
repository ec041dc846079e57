"""The memory before the disk: bounded, in order, and every loss counted."""

from collections.abc import Iterable

from core.messages import Packet
from services.backlog import Backlog
from services.bus import Received
from services.session_format import STREAM
from services.session_series import Entry
from tests.services import session_builder as builder

NAMES = builder.CAMERAS
ORDER = tuple(reversed(NAMES))


def keys(entries: Iterable[Entry]) -> list[tuple[str, int]]:
    return [(one.series, one.header.seq) for one in entries]


def of_group(entry: Entry) -> int:
    """The thirty packets of the builder's groups have one number."""
    return entry.header.seq // 30


def test_what_is_put_is_taken_in_order_keypoints_first() -> None:
    backlog = Backlog(NAMES, ORDER, 10**9)
    heard = builder.conversation(5)
    backlog.put(heard, 7)
    taken = backlog.take(lambda _: True, 1e9)
    assert keys(taken[:2]) == [(STREAM, 0), (STREAM, 0)]  # numbered by key: cam01 and cam02
    assert [one.raw for one in taken if one.series == STREAM] == [
        one.raw for one in heard if one.key.startswith("keypoints2d")
    ]
    assert keys(taken[15:20]) == [("cam01", i) for i in range(5)]
    assert {one.now_ns for one in taken} == {7}
    assert not backlog.waits
    assert backlog.waiting_bytes > 0  # still in memory
    backlog.settle([], {})
    assert backlog.waiting_bytes == 0


def test_what_is_returned_comes_first_again() -> None:
    backlog = Backlog(NAMES, ORDER, 10**9)
    backlog.put(builder.packets(6, ["cam01"]), 0)
    taken = backlog.take(lambda _: True, 1500)
    assert keys(taken) == [("cam01", 0), ("cam01", 1)]
    backlog.settle(taken[1:], {"cam01": "disk_error_video cam01"})
    assert keys(backlog.take(lambda _: True, 1e9)) == [("cam01", i) for i in range(1, 6)]


def fill(backlog: Backlog, rounds: int, packet_bytes: int) -> list[Received]:
    """A second a round: a packet and keypoints of each camera; nothing is taken out."""
    voices = {name: builder.Speaker(f"camera.{name}") for name in NAMES}
    pose, said = builder.Speaker("pose.0"), list[Received]()
    for number in range(rounds):
        batch = [
            one
            for name, voice in voices.items()
            for one in (
                voice.say("packet", builder.packet(name, number, packet_bytes)),
                pose.say("keypoints2d", builder.keypoints(name, number)),
            )
        ]
        backlog.put(batch, number)
        said += batch
    return said


def test_the_least_important_video_goes_in_whole_groups_and_memory_is_bounded() -> None:
    limit = 1_500_000
    backlog = Backlog(NAMES, ORDER, limit)
    said = fill(backlog, 120, 5_000)
    assert backlog.most_bytes <= limit
    taken = backlog.take(lambda _: True, 1e9)
    words = [one for one in taken if one.series == STREAM]
    assert len(words) == 360  # none of them
    left = {name: [one for one in taken if one.series == name] for name in NAMES}
    counts = {name: len(some) for name, some in left.items()}
    assert counts["cam01"] == 120
    assert counts["cam03"] < 120
    assert all(n % 30 == 0 for n in counts.values())
    assert all(
        len({one.header.seq for one in some if of_group(one) == group}) in (0, 30)
        for some in left.values()
        for group in range(4)
    )
    lost = {name: backlog.drops[f"disk_slow_video {name}"] for name in NAMES}
    assert lost == {name: 120 - counts[name] for name in NAMES}
    assert len(taken) + backlog.drops.total() == len(said)


def test_refused_video_comes_back_with_a_keyframe() -> None:
    backlog = Backlog(NAMES, ORDER, 200_000)
    fill(backlog, 40, 5_000)
    assert backlog.given_up
    backlog.take(lambda _: True, 1e9)
    backlog.settle([], {})
    voice = builder.Speaker("camera.cam03")
    back = [voice.say("packet", builder.packet("cam03", number)) for number in range(40, 100)]
    voice = builder.Speaker("camera.cam01")
    first = [voice.say("packet", builder.packet("cam01", 60))]
    voice = builder.Speaker("camera.cam02")
    second = [voice.say("packet", builder.packet("cam02", 60))]
    backlog.put([*first, *second, *back], 0)
    taken = [one for one in backlog.take(lambda _: True, 1e9) if one.series == "cam03"]
    assert len(taken) == 40  # 60 to 99
    assert taken[0].keyframe
    assert not backlog.given_up


def test_keypoints_go_only_when_there_is_no_video_left() -> None:
    backlog = Backlog(NAMES, ORDER, 60_000)
    said = fill(backlog, 60, 5_000)
    assert backlog.most_bytes <= 60_000
    assert backlog.drops["disk_slow"] > 0
    taken = backlog.take(lambda _: True, 1e9)
    assert {one.series for one in taken} == {STREAM}
    assert len(taken) + backlog.drops.total() == len(said)
    in_order = [one.raw for one in said if not isinstance(one.message, Packet)]
    assert [one.raw for one in taken] == in_order[: len(taken)]  # the oldest stay


def test_losses_are_counted_by_what_blocks_the_disk() -> None:
    backlog = Backlog(NAMES, ORDER, 100_000)
    backlog.settle([], {"cam03": "disk_full_video cam03", "cam02": "disk_full_video cam02"})
    fill(backlog, 30, 5_000)
    assert backlog.drops["disk_full_video cam03"] == 30
    assert "cam03" not in backlog.given_up  # that is not the disk's speed
    backlog.give_up_all()
    assert not backlog.waits

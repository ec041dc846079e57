"""Messages on the wire: typed, checked, and never a crash."""

import random

import msgpack
import msgspec
import numpy as np
import pytest

from core import messages, synthetic, wire
from core.config import FusionConfig
from core.errors import WireError
from core.fusion import FusionState, step
from core.messages import (
    Event,
    FrameDescriptor,
    Header,
    Health,
    HostClockSample,
    Keypoints2D,
    Person2D,
    view,
)
from core.topics import TOPICS


def some_messages() -> dict[str, messages.Message]:
    rig = synthetic.ring(4)
    seen = synthetic.seen(rig, synthetic.walk_m(2))
    state, poses = FusionState(), []
    for one in seen:
        state, done = step(state, one, rig, FusionConfig())
        poses += done
    return {
        "keypoints2d/cam01": seen[0],
        "pose3d": poses[0],
        "event": Event(t_ns=1, name="note", text="hello"),
        "health": Health(t_ns=1, process="p", state="running", pid=1, counts={"a": 1}),
        "frame/cam01": FrameDescriptor(
            t_ns=1, camera="cam01", frame=1, ring="r", slot=0, lock=2, width_px=4, height_px=4,
            full_width_px=8, full_height_px=8, time_origin="file", time_uncertainty_ns=0,
        ),
        "host_clock": HostClockSample(
            t_ns=1, host="lab2", sent_ns=bytes(16), there_ns=bytes(16), back_ns=bytes(16),
            at_ns=1, offset_ns=-5, drift_ppm=0.5, uncertainty_ns=9, shown_offset_ns=-4,
        ),
    }  # fmt: skip


MESSAGES = some_messages()


@pytest.mark.parametrize("name", MESSAGES)
def test_round_trip(name):
    assert wire.decode(name, wire.encode(MESSAGES[name])) == MESSAGES[name]


def test_another_decoder_reads_it():
    plain = msgpack.unpackb(wire.encode(MESSAGES["keypoints2d/cam01"]))
    keypoints = np.frombuffer(
        plain["persons"][0][1]
        if isinstance(plain["persons"][0], list)
        else plain["persons"][0]["keypoints_px"],
        "<f4",
    )
    assert keypoints.shape == (52,)
    assert plain["camera"] == "cam01"


def test_arrays_come_back_with_their_shape():
    person = MESSAGES["pose3d"].persons[0]  # pyright: ignore[reportAttributeAccessIssue]
    assert view(person, "keypoints_m").shape == (26, 3)
    assert view(person, "covariance_m2").shape == (26, 6)
    assert not view(person, "keypoints_m").flags.writeable


def test_a_new_field_with_a_default_reads_old_messages():
    raw = msgpack.unpackb(wire.encode(MESSAGES["event"]))
    del raw["process"]
    raw["colour"] = "a field of a later version"
    assert wire.decode("event", bytes(msgpack.packb(raw) or b"")) == MESSAGES["event"]


def keypoints(**changes: object) -> bytes:
    message = MESSAGES["keypoints2d/cam01"]
    return wire.encode(msgspec.structs.replace(message, **changes))


def person(**changes: object) -> tuple[Person2D, ...]:
    message = MESSAGES["keypoints2d/cam01"]
    assert isinstance(message, Keypoints2D)
    return (msgspec.structs.replace(message.persons[0], **changes),)


def covariance(*one: float) -> bytes:
    return np.tile(np.array(one, "<f4"), 26).tobytes()


@pytest.mark.parametrize("raw", [b"", covariance(4.0, 9.0, -5.0), covariance(*[np.nan] * 3)])
def test_a_covariance_may_be_there_or_unknown(raw):
    message = wire.decode("keypoints2d/cam01", keypoints(persons=person(covariance_px2=raw)))
    assert isinstance(message, Keypoints2D)
    assert message.persons[0].covariance_px2 == raw


@pytest.mark.parametrize(
    ("reason", "raw"),
    [
        ("malformed", b""),
        ("malformed", b"\xc1" * 40),
        ("malformed", keypoints(persons=person(keypoints_px=b"1234"))),
        ("malformed", keypoints(skeleton="CENTAUR_30")),
        ("not_finite", keypoints(persons=person(confidence=np.full(26, np.nan, "f4").tobytes()))),
        ("not_finite", keypoints(persons=person(confidence=np.full(26, 2.0, "f4").tobytes()))),
        ("malformed", keypoints(persons=person(covariance_px2=b"1234"))),
        ("not_finite", keypoints(persons=person(covariance_px2=covariance(1.0, -1.0, 0.0)))),
        ("not_finite", keypoints(persons=person(covariance_px2=covariance(1.0, 1.0, 1.5)))),
        ("not_finite", keypoints(persons=person(covariance_px2=covariance(np.inf, 1.0, 0.0)))),
        ("not_finite", keypoints(persons=person(keypoints_px=np.full(52, np.nan, "f4").tobytes()))),
    ],
)
def test_bad_messages_are_refused_with_their_reason(reason, raw):
    with pytest.raises(WireError) as caught:
        wire.decode("keypoints2d/cam01", raw)
    assert caught.value.reason == reason


def test_round_trips_come_in_threes():
    whole = MESSAGES["host_clock"]
    torn = msgspec.structs.replace(whole, there_ns=bytes(8))  # pyright: ignore[reportCallIssue]
    with pytest.raises(WireError, match=r"malformed.*there_ns"):
        wire.decode("host_clock", wire.encode(torn))


def test_missing_keypoints_are_nan_with_confidence_zero():
    nothing = person(keypoints_px=np.full(52, np.nan, "f4").tobytes(), confidence=bytes(26 * 4))
    assert wire.decode("keypoints2d/cam01", keypoints(persons=nothing))


def test_headers_of_another_version_are_refused():
    header = Header(messages.SCHEMA_VERSION + 1, "camera.cam01", 1, 1)
    with pytest.raises(WireError) as caught:
        wire.decode_header(wire.encode_header(header))
    assert caught.value.reason == "version"


def test_unknown_topics_are_refused():
    with pytest.raises(WireError) as caught:
        wire.decode("gossip/cam01", wire.encode(MESSAGES["event"]))
    assert caught.value.reason == "unknown_topic"


def mutated(raw: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(damaged)) if damaged else 0
        match rng.randrange(5):
            case 0 if damaged:
                damaged[place] = rng.randrange(256)
            case 1:
                damaged = damaged[:place]
            case 2:
                damaged[place:place] = rng.randbytes(rng.randint(1, 9))
            case 3:
                damaged = damaged[place:] + damaged[:place]
            case _ if damaged:
                damaged[place] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def test_twenty_thousand_mutated_messages_raise_nothing_but_our_error():
    rng = random.Random(7)
    raws = {name: wire.encode(message) for name, message in MESSAGES.items()}
    refused = 0
    for _ in range(20_000):
        name = rng.choice(list(raws))
        try:
            wire.decode(rng.choice((name, *TOPICS)), mutated(raws[name], rng))
        except WireError:
            refused += 1
    assert refused > 10_000

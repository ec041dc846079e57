"""The monitor process: reads the bus, hands it to the pages.

One thread reads the bus and makes the pictures, another one runs the web server; what goes from
the one to the other are finished letters. Messages are passed on as the bytes they came as.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import msgspec

from core.errors import CalibrationError
from core.messages import (
    SCHEMA_VERSION,
    Decisions,
    FrameDescriptor,
    JointAngles,
    Keypoints2D,
    Subjects,
)
from core.pose import catalogue
from core.skeletons import SKELETONS
from core.topics import TOPICS
from services.bus import Publisher, Received, Subscriber, newest_by_key
from services.child import Context, Pulse
from services.monitor import bundle
from services.monitor.ears import Ears, Wanted
from services.monitor.listen import bind, serving, url_of
from services.monitor.mailbox import Hub
from services.monitor.page import site
from services.monitor.tiles import Tiles
from services.monitor.wire import (
    CalibratedCamera,
    CameraView,
    Hello,
    Letter,
    Restarts,
    SkeletonShape,
)

POLL_MS = 50
NEWEST = frozenset({"pose3d", "angles", "camera", "quality", "rig"})
EACH = frozenset({"event", "health"})
SAY_EACH_NS = 1_000_000_000
LISTEN_FIRST_NS = 2_000_000_000
"""To what was wanted before, at most: with nobody in view there are angles of nobody, at 15 Hz."""

_encoder = msgspec.msgpack.Encoder()
_log = logging.getLogger(__name__)


def main(context: Context) -> None:
    """Serve the page until told to stop; its address goes to the run folder's monitor.url."""
    settings, folder = context.run.monitor, context.run_folder
    read_calibration(folder)
    files = _built_page()
    cv2.setNumThreads(1)
    hub, ears = Hub(), Ears(settings.subjects, context.life_ns)

    def greet() -> Letter:
        return _own_letter(context, "hello", hello(context))

    application = site(hub, ears, files, greet, context.clock.now_ns)
    with (
        bind(settings.host, settings.port) as listening,
        context.publisher() as publisher,
        context.subscriber() as subscriber,
    ):
        pulse = Pulse(context, publisher)
        with serving(application, listening, hub):
            (folder / "monitor.url").write_text(url_of(listening))
            context.ready()
            crier = Crier(context, publisher, ears)
            relay(context, subscriber, hub, crier, pulse)
        crier.cry_marks()
        pulse.beat(subscriber, last=True)


def _built_page() -> Path:
    """Folder of the page; an older one is better than none where it cannot be built."""
    try:
        return bundle.build()
    except bundle.BundleError:
        if not (bundle.DIST / "index.html").is_file():
            raise
        _log.exception("the page is older than its sources and could not be built")
        return bundle.DIST


class Crier:
    """Says what the pages want of other processes: when that changes, and each second.

    A monitor that takes the place of one that died first listens to what the kinematics was told
    before: the angles say so.
    """

    def __init__(self, context: Context, publisher: Publisher, ears: Ears) -> None:
        self._context, self._publisher, self._ears = context, publisher, ears
        self._said: Wanted | None = None
        self._due_ns = 0
        self._silent_until_ns = (
            context.clock.now_ns() + LISTEN_FIRST_NS if context.has_started() else 0
        )

    def listen(self, received: Iterable[Received]) -> None:
        """Take up what was wanted before this monitor began."""
        angles = (one.message for one in received if isinstance(one.message, JointAngles))
        if self._silent_until_ns and (first := next(angles, None)):
            self._ears.take_up(first)
            self._silent_until_ns = 0

    def cry(self) -> list[Letter]:
        """Say it to the processes if it is time to; the letters say it to the pages."""
        self.cry_marks()
        now_ns, wanted = self._context.clock.now_ns(), self._ears.wanted
        if now_ns < self._silent_until_ns:
            return []
        self._silent_until_ns = 0
        waiting = 0 < self._due_ns - now_ns <= SAY_EACH_NS  # a replay sets the clock back
        if waiting and wanted == self._said:
            return []
        self._said, self._due_ns = wanted, now_ns + SAY_EACH_NS
        subjects = Subjects(t_ns=now_ns, ids=wanted.pinned, size_requests=wanted.size_requests)
        self._publisher.send("subjects", subjects)
        self._publisher.send("decisions", Decisions(t_ns=now_ns, places=wanted.decisions))
        return [_own_letter(self._context, "subjects", subjects)]

    def cry_marks(self) -> None:
        """Say the moments that were marked; the pages hear of them as of any event."""
        for event in self._ears.take_marks():
            self._publisher.send("event", event)

    @property
    def drops(self) -> Counter[str]:
        """What the pages said in vain, by reason."""
        return Counter({reason: n for reason, n in self._ears.drops.items() if n})


def relay(context: Context, subscriber: Subscriber, hub: Hub, crier: Crier, pulse: Pulse) -> None:
    """Pass the bus on to the pages until told to stop.

    One picture at a time between two looks at the bus, so that a pose waits for one at most.
    """
    tiles = Tiles(context.run.monitor, context.run_folder)
    lives = Lives()
    while not context.stop.is_set():
        received = subscriber.drain(0 if tiles.waiting else POLL_MS)
        newest, passed = newest_by_key(one for one in received if _topic(one) in NEWEST)
        pulse.drops.update({f"passed over {key}": n for key, n in passed.items()})
        each = (one for one in received if one.key in EACH)
        letters = [_forwarded(one) for one in (*each, *newest.values())]
        if lives.see(received):
            letters.append(_own_letter(context, "restarts", Restarts(dict(lives.restarts))))
        crier.listen(received)
        hub.post([*letters, *crier.cry()])
        _look_at_pictures(tiles, received, hub.watched)
        if tiles.waiting and (view := tiles.make_one()):
            pulse.counts["views"] += 1
            hub.post([_own_letter(context, f"view/{view.camera}", view)])
        pulse.drops |= crier.drops  # the larger of both: they are sums already
        _report(context, pulse, tiles, hub, subscriber)


def _report(context: Context, pulse: Pulse, tiles: Tiles, hub: Hub, subscriber: Subscriber) -> None:
    pulse.drops.update(tiles.drops)
    tiles.drops.clear()
    latency = hub.latency(context.clock.now_ns())
    pulse.gauges = {"pages": float(hub.n_pages)}
    if latency is not None:
        pulse.gauges["screen_latency_ms_p50"] = latency.p50_ms
        pulse.gauges["screen_latency_ms_p95"] = latency.p95_ms
    pulse.beat(subscriber)


def _look_at_pictures(tiles: Tiles, received: Sequence[Received], watched: bool) -> None:
    messages = [one.message for one in received]
    for frame in messages:  # first: what came in one go is in no order between processes
        if isinstance(frame, FrameDescriptor):
            tiles.see_frame(frame)
    for people in messages:
        if isinstance(people, Keypoints2D):
            tiles.see_people(people)
    if any(one.key == "health" for one in received):  # each second: often enough for the rings
        tiles.drop_dead_rings()
    if not watched:
        tiles.forget_waiting()


class Lives:
    """Counts how often each process began anew."""

    def __init__(self) -> None:
        self.restarts: dict[str, int] = {}
        self._life_ns: dict[str, int] = {}

    def see(self, received: Iterable[Received]) -> bool:
        """Look at the health among these; whether a count has changed."""
        changed = False
        for one in received:
            if one.key == "health":
                source, life_ns = one.header.source, one.header.life_ns
                if life_ns > self._life_ns.get(source, life_ns):
                    self.restarts[source] = self.restarts.get(source, 0) + 1
                    changed = True
                self._life_ns[source] = max(life_ns, self._life_ns.get(source, life_ns))
        return changed


def hello(context: Context) -> Hello:
    """What holds for the run."""
    names = tuple(camera.name for camera in context.run.cameras)
    calibration = read_calibration(context.run_folder)
    mine = catalogue.skeleton_of(context.run.pose)
    return Hello(
        schema_version=SCHEMA_VERSION,
        session=Path(context.run.recorder.session).name,
        recording=context.run.recorder.enabled,
        cameras=names,
        calibrated=tuple(camera for camera in calibration if camera.name in names),
        skeletons=tuple(
            SkeletonShape(one.name, one.names, one.bones, one.partner)
            for one in {**SKELETONS, mine.name: mine}.values()
        ),
        rates_hz={topic.name: topic.rate_hz for topic in TOPICS.values()},
        late_after_ms={topic.name: topic.late_after_ns / 1e6 for topic in TOPICS.values()},
    )


def read_calibration(run_folder: Path) -> tuple[CalibratedCamera, ...]:
    """Read the run folder's calibration.json; empty where there is none.

    Raises:
        CalibrationError: the file is damaged.
    """
    path = run_folder / "calibration.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[CalibratedCamera, ...])
    except FileNotFoundError:
        return ()
    except msgspec.MsgspecError as error:
        raise CalibrationError(f"{path}: {error}; start the run again to write it anew") from error


def _topic(received: Received) -> str:
    return received.key.split("/", 1)[0]


def _forwarded(received: Received) -> Letter:
    """Letter of a message of the bus; health of each process has a key of its own."""
    header = received.header
    key = f"health/{header.source}" if received.key == "health" else received.key
    return Letter(key, header.source, header.life_ns, msgspec.Raw(received.raw))


def _own_letter(
    context: Context, key: str, said: Hello | Restarts | CameraView | Subjects
) -> Letter:
    raw = msgspec.Raw(_encoder.encode(said))
    return Letter(key, context.instance.name, context.life_ns, raw)

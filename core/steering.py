"""Steers the time base: free-running cameras whose clocks are off are put right while they run.

What cameras say of a moving person tells how far their capture times are apart
(``core.sync.epipolar``, as offline). That takes a few hundred milliseconds of computation, which no
frame may wait for. So the last seconds become a question with a capture time at which the answer is
due; until then anybody may have computed it, in pieces. The answer is a function of the question:
live, offline and ``verify`` find the same.

A camera is corrected when two windows agree and say more than their own uncertainty; when they do
not, nothing changes. A small correction is spread over time, a large one is a jump. All is measured
on the times as the cameras gave them, so nothing feeds back; and what counts is capture time, not
the order of arrival.
"""

from collections.abc import Callable

import msgspec

from core.cameras import Rig
from core.config import FusionConfig
from core.lateness import Answer, Late, Question, against_median, agreed
from core.messages import CameraQuality, Keypoints2D
from core.pieces import Pieces, whole

MS = 1_000_000
_NEVER = -(2**62)
_WINDOW_NS = 4000 * MS
_PAUSE_NS = 8000 * MS  # between windows while there is nothing to correct
_THINK_NS = 2000 * MS  # from a window's last frame to the answer
_APART_NS = 25 * MS  # frames nearer to each other tell nothing more
_KEPT = 4
_KEPT_NS = 60_000 * MS
_SURE = 1.5  # half-widths …
_PRECISE_MS = 5.0
_SURE_IF_VAGUE = 2.0  # … but so many beyond that: networks err alike in all windows
_LEAST_MS = 2.5
_JUMP_FROM_MS = 20.0
_SURE_OF_JUMP = 3.0
_SLEW_PPM = 10_000


class Shift(msgspec.Struct, frozen=True):
    """What is added to a camera's capture times."""

    target_ns: int = 0
    since_ns: int = _NEVER
    """The target holds for frames captured from here on."""
    at_once: bool = False
    now_ns: int = 0
    """In force …"""
    until_ns: int = _NEVER
    """… for the frame captured then."""


class Steering(msgspec.Struct, frozen=True):
    """What is gathered, asked, known and in force."""

    begin_ns: int = _NEVER
    """Of the window that is gathered, or to be."""
    recent: dict[str, tuple[Keypoints2D, ...]] = {}
    newest_ns: dict[str, int] = {}
    question: Question | None = None
    answers: tuple[Answer, ...] = ()
    known: dict[str, Late] = {}
    """Against the median camera; of which it cannot be told is not here."""
    shifts: dict[str, Shift] = {}

    def shift_ns(self, camera: str) -> int:
        """In force, of the frame that was taken in last."""
        return self.shifts.get(camera, Shift()).now_ns


Ask = Callable[[Question, Rig, FusionConfig], Answer]


def is_on(config: FusionConfig) -> bool:
    """Whether cameras' clocks are looked at."""
    free = config.alignment == "interpolated"
    return config.steer_time == "tell" or (config.steer_time == "auto" and free)


def in_time(state: Steering, seen: Keypoints2D) -> Keypoints2D:
    """A camera's keypoints, by the shift that is in force for it, at the time they are of."""
    shift_ns = state.shift_ns(seen.camera)
    return msgspec.structs.replace(seen, t_ns=seen.t_ns + shift_ns) if shift_ns else seen


def told(
    state: Steering, cameras: tuple[CameraQuality, ...], config: FusionConfig
) -> tuple[CameraQuality, ...]:
    """Add to what is said of cameras what is known of their clocks, and the shifts in force."""
    return tuple(_told(state, one, steers=_steers(config)) for one in cameras)


def _told(state: Steering, one: CameraQuality, *, steers: bool) -> CameraQuality:
    late = state.known.get(one.camera)
    if late is None:
        return msgspec.structs.replace(one, shift_ms=state.shift_ns(one.camera) / MS)
    off = _is_off(late, Shift()) and not (steers or one.says)
    word = "late" if late.late_ms > 0 else "early"
    return msgspec.structs.replace(
        one,
        offset_ms=late.late_ms,
        offset_uncertainty_ms=late.wide_ms,
        shift_ms=state.shift_ns(one.camera) / MS,
        says=f"{one.camera} is {abs(late.late_ms):.0f} ms {word}" if off else one.says,
    )


def answering(question: Question, rig: Rig, config: FusionConfig) -> Pieces[Answer]:
    """Find out how far cameras are apart, in pieces of a few ms."""
    from core.sync import live  # scipy: for those who ask

    return live.answering(question, rig, config.min_confidence, config.longest_gap_ms * 1e-3)


def answer(question: Question, rig: Rig, config: FusionConfig) -> Answer:
    """The same at once."""
    return whole(answering(question, rig, config))


def step(
    state: Steering, seen: Keypoints2D, rig: Rig, config: FusionConfig, ask: Ask = answer
) -> Steering:
    """Take in one camera's keypoints, as it gave them; ``in_time`` then shifts them.

    ``ask`` gives what ``answer`` gives, or has computed it before.
    """
    state = _gathered(state, seen)
    now_ns = max(state.newest_ns.values())
    if state.question is not None and now_ns >= state.question.due_ns:
        told = ask(state.question, rig, config)
        state = _learnt(state, told, state.question.due_ns, rig, steers=_steers(config))
    if state.question is None and _is_whole(state, now_ns, config):
        state = _asked(state, config)
    shift = _moved(state.shifts.get(seen.camera), seen.t_ns)
    if shift is None:
        return state
    return msgspec.structs.replace(state, shifts={**state.shifts, seen.camera: shift})


def _steers(config: FusionConfig) -> bool:
    return config.alignment == "interpolated" and config.steer_time == "auto"


def _gathered(state: Steering, seen: Keypoints2D) -> Steering:
    newest = {**state.newest_ns, seen.camera: max(seen.t_ns, state.newest_ns.get(seen.camera, 0))}
    begin_ns = seen.t_ns if state.begin_ns == _NEVER else state.begin_ns
    mine = state.recent.get(seen.camera, ())
    last_ns = mine[-1].t_ns + _APART_NS if mine else begin_ns
    recent = state.recent
    if last_ns <= seen.t_ns < begin_ns + _WINDOW_NS:
        recent = {**recent, seen.camera: (*mine, seen)}
    return msgspec.structs.replace(state, begin_ns=begin_ns, recent=recent, newest_ns=newest)


def _is_whole(state: Steering, now_ns: int, config: FusionConfig) -> bool:
    """Whether every camera that still speaks has delivered the window, or was waited for."""
    end_ns = state.begin_ns + _WINDOW_NS
    absent_ns = now_ns - round(config.absent_after_ms * MS)
    present = (one for one in state.newest_ns.values() if one >= absent_ns)
    return all(one >= end_ns for one in present) or now_ns >= end_ns + _patience_ns(config)


def _patience_ns(config: FusionConfig) -> int:
    return round(max(config.max_wait_ms, config.absent_after_ms) * MS)


def _asked(state: Steering, config: FusionConfig) -> Steering:
    """Hand over the window; the next one follows at once as long as something is to be found."""
    end_ns = state.begin_ns + _WINDOW_NS
    settled = bool(state.known) and all(_is_settled(state, one) for one in state.recent)
    question = Question(
        frames=state.recent,
        reference=_reference(state),
        begun_ns=state.begin_ns,
        due_ns=end_ns + _patience_ns(config) + _THINK_NS,
    )
    begin_ns = end_ns + _patience_ns(config)
    if max(state.newest_ns.values()) > begin_ns + _WINDOW_NS:  # nobody spoke for a while
        begin_ns = max(state.newest_ns.values())
    begin_ns += settled * _PAUSE_NS
    return msgspec.structs.replace(state, begin_ns=begin_ns, recent={}, question=question)


def _is_settled(state: Steering, camera: str) -> bool:
    known, shift = state.known.get(camera), state.shifts.get(camera, Shift())
    return known is not None and not _is_off(known, shift)


def _reference(state: Steering) -> str:
    """The camera of the answer before, where it has seen enough; else the one that saw most."""
    counts = {
        name: sum(bool(one.persons) for one in frames) for name, frames in state.recent.items()
    }
    most = max(counts, key=lambda name: (counts[name], name), default="")
    before = state.answers[-1].reference if state.answers else most
    return before if 2 * counts.get(before, 0) >= counts.get(most, 0) else most


def _learnt(state: Steering, told: Answer, from_ns: int, rig: Rig, *, steers: bool) -> Steering:
    """Take in an answer, and aim at what the answers agree on."""
    state = msgspec.structs.replace(state, question=None)
    if not told.late:
        return state
    kept = tuple(one for one in state.answers if told.begun_ns - one.begun_ns <= _KEPT_NS)
    answers = (*kept, told)[-_KEPT:]
    known = against_median(agreed(answers), rig.names)
    shifts = dict(state.shifts)
    for camera, late in known.items():
        shift = shifts.get(camera, Shift())
        if steers and _is_off(late, shift):
            shifts[camera] = _aimed(shift, late, from_ns)
    return msgspec.structs.replace(state, answers=answers, known=known, shifts=shifts)


def _is_off(late: Late, shift: Shift) -> bool:
    """Whether a camera is, with the shift that is aimed at, clearly out of time."""
    left_ms = abs(late.late_ms + shift.target_ns / MS)
    sure = _SURE if late.wide_ms <= _PRECISE_MS else _SURE_IF_VAGUE
    return left_ms > max(_LEAST_MS, sure * late.wide_ms)


def _aimed(shift: Shift, late: Late, from_ns: int) -> Shift:
    left_ms = abs(late.late_ms + shift.target_ns / MS)
    at_once = left_ms > max(_JUMP_FROM_MS, _SURE_OF_JUMP * late.wide_ms)
    target_ns = -round(late.late_ms * MS)
    return msgspec.structs.replace(shift, target_ns=target_ns, since_ns=from_ns, at_once=at_once)


def _moved(shift: Shift | None, t_ns: int) -> Shift | None:
    """A camera's shift for a frame captured then; frames from before the target keep theirs."""
    if shift is None or t_ns < max(shift.since_ns, shift.until_ns):
        return shift
    left_ns = shift.target_ns - shift.now_ns
    elapsed_ns = max(0, t_ns - max(shift.until_ns, shift.since_ns))
    most_ns = abs(left_ns) if shift.at_once else elapsed_ns * _SLEW_PPM // 1_000_000
    step_ns = max(-most_ns, min(most_ns, left_ns))
    return msgspec.structs.replace(shift, now_ns=shift.now_ns + step_ns, until_ns=t_ns)

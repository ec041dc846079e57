"""Works ahead on the question of how far cameras' clocks are apart, in pieces between messages.

The answer is due at a capture time two seconds on (``core.steering``). What is not done by then is
done at once: that costs time, and changes nothing.
"""

from core import steering
from core.cameras import Rig
from core.config import FusionConfig
from core.lateness import Answer, Question
from core.pieces import Pieces, whole
from core.steering import Steering


class Foresight:
    """Holds the question that waits for its answer, and how far that is."""

    def __init__(self) -> None:
        self._question: Question | None = None
        self._work: Pieces[Answer] | None = None
        self._answer: Answer | None = None

    def advance(self, state: Steering, rig: Rig, config: FusionConfig) -> None:
        """Do one piece, a few ms, if there is anything to do."""
        if state.question is not self._question:
            self._question, self._answer, self._work = state.question, None, None
            if state.question is not None:
                self._work = steering.answering(state.question, rig, config)
        if self._work is None:
            return
        try:
            next(self._work)
        except StopIteration as done:
            self._answer, self._work = done.value, None

    def answer(self, question: Question, rig: Rig, config: FusionConfig) -> Answer:
        """What ``steering.answer`` says, at once if it is there."""
        if question is not self._question:
            return steering.answer(question, rig, config)
        if self._work is not None:
            self._answer, self._work = whole(self._work), None
        return self._answer or steering.answer(question, rig, config)

"""A training run's events as words and progress."""

from __future__ import annotations

from duktus.actions.progress import Progress, Tick
from duktus.training import Evaluated, Event, Said, Sampled, Saved, Stepped


class Teller:
    """Told each event of a training run; tells whoever watches."""

    def __init__(self, told: Progress) -> None:
        self._told = told
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        """One sentence, unless it was said before: the plan and the run both state the policies."""
        if text not in self._said:
            self._said.add(text)
            self._told.say(text)

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        match event:
            case Said(text):
                self.say(text)
            case Stepped(step, steps, loss, pace, left):
                detail = f"loss {loss:.4f}, {pace:.2f} s a step"
                self._told.tick(Tick("steps", step, steps, left, detail))
            case Evaluated(point, relative) if relative is not None:
                self._told.say(f"Step {point.step}: held-out loss {relative:.2f} of the base's.")
            case Sampled(step, path):
                self._told.say(f"Step {step}: sample in {path}.")
            case Evaluated() | Saved():
                pass

"""What else this machine is doing, and how threads wait for one another because of it."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

import psutil

POLICY = "OMP_WAIT_POLICY"
_DECIDES = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
BUSY = 0.4
"""Processors that others keep busy, from which on waiting threads sleep."""
LISTENING = 0.1
"""Seconds of looking at what others do; only where the load of the last minute says that it pays."""


def wait_asleep_among_others(environment: MutableMapping[str, str]) -> bool:
    """Whether the threads of this process were told to sleep while they wait, because others work here too.

    By default a thread that waits for another spins (OpenMP). Alone on a machine that is fastest. Where
    another process takes a processor, all spin for the one that was put aside: on two cores a picture took
    2.5 times as long as asleep beside one busy process, and 13 times beside about six. Bits do not depend on
    it. Has an effect only before torch is loaded; what a person has set stays.
    """
    if "torch" in sys.modules or any(name in environment for name in _DECIDES):
        return False
    if psutil.getloadavg()[0] < BUSY or others() < BUSY:
        return False
    environment[POLICY] = "PASSIVE"
    return True


def others(seconds: float = LISTENING) -> float:
    """How many processors are busy while this process does nothing, from 0 to all of them."""
    return psutil.cpu_percent(interval=seconds) / 100 * (psutil.cpu_count() or 1)

"""Samplers and schedules under the names of each program, and ours for the same thing."""

from __future__ import annotations

from duktus.domain.recipe import Sampler, Schedule

_SAMPLERS = {
    "ddim": "DDIM",
    "euler": "Euler",
    "k_euler": "Euler",
    "euler a": "Euler a",
    "euler_a": "Euler a",
    "euler_ancestral": "Euler a",
    "dpm++ 2m": "DPM++ 2M",
    "dpmpp_2m": "DPM++ 2M",
    "dpm++ 2m sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpm++ 3m sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
    "unipc": "UniPC",
    "uni_pc": "UniPC",
    "heun": "Heun",
    "lcm": "LCM",
}
_SCHEDULES = {
    "normal": "normal",
    "karras": "Karras",
    "exponential": "exponential",
    "sgm_uniform": "SGM uniform",
    "sgm uniform": "SGM uniform",
    "beta": "beta",
}
_SUFFIXES = ((" karras", "Karras"), (" exponential", "exponential"), ("_k", "Karras"))
"""A1111 before 1.9 and InvokeAI put the schedule into the sampler's name."""
_AUTOMATIC = {
    "DPM++ 2M": "Karras",
    "DPM++ 2M SDE": "exponential",
    "DPM++ 3M SDE": "exponential",
}
"""What A1111 and Forge take for `Automatic`, of the samplers we have (`sd_samplers_kdiffusion.py`)."""


def sampler_and_schedule(sampler: str, schedule: str) -> tuple[str, str, str]:
    """Both under our names where we have the same, otherwise as written; and why not, or nothing."""
    if not sampler:
        return "", _SCHEDULES.get(schedule.lower(), schedule), ""
    name, spaced = sampler, schedule
    if sampler.lower() not in _SAMPLERS:
        for suffix, meaning in _SUFFIXES:
            if sampler.lower().endswith(suffix):
                name, spaced = sampler[: -len(suffix)], schedule or meaning
    ours = _SAMPLERS.get(name.lower(), "")
    if ours not in {one.value for one in Sampler}:
        return name, _SCHEDULES.get(spaced.lower(), spaced), f"duktus has no sampler '{name[:60]}'."
    if spaced.lower() == "automatic":
        spaced = _AUTOMATIC.get(ours, "normal")
    follows = _SCHEDULES.get(spaced.lower(), spaced)
    if follows and follows not in {one.value for one in Schedule}:
        return ours, follows, f"duktus has no schedule '{spaced[:60]}'."
    return ours, follows, ""


def invokeai_scheduler(sampler: Sampler, schedule: Schedule) -> str | None:
    """InvokeAI's name for a sampler with its schedule; ``None`` where it has no such one."""
    names = {
        Sampler.DDIM: "ddim",
        Sampler.EULER: "euler",
        Sampler.EULER_A: "euler_a",
        Sampler.DPMPP_2M: "dpmpp_2m",
        Sampler.DPMPP_2M_SDE: "dpmpp_2m_sde",
        Sampler.UNIPC: "unipc",
        Sampler.HEUN: "heun",
        Sampler.LCM: "lcm",
    }
    with_karras = {"euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "unipc"}
    name = names.get(sampler)
    if name is None or schedule is Schedule.NORMAL:
        return name
    return f"{name}_k" if schedule is Schedule.KARRAS and name in with_karras else None

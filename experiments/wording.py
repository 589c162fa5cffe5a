"""How numbers, durations, configurations and operations are written for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from oneshot_hpo.suggestions import did_you_mean

_OPERATIONS = {
    "conv3x3-bn-relu": "conv 3×3",
    "conv1x1-bn-relu": "conv 1×1",
    "maxpool3x3": "max pool",
    "nor_conv_3x3": "conv 3×3",
    "nor_conv_1x1": "conv 1×1",
    "avg_pool_3x3": "avg pool",
    "max_pool_3x3": "max pool",
    "skip_connect": "skip",
    "sep_conv_3x3": "sep 3×3",
    "sep_conv_5x5": "sep 5×5",
    "dil_conv_3x3": "dil 3×3",
    "dil_conv_5x5": "dil 5×5",
}


def percent(share: float) -> str:
    """An error or regret in [0, 1] as "4.21 %"."""
    return f"{100 * share:.2f} %"


def number(value: Any) -> str:
    """A hyperparameter's value, floats with three digits, and words as in a study file."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def configuration(values: Mapping[str, Any]) -> str:
    """All values of a configuration, on one line."""
    return ", ".join(f"{name} {number(value)}" for name, value in sorted(values.items()))


def counted(number: float, noun: str) -> str:
    """A number of things, such as "1 supernet" or "3 supernets"."""
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """Seconds as "1:05" or "2:01:05"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rough(amount: float) -> str:
    """An amount with three digits, however large: "0.0123", "13,700"."""
    return f"{float(f'{amount:.3g}'):,g}"


def file_size(count: int) -> str:
    """Bytes as "1.5 MB", in powers of 1,000."""
    if count < 1000:
        return "1 byte" if count == 1 else f"{count} bytes"
    power = min((len(str(count)) - 1) // 3, 4)
    return f"{count / 1000**power:.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def unknown_key(key: str, section: str, known: Iterable[str]) -> str:
    """The message for an unknown key in a section ("" for none), with the closest known key."""
    where = f" in section {section}" if section else ""
    return f"unknown key {key!r}{where}: {did_you_mean(key, known)}"


def called(operation: str) -> str:
    """A short name for an operation of any space: ten letters at most where it is a known one."""
    return _OPERATIONS.get(operation, operation.replace("_", " "))

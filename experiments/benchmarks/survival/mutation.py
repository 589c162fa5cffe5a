"""Inputs that are nearly right: bytes, and documents of keys and values, changed at random."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

Mutate = Callable[[bytes, Random], bytes]

_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, 5e-324, float("nan")),
    *("", "x" * 5000, "\0", "\n", "[red]", "\x1b[2J", "é\u2028\ud800", "1e5", "../..", "/dev/zero"),
    *([], {}, [[]], {"": []}, [None] * 100, [0, 0, 0], {"loss": 0.5}, {"a": {"a": {"a": 1}}}),
)


def mutate_bytes(content: bytes, random: Random) -> bytes:
    """One to eight changes of bytes: flipped, set, cut, doubled, moved, added."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        place = random.randrange(len(changed) + 1)
        length = min(random.choice((1, 2, 4, 8, 32, 256)), len(changed) - place)
        match random.randrange(8):
            case 0:
                changed[place:] = b""
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = changed[place : place + length]
            case 3:
                changed[place:place] = random.randbytes(random.choice((1, 2, 4, 64)))
            case 4:
                number = random.choice(_NUMBERS).to_bytes(8, random.choice(("little", "big")))
                changed[place : place + 4] = number[: random.choice((1, 2, 4, 8))]
            case 5:
                end = random.randrange(len(changed) + 1)
                changed[place : place + length] = changed[end : end + length]
            case _ if place < len(changed):
                changed[place] ^= 1 << random.randrange(8)
    return bytes(changed)


def mutate_document(document: Any, random: Random) -> Any:
    """A value somewhere in a document replaced, taken out, doubled, or put elsewhere."""
    changed = deepcopy(document)
    places = list(_places(changed))
    if not places:
        return random.choice(_VALUES)

    container, key = random.choice(places)
    match random.randrange(8):
        case 0:
            del container[key]
        case 1:
            other, place = random.choice(places)
            container[key] = deepcopy(other[place])
        case 2 if isinstance(container, dict):
            container[random.choice(("", "name", "extra", key + "s"))] = container.pop(key)
        case 2:
            container.insert(0, deepcopy(container[key]))
        case 3 if isinstance(container[key], int | float):
            container[key] *= random.choice((-1, 0, 2, 0.5, 1e9, 10**30))
        case 4:
            container[key] = [container[key]]
        case 5:
            container[key] = str(container[key])
        case _:
            container[key] = random.choice(_VALUES)

    return changed


def _places(value: Any) -> Any:
    """Every container and key, or place, in it."""
    keys = value if isinstance(value, dict) else range(len(value)) if type(value) is list else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def mutate_lines(content: bytes, random: Random) -> bytes:
    """JSON lines: the document of one changed, or lines left out, doubled, exchanged; or bytes."""
    lines = content.split(b"\n")
    kind = random.randrange(10)
    if kind < 3:
        return mutate_bytes(content, random)
    place = random.randrange(len(lines))
    if kind == 3:
        del lines[place]
    elif kind == 4:
        lines.insert(random.randrange(len(lines) + 1), lines[place])
    else:
        for _ in range(random.choice((1, 1, 2, 4))):
            place = random.randrange(len(lines))
            try:
                changed = mutate_document(json.loads(lines[place]), random)
            except ValueError:
                continue
            lines[place] = json.dumps(changed).encode()
    return b"\n".join(lines)


def mixed(document: Callable[[bytes, Random], bytes]) -> Mutate:
    """Mutates what is in a format two times in three, else the format's own bytes."""
    return lambda content, random: (
        mutate_bytes(content, random) if random.randrange(3) == 0 else document(content, random)
    )

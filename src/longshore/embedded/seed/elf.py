"""The smallest honest program: a static ELF executable that prints a text and exits 0. Pure.

Assembled by hand, one per architecture: write(1, text, length), then exit(0), by system calls
alone, so that it runs in an image that holds nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from longshore.oci.platforms import Platform

_PAGE = 0x1000


@dataclass(frozen=True)
class _Machine:
    """How an architecture writes an ELF file; `code` gets the text's address and length."""

    number: int
    bits: int
    order: str
    flags: int
    base: int
    code: Callable[[int, int], bytes]


def _words(order: str, *words: int) -> bytes:
    return struct.pack(f"{order}{len(words)}I", *words)


def _amd64(address: int, length: int) -> bytes:
    return b"".join(
        (
            b"\xb8\x01\x00\x00\x00",  # mov eax, 1 (write)
            b"\xbf\x01\x00\x00\x00",  # mov edi, 1
            b"\xbe" + struct.pack("<I", address),  # mov esi, text
            b"\xba" + struct.pack("<I", length),  # mov edx, length
            b"\x0f\x05",  # syscall
            b"\xb8\x3c\x00\x00\x00",  # mov eax, 60 (exit)
            b"\x31\xff",  # xor edi, edi
            b"\x0f\x05",  # syscall
        )
    )


def _arm64(address: int, length: int) -> bytes:
    def move(register: int, value: int) -> int:  # movz
        return 0xD2800000 | (value & 0xFFFF) << 5 | register

    def move_high(register: int, value: int) -> int:  # movk, lsl 16
        return 0xF2A00000 | (value >> 16 & 0xFFFF) << 5 | register

    call = 0xD4000001  # svc 0
    return _words(
        "<",
        *(move(8, 64), move(0, 1)),  # write, 1
        *(move(1, address), move_high(1, address)),
        *(move(2, length), move_high(2, length)),
        call,
        *(move(8, 93), move(0, 0), call),  # exit, 0
    )


def _arm_v7(address: int, length: int) -> bytes:
    def halves(high: bool, register: int, value: int) -> int:  # movw, movt
        half = value >> 16 if high else value & 0xFFFF
        return (
            (0xE3400000 if high else 0xE3000000)
            | (half >> 12) << 16
            | register << 12
            | (half & 0xFFF)
        )

    call = 0xEF000000  # svc 0
    return _words(
        "<",
        *(halves(False, 7, 4), halves(False, 0, 1)),  # write, 1
        *(halves(False, 1, address), halves(True, 1, address)),
        *(halves(False, 2, length), halves(True, 2, length)),
        call,
        *(halves(False, 7, 1), halves(False, 0, 0), call),  # exit, 0
    )


def _s390x(address: int, length: int) -> bytes:
    def load(register: int, value: int) -> bytes:  # lgfi
        return struct.pack(">BBI", 0xC0, register << 4 | 0x1, value)

    def call(number: int) -> bytes:  # svc
        return bytes((0x0A, number))

    return load(2, 1) + load(3, address) + load(4, length) + call(4) + load(2, 0) + call(1)


_MACHINES = {
    "amd64": _Machine(62, 64, "<", 0, 0x400000, _amd64),
    "arm64": _Machine(183, 64, "<", 0, 0x400000, _arm64),
    "arm": _Machine(40, 32, "<", 0x05000200, 0x10000, _arm_v7),
    "s390x": _Machine(22, 64, ">", 0, 0x1000000, _s390x),
}


def executable(platform: Platform, text: str) -> bytes:
    """A program for the platform that prints the text; linux on amd64, arm64, arm/v7 or s390x.

    Raises KeyError for another architecture.
    """
    machine = _MACHINES[platform.architecture]
    shown = text.encode()
    head = (64 + 56) if machine.bits == 64 else (52 + 32)
    size = len(machine.code(0, len(shown)))
    start = machine.base + head
    code = machine.code(start + size, len(shown))
    return _headers(machine, start, head + size + len(shown)) + code + shown


def _headers(machine: _Machine, start: int, size: int) -> bytes:
    wide = machine.bits == 64
    word = "Q" if wide else "I"
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1 if machine.order == "<" else 2, 1)) + bytes(9)
    sizes = (64, 56) if wide else (52, 32)
    head = ident + struct.pack(
        f"{machine.order}HHI3{word}I6H",
        *(2, machine.number, 1),  # an executable, of this machine, version 1
        *(start, sizes[0], 0),  # entry, program header follows, no sections
        *(machine.flags, *sizes, 1, 0, 0, 0),
    )
    place = (0, machine.base, machine.base, size, size)
    if wide:  # loadable, read and execute
        return head + struct.pack(f"{machine.order}II6Q", 1, 5, *place, _PAGE)
    return head + struct.pack(f"{machine.order}8I", 1, *place, 5, _PAGE)

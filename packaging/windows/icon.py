#!/usr/bin/env python3
"""Draws interdict.ico, a shield with a bar, and writes it beside itself.

Python alone, no picture library: a point is in the shield or not, sixteen points make a pixel. Sizes up to 48 are
bitmaps, as Windows 7 wants them; the large one is a PNG.
"""
import struct
import zlib
from pathlib import Path

SIZES = (16, 32, 48, 256)
RIM = (18, 43, 74)
LEFT = (43, 108, 176)
RIGHT = (33, 86, 148)
BAR = (255, 255, 255)
GRID = 4  # points of a pixel, each way


def inside(x, y, inset):
    """Whether a point of the unit square is in the shield, drawn in by `inset`: a flat top, sides that bend to a tip."""
    top, tip = 0.05 + inset, 0.97 - 1.35 * inset
    if not top <= y <= tip:
        return False
    half = 0.41 - inset
    bend = 0.45
    if y > bend:
        part = (y - bend) / (tip - bend)
        half *= (1.0 - part**2.1) ** 0.8
    # The upper corners are a little round.
    corner = 0.06
    dx, dy = abs(x - 0.5) - (half - corner), (top + corner) - y
    if dx > 0 and dy > 0:
        return dx * dx + dy * dy <= corner * corner
    return abs(x - 0.5) <= half


def colour(x, y, size):
    """Colour of a point, or none outside of the shield. A small picture gets a broader rim and bar."""
    rim = 0.07 if size <= 16 else 0.055
    if not inside(x, y, 0.0):
        return None
    if not inside(x, y, rim):
        return RIM
    bar = 0.085 if size <= 16 else 0.07
    if abs(y - 0.44) <= bar and abs(x - 0.5) <= 0.23:
        return BAR
    return LEFT if x < 0.5 else RIGHT


def pixels(size):
    """Rows from the top, each pixel (red, green, blue, alpha)."""
    rows = []
    for row in range(size):
        line = []
        for column in range(size):
            hits = []
            for k in range(GRID * GRID):
                x = (column + (k % GRID + 0.5) / GRID) / size
                y = (row + (k // GRID + 0.5) / GRID) / size
                hits.append(colour(x, y, size))
            seen = [hit for hit in hits if hit]
            if not seen:
                line.append((0, 0, 0, 0))
                continue
            mean = tuple(round(sum(hit[i] for hit in seen) / len(seen)) for i in range(3))
            line.append((*mean, round(255 * len(seen) / len(hits))))
        rows.append(line)
    return rows


def bitmap(size, rows):
    """A device-independent bitmap as icons hold it: twice as high, colours from the bottom, then the mask."""
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    body = b"".join(struct.pack("BBBB", b, g, r, a) for line in reversed(rows) for r, g, b, a in line)
    mask = b""
    for line in reversed(rows):
        bits = "".join("0" if a else "1" for *_, a in line)
        bits = bits.ljust((size + 31) // 32 * 32, "0")
        mask += int(bits, 2).to_bytes(len(bits) // 8, "big")
    return head + body + mask


def png(size, rows):
    """The same as a PNG, with the plainest filter: the picture is large areas of one colour."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    raw = b"".join(b"\0" + bytes(value for pixel in line for value in pixel) for line in rows)
    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def icon():
    """The whole file: a directory, then the pictures."""
    pictures = [(size, (png if size == 256 else bitmap)(size, pixels(size))) for size in SIZES]
    directory = struct.pack("<HHH", 0, 1, len(pictures))
    at = len(directory) + 16 * len(pictures)
    for size, data in pictures:
        directory += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), at)
        at += len(data)
    return directory + b"".join(data for _, data in pictures)


if __name__ == "__main__":
    Path(__file__).with_name("interdict.ico").write_bytes(icon())

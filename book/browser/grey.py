"""Makes a picture of black text on white small: sixteen greys, and no other colour."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def grey(picture):
    """A PNG as Chromium writes it, with 8 bits for each of three or four colours, in sixteen greys."""
    (width, height, depth, kind), data = read(picture)
    colours = {2: 3, 6: 4}[kind]
    if depth != 8:
        raise ValueError(f"a picture with {depth} bits a colour")
    lines = []
    for line in unfiltered(data, width * colours, height, colours):
        levels = [sum(line[at:at + 3]) * 15 // (3 * 255) for at in range(0, len(line), colours)]
        levels += [0] * (width % 2)
        pairs = zip(levels[::2], levels[1::2])
        lines.append(b"\0" + bytes(left << 4 | right for left, right in pairs))
    header = struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)
    packed = zlib.compress(b"".join(lines), 9)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def read(picture):
    at, data, header = len(SIGNATURE), b"", None
    while at < len(picture):
        length, name = struct.unpack(">I4s", picture[at:at + 8])
        body = picture[at + 8:at + 8 + length]
        if name == b"IHDR":
            header = struct.unpack(">IIBB", body[:10])
        elif name == b"IDAT":
            data += body
        at += 12 + length
    return header, zlib.decompress(data)


def unfiltered(data, width, height, step):
    before = bytes(width)
    for row in range(height):
        start = row * (width + 1)
        kind, line = data[start], bytearray(data[start + 1:start + 1 + width])
        for at in range(width):
            left = line[at - step] if at >= step else 0
            corner = before[at - step] if at >= step else 0
            line[at] = (line[at] + predicted(kind, left, before[at], corner)) & 255
        yield line
        before = line


def predicted(kind, left, up, corner):
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

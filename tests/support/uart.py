"""What a UART reads when its baud rate is not the one that was sent with: 8N1, sampled in the middle of each bit."""

from bisect import bisect_right


def heard(data: bytes, *, sent: int, read: int, pause_bits: float = 0.0) -> bytes:
    """Return the bytes a receiver set to ``read`` baud makes of ``data`` sent at ``sent`` baud.

    ``pause_bits``: idle line between two bytes, in bits of the sender. A byte without a stop bit is a framing error,
    which Linux passes on as it was read (termios without INPCK).
    """
    edges, levels, now = [0.0], [1], 1.0
    for byte in data:
        for level in (0, *((byte >> bit) & 1 for bit in range(8)), 1):
            if level != levels[-1]:
                edges.append(now)
                levels.append(level)
            now += 1.0
        now += pause_bits
    end = now + 20

    def level_at(time: float) -> int:
        return levels[bisect_right(edges, time) - 1]

    step = sent / read
    result, time, index = bytearray(), 0.0, 1
    while index < len(edges):
        if edges[index] < time or levels[index]:
            index += 1
            continue
        start = edges[index]
        if start + 10 * step > end:
            break
        result.append(sum(level_at(start + (1.5 + bit) * step) << bit for bit in range(8)))
        time = start + 9.5 * step
    return bytes(result)

"""A TCP proxy on loopback that makes a server seem far away. I/O.

    python delay.py PORT SERVER-PORT RTT-MS

Each direction holds back what passes for half a round trip; a new connection takes one more, as
TCP's handshake does. Bandwidth is not limited. It runs as a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

_PIECE = 256 * 1024
_UNDER_WAY = 128  # pieces held back at once and direction, before reading pauses


async def _flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass on what is read, each piece `delay_s` after it arrived."""
    loop = asyncio.get_running_loop()
    held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)

    async def take() -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE):
                await held.put((loop.time() + delay_s, piece))
        await held.put((loop.time() + delay_s, b""))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, piece = await held.get()
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
    finally:
        taking.cancel()


async def _serve(port: int, server_port: int, rtt_s: float) -> None:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(rtt_s)
        there, back = await asyncio.open_connection("127.0.0.1", server_port, limit=_PIECE)
        await asyncio.gather(_flow(reader, back, rtt_s / 2), _flow(there, writer, rtt_s / 2))
        for one in (writer, back):
            one.close()

    server = await asyncio.start_server(pass_on, "127.0.0.1", port, limit=_PIECE)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))

"""A TCP proxy that delays one direction.

``python -m tests.faults.slow_link MS LISTEN:PORT TO:PORT …``: what goes from the one who connects
to ``TO`` is passed on MS milliseconds later, what comes back at once.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter


async def _pump(source: StreamReader, sink: StreamWriter, delay_s: float) -> None:
    """Pass on each piece ``delay_s`` after it came, in order."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        while piece := await source.read(2**16):
            await pieces.put((loop.time() + delay_s, piece))
        await pieces.put((loop.time() + delay_s, b""))

    reading = asyncio.create_task(read())
    try:
        while True:
            due_s, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            if not piece:
                break
            sink.write(piece)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        reading.cancel()
        sink.close()


async def _serve(delay_s: float, listen: str, to: str) -> None:
    host, _, port = to.rpartition(":")

    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            back, there = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, there, delay_s), _pump(back, writer, 0.0))

    address, _, own_port = listen.rpartition(":")
    server = await asyncio.start_server(connected, address, int(own_port))
    await server.serve_forever()


async def _main(arguments: list[str]) -> None:
    delay_s = float(arguments[0]) * 1e-3
    pairs = zip(arguments[1::2], arguments[2::2], strict=True)
    await asyncio.gather(*(_serve(delay_s, listen, to) for listen, to in pairs))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))

"""FastAPI on uvicorn: says each line of its standard input to every client. First prints its port, then a line per client.
With the argument "plain" it does not take a client's offer of compressed messages, which it does by default."""

import asyncio
import socket
import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
clients = set()


@app.websocket("/ws/events")
async def stream(client: WebSocket):
    await client.accept()
    clients.add(client)
    print("in", flush=True)
    try:
        while True:
            await client.receive_text()
    except WebSocketDisconnect:
        pass
    finally:
        clients.discard(client)


async def broadcast(server):
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        text = line.decode().rstrip("\n")
        for client in list(clients):
            await client.send_text(text)
    server.should_exit = True


async def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws_per_message_deflate="plain" not in sys.argv))
    print(listener.getsockname()[1], flush=True)
    await asyncio.gather(server.serve(sockets=[listener]), broadcast(server))


asyncio.run(main())

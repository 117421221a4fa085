"""A TCP proxy on loopback that can be switched: everything that can happen to a network, without being root."""

import socket
import struct
import threading
import time
from contextlib import suppress
from enum import Enum
from selectors import EVENT_READ, DefaultSelector


class Mode(Enum):
    PASS = "everything goes through"
    REFUSE = "nobody listens"
    BLACKHOLE = "connections are taken, nothing ever comes back"
    RESET = "connections are reset, those that are open too"
    DELAY = "each packet is late"
    CUT = "open connections end in the middle; new ones go through"
    HALFOPEN = "what is sent arrives, what is answered is lost"


class Wire:
    """One listening port in front of another. `switch` changes what happens from now on, to open connections too."""

    def __init__(self, target: int, *, delay: float = 0.05) -> None:
        self.target, self.delay, self.mode = target, delay, Mode.PASS
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        return listener

    def switch(self, mode: Mode) -> None:
        was, self.mode = self.mode, mode
        if mode is Mode.REFUSE:
            self._close_listener()
        elif was is Mode.REFUSE:
            self._listener = self._listen(self.port)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        if mode in (Mode.REFUSE, Mode.RESET, Mode.CUT):
            self._end_all(hard=mode is not Mode.CUT)
        if mode is Mode.CUT:
            self.mode = Mode.PASS

    def close(self) -> None:
        self._close_listener()
        self._end_all(hard=True)

    def _close_listener(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _end_all(self, *, hard: bool) -> None:
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                if hard:
                    _reset_at_close(end)
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                if hard:
                    end.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                if self.mode is Mode.RESET:
                    _reset_at_close(client)
                    client.close()
                else:
                    threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            client.close()
            return
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        try:
            self._pump(client, server)
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._pairs.discard(pair)
            for end in pair:
                end.close()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        with DefaultSelector() as selector:
            selector.register(client, EVENT_READ, server)
            selector.register(server, EVENT_READ, client)
            while True:
                for key, _ in selector.select(0.5):
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    while self.mode is Mode.BLACKHOLE:  # nothing is read either, as behind a dead router
                        time.sleep(0.02)
                    data = source.recv(65536)
                    if not data:
                        return
                    if self.mode is Mode.DELAY:
                        time.sleep(self.delay)
                    if self.mode is Mode.HALFOPEN and source is server:
                        continue
                    target.sendall(data)


def _reset_at_close(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

"""An SFTP server on a free port of this machine, over one folder."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko


class _Anyone(paramiko.ServerInterface):
    """Lets in whoever has the one known key."""

    def __init__(self, known: paramiko.PKey) -> None:
        self._known = known

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL if key == self._known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Folder(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, folder: Path) -> None:
        super().__init__(server)
        self._folder = folder

    def _here(self, path: str) -> Path:
        return self._folder / path.lstrip("/")

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._here(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr: object) -> paramiko.SFTPHandle | int:
        try:
            file = self._here(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = file
        return handle


@contextmanager
def serving_sftp(folder: Path, home: Path) -> Iterator[int]:
    """The server's port; ``home/.ssh`` gets a key that opens it and its host key.

    Args:
        folder: What it serves.
        home: The client's home folder.
    """
    host_key, client_key = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    (home / ".ssh").mkdir(parents=True)
    client_key.write_private_key_file(str(home / ".ssh" / "id_ecdsa"))
    trust(home, port, host_key)
    transports: list[paramiko.Transport] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                transport = paramiko.Transport(client)
                transport.add_server_key(host_key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder, folder)
                transports.append(transport)
                with suppress(paramiko.SSHException, EOFError):
                    transport.start_server(server=_Anyone(client_key))

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield port
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for transport in transports:
            transport.close()


def trust(home: Path, port: int, key: paramiko.PKey) -> None:
    """Write a host key to the client's known hosts, in place of those there."""
    line = f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n"
    (home / ".ssh" / "known_hosts").write_text(line)

"""How each kind of url is opened: a file system of fsspec, with credentials from the environment.

Nothing here reads a password from params.yaml. A url without credentials in the environment is
opened anonymously, so that public data needs no account and no other server is asked for one.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from reprise.errors import RepriseError

CONNECT_SECONDS = 10
READ_SECONDS = 60


ReadRange = Callable[[Any, str, int, int, int], bytes]


def _read_range(filesystem: Any, path: str, _size: int, start: int, end: int) -> bytes:
    content: bytes = filesystem.cat_file(path, start=start, end=end)
    return content


@dataclass(frozen=True)
class Backend:
    """What reads the urls of one scheme.

    Attributes:
        open: Makes a new file system with its own connection.
        read: Reads (file system, path, size of the file, start, end) in one request.
        advice: What to do when access is denied.
        errors: What a broken connection or a refusing server raises.
        denials: Those among them that no second attempt will cure.
        status: Attribute of an error that holds the server's HTTP status.
        folders: Whether a url may name a folder.
    """

    open: Callable[[], Any]
    advice: str
    errors: tuple[type[Exception], ...]
    denials: tuple[type[Exception], ...] = ()
    status: str = "status"
    folders: bool = False
    read: ReadRange = _read_range


class NoRangesError(Exception):
    """The server sends a file only from its beginning."""


class Connection:
    """One file system, opened when it is needed and again after it broke; threads share it.

    Args:
        opened: The backend.
    """

    def __init__(self, opened: Backend) -> None:
        self.backend = opened
        self._filesystem: Any = None
        self._lock = threading.Lock()

    def filesystem(self) -> Any:
        """The file system; making it may raise the backend's errors."""
        with self._lock:
            if self._filesystem is None:
                self._filesystem = self.backend.open()
            return self._filesystem

    def broke(self, filesystem: Any) -> None:
        """Use that file system no more, unless another thread has said so before."""
        with self._lock:
            if self._filesystem is filesystem:
                self._filesystem = None


def backend(url: str) -> Backend:
    """The backend for a url.

    Raises:
        RepriseError: Its package is not installed, or what it needs is not in the environment.
    """
    makers: dict[str, Callable[[str], Backend]] = {
        "http": _http,
        "https": _http,
        "s3": _s3,
        "gs": _gcs,
        "az": _azure,
        "abfs": _azure,
        "sftp": _sftp,
    }
    return makers[urlsplit(url).scheme](url)


def _import(package: str, scheme: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        # Not `pip install -e '.[extra]'`: pip would add ultralytics' own build of OpenCV.
        raise RepriseError(
            f"{scheme}:// needs the package {package}, which is not installed.",
            f"pip install {package}",
        ) from None


def _any_set(*names: str) -> bool:
    return any(os.environ.get(name) for name in names)


def _http(_url: str) -> Backend:
    import aiohttp
    from fsspec.implementations.http import HTTPFileSystem

    # aiohttp gives a whole request five minutes by default, which a large file exceeds.
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS
    )
    return Backend(
        open=lambda: HTTPFileSystem(
            skip_instance_cache=True,
            headers={"Accept-Encoding": "identity"},
            client_kwargs={"timeout": timeout, "trust_env": True},
        ),
        advice="check the url in data.sources, and that it opens without signing in.",
        errors=(OSError, TimeoutError, aiohttp.ClientError),
        read=_read_http,
    )


def _read_http(filesystem: Any, path: str, size: int, start: int, end: int) -> bytes:
    # Unlike cat_file, this notices when the server ignores the range and sends all.
    with filesystem.open(path, "rb", block_size=2**20, size=size, cache_type="none") as file:
        file.seek(start)
        try:
            content: bytes = file.read(end - start)
        except ValueError:
            raise NoRangesError from None
    return content


def _s3(_url: str) -> Backend:
    s3fs = _import("s3fs", "s3")
    import aiohttp
    from botocore.exceptions import BotoCoreError, NoCredentialsError, ProfileNotFound

    known = _any_set(
        *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        *("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        *("AWS_CONFIG_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    )

    def opened() -> Any:
        filesystem = s3fs.S3FileSystem(
            anon=not known,
            skip_instance_cache=True,
            use_listings_cache=False,
            config_kwargs={
                "retries": {"total_max_attempts": 1},
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": READ_SECONDS,
            },
        )
        # Attempts are counted and reported in one place: retry.py.
        filesystem.retries = 1
        return filesystem

    return Backend(
        open=opened,
        advice="check the url, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "AWS_PROFILE, to an account that may read it.",
        errors=(OSError, TimeoutError, aiohttp.ClientError, BotoCoreError),
        denials=(NoCredentialsError, ProfileNotFound),
        folders=True,
    )


def _gcs(_url: str) -> Backend:
    _import("gcsfs", "gs")
    import aiohttp

    # The class of the top module opens a second connection, over gRPC, to ask what kind of
    # bucket it is.
    from gcsfs.core import GCSFileSystem
    from gcsfs.retry import HttpError
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

    class WithoutRetries(GCSFileSystem):  # type: ignore[misc]
        # Without gcsfs's own retries, which are silent and log a traceback at the end.
        _request = getattr(GCSFileSystem._request, "__wrapped__", GCSFileSystem._request)

    known = _any_set("GOOGLE_APPLICATION_CREDENTIALS")
    return Backend(
        open=lambda: WithoutRetries(
            token="google_default" if known else "anon",
            skip_instance_cache=True,
            use_listings_cache=False,
        ),
        advice="check the url, and set GOOGLE_APPLICATION_CREDENTIALS to the key file of an "
        "account that may read it.",
        errors=(OSError, TimeoutError, aiohttp.ClientError, HttpError, GoogleAuthError, ValueError),
        denials=(DefaultCredentialsError, ValueError),
        status="code",
        folders=True,
    )


def _azure(url: str) -> Backend:
    adlfs = _import("adlfs", urlsplit(url).scheme)
    import aiohttp
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    known = _any_set(
        *("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_CONNECTION_STRING"),
        *("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"),
    )
    # abfs://container@account.dfs.core.windows.net/folder names the account itself.
    host = urlsplit(url).hostname or ""
    account = host.partition(".")[0] if host.endswith(".core.windows.net") else None

    def opened() -> Any:
        filesystem = adlfs.AzureBlobFileSystem(
            account_name=account,
            anon=not known,
            skip_instance_cache=True,
            use_listings_cache=False,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )
        # Azure's own retries are silent, and go on for minutes when no server answers.
        filesystem.service_client._config.retry_policy.total_retries = 0
        return filesystem

    return Backend(
        open=opened,
        advice="check the url, and set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY "
        "or AZURE_STORAGE_SAS_TOKEN, or AZURE_STORAGE_CONNECTION_STRING.",
        errors=(OSError, TimeoutError, aiohttp.ClientError, AzureError, ValueError),
        denials=(ClientAuthenticationError, ValueError),
        status="status_code",
        folders=True,
    )


def _sftp(url: str) -> Backend:
    paramiko = _import("paramiko", "sftp")
    from fsspec.implementations.sftp import SFTPFileSystem

    parts = urlsplit(url)
    host = parts.hostname or ""

    class RejectUnknownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc, name-defined]
        def missing_host_key(self, _client: Any, hostname: str, _key: Any) -> None:
            port = f"-p {parts.port} " if parts.port else ""
            raise RepriseError(
                f"the SSH host {hostname} is not known here.",
                f"connect once by hand and compare its fingerprint: ssh {port}{host}",
            )

    class KnownHosts(SFTPFileSystem):  # type: ignore[misc]
        # fsspec trusts any host key, known or not.
        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            self.client.load_system_host_keys()
            self.client.set_missing_host_key_policy(RejectUnknownHosts())
            self.client.connect(self.host, **self.ssh_kwargs)
            self.ftp = self.client.open_sftp()

        # fsspec asks for 32 KiB, waits, and asks again.
        def cat_file(self, path: str, start: int, end: int) -> bytes:
            with self.ftp.open(path) as file:
                return b"".join(file.readv([(start, end - start)]))

    options = {"username": parts.username, "port": parts.port or 22}
    return Backend(
        open=lambda: KnownHosts(host, skip_instance_cache=True, timeout=CONNECT_SECONDS, **options),
        advice="check the url, and that `ssh` reaches this host without a password: a key in "
        "the SSH agent.",
        errors=(OSError, EOFError, TimeoutError, paramiko.SSHException),
        denials=(paramiko.AuthenticationException, paramiko.BadHostKeyException),
    )

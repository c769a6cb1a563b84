"""The schema of ``model.weights`` and ``training.resume``: a file that training starts from."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from reprise.section import Section

WEIGHTS_SCHEMES = ("file", "http", "https", "s3", "gs", "az", "abfs", "sftp")


class WeightsConfig(Section):
    """A weights file to start from; it is used only when its checksum agrees."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            pattern=r"^[^\x00-\x1f\x7f]*$",
        ),
    ]
    """A path from the repository's top folder, or file://, http(s)://, s3://, gs://, az://,
    sftp://: a .safetensors file, or a .pt or .pth file that holds plain tensors."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the file, from `sha256sum FILE`; with a wrong one, the error message says
    which it has."""

    @field_validator("url")
    @classmethod
    def _is_a_file(cls, url: str) -> str:
        if "://" not in url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in WEIGHTS_SCHEMES:
            known = ", ".join(f"{scheme}://" for scheme in WEIGHTS_SCHEMES)
            raise ValueError(f"url may be a local path or start with {known}")
        users_allowed = parts.scheme in ("az", "abfs", "sftp")
        if parts.password is not None or (parts.username and not users_allowed):
            raise ValueError(
                "url must not hold a user name or password; credentials come from the environment"
            )
        if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
            raise ValueError("a file url has three slashes: file:///path/to/weights.safetensors")
        return url

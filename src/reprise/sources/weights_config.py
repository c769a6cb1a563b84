"""The schema of ``model.weights`` and ``training.resume``: a file that training starts from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from reprise.section import Section
from reprise.sources.urls import SCHEMES, check_remote_url


class WeightsConfig(Section):
    """A weights file to start from; it is used only when its checksum agrees."""

    url: Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]
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
        check_remote_url(url, SCHEMES, "path/to/weights.safetensors")
        return url

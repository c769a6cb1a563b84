"""The servers of the download's tests."""

from sources.conftest import impatient, s3, s3_port, serve

__all__ = ["impatient", "s3", "s3_port", "serve"]

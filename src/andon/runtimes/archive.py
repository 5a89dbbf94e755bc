"""A model of many files, which travels as one archive, as a folder again."""

from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile


def unpack(file: Path) -> "TemporaryDirectory[str]":
    """The archive's content in a folder below TMPDIR that lives as long as what is returned."""
    folder = TemporaryDirectory(prefix="andon-model-")
    with ZipFile(file) as archive:
        archive.extractall(folder.name)
    return folder

"""A model of many files, packed as one archive, unpacked into a folder."""

import shutil
import weakref
from pathlib import Path
from tempfile import mkdtemp
from zipfile import ZipFile


class Unpacked:
    """The archive's content in a folder below TMPDIR.

    It is removed with this object, or when the process ends by itself.

    The owner of TMPDIR removes the remains of a killed process.
    """

    def __init__(self, file: Path) -> None:
        self.folder = Path(mkdtemp(prefix="andon-archive-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        with ZipFile(file) as archive:
            archive.extractall(self.folder)

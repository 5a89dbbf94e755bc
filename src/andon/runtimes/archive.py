"""A model of many files, which travels as one archive, as a folder again."""

import shutil
import weakref
from pathlib import Path
from tempfile import mkdtemp
from zipfile import ZipFile


class Unpacked:
    """The archive's content in a folder below TMPDIR. It is removed with this object, or when the process ends by itself.

    What a killed process leaves is removed by whoever gave it its TMPDIR.
    """

    def __init__(self, file: Path) -> None:
        self.folder = Path(mkdtemp(prefix="andon-archive-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        with ZipFile(file) as archive:
            archive.extractall(self.folder)

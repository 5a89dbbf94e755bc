"""A packed folder, opened and checked.

The manifest is readable, every file is the one it names, and the folder has nothing else.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from andon.models import keeping
from andon.models.coherence import misfits_of
from andon.models.errors import PackageDamaged, PackageInvalid
from andon.models.manifest import MANIFEST_FILE, File, Manifest, Runtime, parse
from andon.runtimes import ModelUnreadable, check_structure, foreign_types

CHUNK = 4 * 1024 * 1024
PICKLES = (".joblib", ".pkl", ".pickle")
BARE = (".onnx", ".txt", ".json", ".ubj", ".skops", *PICKLES)


@dataclass(frozen=True, slots=True)
class Package:
    """A folder whose files match its manifest."""

    folder: Path
    manifest: Manifest

    def chunks(self, file: File) -> Iterator[bytes]:
        """Yield a file's bytes. Raises PackageInvalid at the end if they differ from the manifest's."""
        digest = hashlib.sha256()
        with (self.folder / file.name).open("rb") as opened:
            while chunk := opened.read(CHUNK):
                digest.update(chunk)
                yield chunk
        if digest.hexdigest() != file.digest:
            raise PackageInvalid(f"{file.name} changed while it was being read")


def open_package(folder: Path) -> Package:
    """Return the package in `folder`. Raises PackageInvalid."""
    if folder.is_file():
        raise PackageInvalid(_bare(folder))
    document = folder / MANIFEST_FILE
    if not document.is_file():
        raise PackageInvalid(f"{folder} contains no {MANIFEST_FILE}: it is not a package written by andon.models.pack")
    manifest = parse(document.read_bytes(), source=str(document))
    if faults := misfits_of(manifest):
        raise PackageInvalid(f"The parts of {document} do not match each other", faults=faults)
    _check_files(folder, manifest)
    _check_held_out(folder, manifest)
    return Package(folder=folder, manifest=manifest)


def danger_of(package: Package) -> str | None:
    """Return why loading the model could run unreviewed code; None if it cannot."""
    name, runtime = package.manifest.model_file, package.manifest.runtime
    if runtime.isolated_only:
        return (
            f"{name} contains its own code, which runs in its own processes but with all rights of Andon's user; "
            "register it with --trust if you know who made it"
        )
    if runtime is not Runtime.SKLEARN:
        return None
    if name.endswith(PICKLES):
        return (
            f"{name} is a pickle: loading it can run any code, in every gateway. Save the model without allow_pickle "
            "(skops then refuses code), or register it with --trust if you know who made it"
        )
    foreign = foreign_types(package.folder / name)
    if foreign:
        return (
            f"{name} contains types that are not known to be harmless: {', '.join(foreign)}. Loading runs their "
            "code in "
            "every gateway; register it with --trust if you know them"
        )
    return None


def require_sound(package: Package) -> None:
    """Raise PackageInvalid if the model file's sizes, counts, indexes or nesting could lead its library astray."""
    manifest = package.manifest
    try:
        check_structure(manifest.runtime, package.folder / manifest.model_file, asdict(manifest.signature))
    except ModelUnreadable as error:
        raise PackageInvalid(str(error)) from error


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _check_files(folder: Path, manifest: Manifest) -> None:
    listed = {file.name: file for file in manifest.files}
    present = {path.name for path in folder.iterdir()} - {MANIFEST_FILE}
    if manifest.model_file not in listed:
        raise PackageInvalid(f"The manifest names the model file {manifest.model_file}, but does not list it")
    if absent := sorted(set(listed) - present):
        raise PackageInvalid(f"{folder} lacks {', '.join(absent)}, which its manifest lists")
    if strange := sorted(present - set(listed)):
        raise PackageInvalid(f"{folder} contains {', '.join(strange)}, which its manifest does not list; remove it")
    for name, file in listed.items():
        path = folder / name
        if (
            not path.is_file()
            or path.is_symlink()
            or path.stat().st_size != file.size
            or digest_of(path) != file.digest
        ):
            raise PackageInvalid(f"{name} does not match the manifest: it was changed after packing")


def _check_held_out(folder: Path, manifest: Manifest) -> None:
    """Check that the kept held-out rows, if there are any, can be read and are of the model's classes."""
    if manifest.held_out is None:
        return
    if manifest.held_out_file is None or manifest.held_out == manifest.model_file:
        raise PackageInvalid(f"The manifest names the held-out rows {manifest.held_out}, but does not list them")
    try:
        rows = keeping.read((folder / manifest.held_out).read_bytes())
    except PackageDamaged as error:
        raise PackageInvalid(str(error)) from error
    if rows.classes != manifest.signature.classes:
        raise PackageInvalid(f"The classes of {manifest.held_out} are not those of the model")


def _bare(file: Path) -> str:
    if file.suffix == ".py":
        return f"{file.name} is a script: run it with `andon models register --from-script {file.name}`"
    if file.suffix not in BARE:
        return f"{file.name} is not a package: give the folder that andon.models.pack wrote"
    return (
        f"{file.name} is a bare model: it does not say what it takes, how good it is or what its data looked like. "
        f"Call andon.models.pack(...) in a script{', model=' + repr(file.name) if file.suffix == '.onnx' else ''} and "
        "register the folder it writes, or the script with --from-script (docs/how-to/register-a-model.md)"
    )

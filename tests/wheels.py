"""Wheels without an index: one made of what is installed here, and one that is nearly empty."""

from importlib import metadata
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile


def wheel_of_installed(name: str, folder: Path) -> str:
    """Pack an installed distribution as a wheel into `folder`; its version."""
    found = metadata.distribution(name)
    tag = next(line for line in (found.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: "))[5:]
    with ZipFile(folder / f"{name}-{found.version}-{tag}.whl", "w", ZIP_STORED) as wheel:
        for file in found.files or ():
            path = Path(str(file.locate()))
            if ".." not in file.parts and "__pycache__" not in file.parts and path.is_file():
                wheel.write(path, str(file))
    return found.version


def small_wheel(name: str, version: str, folder: Path) -> None:
    """Make a wheel with one empty module."""
    info = f"{name}-{version}.dist-info"
    with ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")

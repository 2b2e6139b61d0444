"""Publishing: a file appears whole under its name, or not at all.

The bytes go to a part beside the target, named `.NAME.part`. It is locked while it is written, so two writers of one
target cannot mix; the part of a process that was killed is taken over and written anew, so none pile up. When all is
written the part is flushed to the disk and renamed, which replaces the target in one step.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from penstock.errors import DeliveryError, InputError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your quota on the disk is used up",
    errno.EFBIG: "the file is larger than is allowed",
}


@contextmanager
def publishing(path: Path) -> Generator[BinaryIO]:
    """Open a part of a file for writing; leaving without an error publishes it, else it is removed.

    Raises:
        DeliveryError: When it cannot be made, written or renamed; what stood under the name before is untouched.
    """
    path = path.resolve()
    with delivering(path):
        file = _claim(path)
    with file:
        try:
            yield file
            with delivering(path):
                _put_in_place(file, path=path)
        except BaseException:
            with suppress(OSError):
                part_of(path).unlink()
            with suppress(OSError):  # closing writes what is left in the buffer, which may fail once more
                file.close()
            raise


@contextmanager
def delivering(path: Path) -> Generator[None]:
    """Turn an error of the operating system into a sentence about the file that is written."""
    try:
        yield
    except OSError as error:
        raise undelivered(error, path=path) from error


def undelivered(error: OSError, *, path: Path) -> DeliveryError:
    """Say why a file could not be written and what to do."""
    reason = _FULL.get(error.errno or 0)
    if reason:
        return DeliveryError(f"{path} could not be written, {reason}: make room, then resume.")
    return DeliveryError(f"{path} could not be written ({error.strerror or error}): mend that, then resume.")


def part_of(path: Path) -> Path:
    """Where the bytes of a file are gathered until it is published."""
    return path.with_name(f".{path.name}.part")


def check_place(path: Path) -> None:
    """See that a file can be written, before any work is done for it.

    Raises:
        InputError: When the folder is missing or closed, or the target is a folder, a device, read-only, or open in
            an office program or another run.
    """
    try:
        _check_surroundings(path)
        _try_to_write(path.resolve())
    except OSError as error:
        reason = _FULL.get(error.errno or 0) or error.strerror or str(error)
        raise InputError(f"{path} cannot be written ({reason}): name another place or mend that.") from error
    except DeliveryError as error:
        raise InputError(str(error)) from error


def _check_surroundings(path: Path) -> None:
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(f"The folder {folder} for {path.name} does not exist: make it first.")
    if path.exists():
        _check_target(path)
    for owner in (f".~lock.{path.name}#", f"~${path.name}"):
        if (folder / owner).exists():
            raise InputError(f"{path} is open in an office program ({owner} lies beside it): close it, or remove that.")


def _check_target(path: Path) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder: give the name of a file.")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is not a regular file: give the name of a file.")
    if not mode & 0o222 or not os.access(path, os.W_OK):
        raise InputError(f"{path} is read-only: name another file or make it writable.")


def _try_to_write(path: Path) -> None:
    with _claim(path) as file:
        try:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
        finally:
            part_of(path).unlink()


def _claim(path: Path) -> BinaryIO:
    """Open and lock the part of a file, empty; one that was published meanwhile is not touched."""
    part = part_of(path)
    while True:
        file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "w+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(file, part):
                file.truncate(0)
                return file
        except BlockingIOError as error:
            file.close()
            raise DeliveryError(f"{path} is being written by another process: wait for it or name another.") from error
        except BaseException:
            file.close()
            raise
        file.close()


def _is_still(file: BinaryIO, part: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), part.stat())
    except FileNotFoundError:
        return False


def _put_in_place(file: BinaryIO, *, path: Path) -> None:
    file.flush()
    if path.exists():
        os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
    os.fsync(file.fileno())
    part_of(path).replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

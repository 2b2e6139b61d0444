"""Files as Google Drive serves them: what is known of one, and its bytes.

Source: https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.testing.sheet.mask import masked
from penstock.testing.sheet.trouble import DriveTrouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.testing.sheet.behaviour import SheetBehaviour

_USUAL_FIELDS = "kind,id,name,mimeType"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveFile:
    """A file under an id.

    Attributes:
        id: As links name it.
        content: Its bytes, or where they lie.
    """

    id: str
    content: bytes | Path

    @property
    def name(self) -> str:
        """The name of the file on disk; of bytes, their id."""
        return self.content.name if isinstance(self.content, Path) else self.id

    @property
    def size(self) -> int:
        """Bytes."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    @property
    def mime_type(self) -> str:
        """By the name, or `video/mp4` by the first bytes."""
        if isinstance(self.content, bytes) and self.content[4:8] == b"ftyp":
            return "video/mp4"
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def told(self, fields: str) -> dict[str, Any]:
        """Return what the API tells: only the usual four fields, unless others are asked for."""
        every = {
            "kind": "drive#file",
            "id": self.id,
            "name": self.name,
            "mimeType": self.mime_type,
            "size": str(self.size),
        }
        return masked(every, fields or _USUAL_FIELDS)


def find_file(files: Mapping[str, bytes | Path], file: str, behaviour: SheetBehaviour) -> DriveFile:
    """Return a file that the caller may see.

    Raises:
        Trouble: When there is none, or it is not shared, which Drive tells in the same words.
    """
    if file not in files or file in behaviour.unshared:
        raise DriveTrouble(404, f"File not found: {file}.", reason="notFound", location="fileId")
    return DriveFile(id=file, content=files[file])


def check_download(file: DriveFile, behaviour: SheetBehaviour) -> None:
    """Refuse a download that the owner forbids.

    Raises:
        Trouble: 403.
    """
    if file.id in behaviour.undownloadable:
        raise DriveTrouble(403, "This file cannot be downloaded by the user.", reason="cannotDownloadFile")

"""Outlook messages, small ones: [MS-OXMSG] property streams in an [MS-CFB] compound file."""

import struct
from typing import Any

_END, _FREE, _FAT_SECTOR = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SECTOR, _MINI = 512, 64


def msg(subject: str, sender: str, body: str, attachments: list[tuple[str, bytes]]) -> bytes:
    """A message whose texts and files are each shorter than 4096 bytes."""
    folder: dict[str, Any] = {
        **_texts({0x001A: "IPM.Note", 0x0037: subject, 0x0C1F: sender, 0x5D01: sender, 0x1000: body}),
        "__properties_version1.0": struct.pack("<8x4I8x", 0, len(attachments), 0, len(attachments)),
        "__nameid_version1.0": {f"__substg1.0_000{n}0102": b"" for n in (2, 3, 4)},
    }
    for number, (name, content) in enumerate(attachments):
        folder[f"__attach_version1.0_#{number:08X}"] = {
            **_texts({0x3704: name, 0x3707: name}),
            "__substg1.0_37010102": content,
            # PidTagAttachMethod 1: the file is here, by value.
            "__properties_version1.0": struct.pack("<8xIIII", 0x37050003, 6, 1, 0),
        }
    return _compound_file(folder)


def _texts(properties: dict[int, str]) -> dict[str, bytes]:
    return {f"__substg1.0_{tag:04X}001F": text.encode("utf-16-le") for tag, text in properties.items()}


def _compound_file(root: dict[str, Any]) -> bytes:
    entries: list[list[Any]] = [["Root Entry", 5, _FREE, _FREE, 0, 0]]
    small, links = bytearray(), []

    def put(folder: dict[str, Any]) -> int:
        """Append the entries of a folder, each the right neighbour of the one before it; returns the first's number."""
        before = first = _FREE
        # Names are ordered by their length before their letters.
        for name in sorted(folder, key=lambda name: (len(name), name.upper())):
            content, number = folder[name], len(entries)
            entry = [name, 1 if isinstance(content, dict) else 2, _FREE, _FREE, _END, 0]
            entries.append(entry)
            first = number if before == _FREE else first
            if before != _FREE:
                entries[before][2] = number
            before = number
            if isinstance(content, dict):
                entry[3], entry[4] = put(content), 0
            elif content:
                begin, count = len(links), -(-len(content) // _MINI)
                links.extend([*range(begin + 1, begin + count), _END])
                small.extend(content.ljust(count * _MINI, b"\0"))
                entry[4], entry[5] = begin, len(content)
        return first

    entries[0][3] = put(root)
    directory_sectors = -(-len(entries) // 4)
    link_sectors, small_sectors = -(-len(links) * 4 // _SECTOR), -(-len(small) // _SECTOR)
    fat = [_FAT_SECTOR]
    begins = []
    for count in (directory_sectors, link_sectors, small_sectors):
        begins.append(len(fat))
        fat += [*range(len(fat) + 1, len(fat) + count), _END]
    entries[0][4:] = begins[2], len(small)
    header = struct.pack(
        "<8s16x5H6x9I",
        bytes.fromhex("d0cf11e0a1b11ae1"),
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, begins[0], 0, 4096, begins[1], link_sectors, _END, 0),
    )
    parts = [
        header + struct.pack("<109I", 0, *[_FREE] * 108),
        _padded(struct.pack(f"<{len(fat)}I", *fat), b"\xff"),
        _padded(b"".join(_entry(*entry) for entry in entries), b"\0"),
        _padded(struct.pack(f"<{len(links)}I", *links), b"\xff"),
        _padded(bytes(small), b"\0"),
    ]
    return b"".join(parts)


def _entry(name: str, kind: int, right: int, child: int, begin: int, size: int) -> bytes:
    text = name.encode("utf-16-le")
    head = struct.pack("<64sHBB3I36x", text, len(text) + 2, kind, 1, _FREE, right, child)
    return head + struct.pack("<IQ", begin, size)


def _padded(content: bytes, filling: bytes) -> bytes:
    return content + filling * (-len(content) % _SECTOR)

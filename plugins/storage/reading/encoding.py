"""Finding out in which encoding a file was written, by a rule that can be said in a sentence.

A byte order mark says it. A file without one that is UTF-8 from its first byte to its last is UTF-8: no text
of another encoding is so by chance. Else it is the first candidate, in the declared order, that decodes the
whole file and makes sense of it. Else nobody knows, and the file is set aside. What was found stands in the
receipt.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from storage.reading.archive import ArchiveBroken, pieces
from storage.reading.outcome import SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Longest first where one mark begins with another. UTF-32 is told apart to be refused by name.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Chinese text is written in the 6,763 characters of GB 2312 but for rare names. Western text taken for it
# gives mostly others: its accented letters stand beside letters, and such pairs lie outside GB 2312. A share
# of the characters that are not ASCII.
COMMON_CHARACTERS = 0.9

_CHINESE = frozenset({"gbk", "gb18030"})
# In a text of one byte a character, these are bytes that stand for no character.
_CONTROL = re.compile("[\x80-\x9f]")


def detect(path: Path, candidates: Sequence[str], member: str | None = None) -> str:
    """The encoding of a text file.

    Raises SetAside with `unknown_encoding` when it is none of the candidates. An archive that breaks off is
    judged by what can be seen of it.
    """
    first = next(_seen(path, member), b"")
    for mark, encoding in MARKS:
        if first.startswith(mark):
            if encoding == "utf-32":
                raise SetAside("unknown_encoding", "the byte order mark is that of utf-32, which is not read")
            return encoding
    refused = []
    for encoding in dict.fromkeys(("utf-8", *candidates)):
        why = _why_not(_seen(path, member), encoding)
        if why is None:
            return encoding
        refused.append(f"not {encoding}: {why}")
    raise SetAside("unknown_encoding", f"no byte order mark; {'; '.join(refused)}")


def _why_not(seen: Iterator[bytes], encoding: str) -> str | None:
    """Why the bytes are no text of an encoding, or None when they are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    common = foreign = offset = 0
    for piece in seen:
        begun = len(decoder.getstate()[0])  # bytes of a character the piece before ended in
        try:
            text = decoder.decode(piece)
        except UnicodeDecodeError as wrong:
            return f"byte {offset - begun + wrong.start} cannot be"
        offset += len(piece)
        if encoding in _CHINESE and not text.isascii():
            characters = "".join(character for character in text if not character.isascii())
            foreign += len(characters)
            common += len(characters.encode("gb2312", "ignore")) // 2
        if encoding != "utf-8" and _CONTROL.search(text):
            return "it would hold control characters"
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "it ends inside a character"
    if common < COMMON_CHARACTERS * foreign:
        return f"only {common} of {foreign} characters would be common ones"
    return None


def _seen(path: Path, member: str | None) -> Iterator[bytes]:
    try:
        yield from pieces(path, member)
    except ArchiveBroken:
        return

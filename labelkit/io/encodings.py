"""Encodings of text files; every byte of a file can be written back unchanged."""

import codecs
import re
import shlex
from pathlib import Path

from labelkit.errors import LabelkitError

UTF8 = "utf-8"
# Different bytes may decode to one character (FA 54 and 81 CA in cp932), so encoding it may not
# restore its bytes. Such bytes are kept as these surrogates.
_FIRST_STAND_IN = 0xDC00
_STAND_INS = re.compile("[\udc00-\udcff]+")
# A backslash that is escaped, two halves of a character, or one half alone (the group).
_ESCAPES = re.compile(
    r"\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][\da-fA-F]{2})"
)
_WRITES_STAND_INS = "labelkit-stand-ins"


def checked_encoding(encoding: str, path: Path) -> str:
    """Return Python's name of an encoding; raises LabelkitError if it is not supported.

    `path` is the file with this encoding.
    """
    try:
        name = codecs.lookup(encoding).name
        ascii_alike = '\n,"'.encode(name) == b'\n,"'
    except (LookupError, UnicodeError):
        raise LabelkitError(f"--encoding {encoding!r} is not a known encoding") from None
    if name == "utf-8-sig":
        return UTF8
    if not ascii_alike:
        raise LabelkitError(
            f"--encoding {encoding!r} is not supported; convert the file to UTF-8 first, "
            f"for example: {conversion(path, encoding)}"
        )
    return name


def conversion(path: Path, encoding: str) -> str:
    """Return a command line that converts a file to UTF-8."""
    new = path.with_name(f"{path.name.partition('.')[0]}.utf-8{''.join(path.suffixes)}")
    return f"iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(new))}"


def json_of_whole_characters(text: str) -> str:
    """Return JSON with lone surrogates, which UTF-8 cannot encode, replaced by U+FFFD."""
    if "\\u" not in text:
        return text
    return _ESCAPES.sub(lambda match: "\\ufffd" if match[1] else match[0], text)


# Encodings in the order tried, with the minimal share of non-ASCII letters from a script.
_SCRIPTS = (
    ("cp932", re.compile("[\u3040-\u30ff]"), 0.3),
    ("euc_kr", re.compile("[\uac00-\ud7a3]"), 0.9),
    ("cp1251", re.compile("[\u0430-\u044f]"), 0.6),
    ("gb18030", re.compile("[\u4e00-\u9fff]"), 0.7),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_MIN_RUN = 3  # bytes, on average
_SAMPLE_BYTES = 1 << 16  # bytes


def guess_encoding(data: bytes) -> str:
    """Return the probable encoding of bytes that are not UTF-8, cp1252 if uncertain.

    Accented Latin letters are usually single, while letters of other scripts follow each other.
    """
    first = _HIGH.search(data)
    start = data.rfind(b"\n", 0, first.start()) + 1 if first else 0
    lines = data[start : start + _SAMPLE_BYTES].rpartition(b"\n")
    text = lines[0] or lines[2]
    runs = _HIGH.findall(text)
    if not runs or sum(map(len, runs)) < _MIN_RUN * len(runs):
        return "cp1252"
    for encoding, script, min_share in _SCRIPTS:
        try:
            other = [letter for letter in text.decode(encoding) if not letter.isascii()]
        except UnicodeDecodeError:
            continue
        if sum(script.match(letter) is not None for letter in other) >= min_share * len(other):
            return encoding
    return "cp1252"


def decode(data: bytes, encoding: str) -> str:
    """Return text that `encode` turns into the same bytes; raises UnicodeDecodeError.

    Characters that would be encoded with other bytes are stand-ins: see `shown`.
    """
    text = data.decode(encoding)
    if encoding == UTF8 or _writes(text, encoding) == data:
        return text
    lines = data.split(b"\n")
    return "\n".join(_exact_line(line, encoding) for line in lines)


def encode(text: str, encoding: str) -> bytes:
    """Return the bytes of a text from `decode`; raises UnicodeEncodeError."""
    return text.encode(encoding, "strict" if encoding == UTF8 else _WRITES_STAND_INS)


def shown(text: str, encoding: str) -> str:
    """Return a text with its stand-ins replaced by their characters."""
    return _STAND_INS.sub(
        lambda match: bytes(ord(c) - _FIRST_STAND_IN for c in match[0]).decode(encoding), text
    )


def has_stand_ins(text: str) -> bool:
    """Return whether a text from `decode` contains stand-ins."""
    return _STAND_INS.search(text) is not None


def _writes(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:  # some codecs read what they cannot write
        return None


def _exact_line(line: bytes, encoding: str) -> str:
    text = line.decode(encoding)
    if _writes(text, encoding) == line:
        return text
    decoder = codecs.getincrementaldecoder(encoding)()
    parts, start = [], 0
    for end in range(1, len(line) + 1):
        part = decoder.decode(line[end - 1 : end], final=end == len(line))
        if part:
            data, start = line[start:end], end
            exact = _writes(part, encoding) == data
            parts.append(part if exact else "".join(chr(_FIRST_STAND_IN + b) for b in data))
    return "".join(parts)


def _bytes_of_stand_ins(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    match = _STAND_INS.match(error.object, error.start)
    if match is None:
        raise error
    return bytes(ord(c) - _FIRST_STAND_IN for c in match[0]), match.end()


codecs.register_error(_WRITES_STAND_INS, _bytes_of_stand_ins)

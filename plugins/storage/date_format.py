"""Days and instants as a declaration says they are written, in the codes DuckDB and Python read alike.

    %Y year, four digits from 1000     %y year, two digits: 69-99 are 19.., 00-68 are 20..
    %m month   %d day   %H hour (24)   %M minute   %S second: one or two digits
    %I hour (12) with %p AM or PM      %f fraction of a second: one to six digits

Everything else stands for itself. Numbers with nothing between them have all their digits: 1997011 is no
%Y%m%d. Both readers take more than anyone means, each its own; a value must first look like its format.
"""

from __future__ import annotations

import re

_DIGITS = {
    "Y": "[1-9][0-9]{3}",
    "y": "[0-9]{2}",
    **dict.fromkeys("mdHIMS", "[0-9]{1,2}"),
    "f": "[0-9]{1,6}",
}
_CODES = {**_DIGITS, "p": "[AaPp][Mm]"}
_DAY, _TIME = set("Yymd"), set("HIMSfp")
_PARTS = re.compile("%(.)|([^%])", re.DOTALL)


class FormatWrong(ValueError):
    """A format that says no day, or says it in a way not read here; the message completes `'%d.%m' …`."""


def check(written: str, kind: str) -> None:
    """Raise FormatWrong unless a `date` or `timestamp` can be read by a format."""
    parts = _parts(written)
    codes = [code for code, _ in parts if code]
    for code in codes:
        if code not in _CODES:
            msg = f"has %{code}; read are {', '.join('%' + each for each in _CODES)}"
            raise FormatWrong(msg)
    if any(sign.isdigit() or ord(sign) < ord(" ") for code, sign in parts if not code):
        msg = "has a digit or a control character of its own"
        raise FormatWrong(msg)
    if written != written.strip():
        msg = "begins or ends with a blank; blanks around a value are passed over"
        raise FormatWrong(msg)
    _require_a_day(set(codes), len(codes))
    if kind == "date" and set(codes) & _TIME:
        msg = "has a time of day, and a date has none: declare a timestamp"
        raise FormatWrong(msg)


def look(written: str) -> str:
    """The regular expression of what is written so, blanks around it allowed."""
    parts = _parts(written)
    expression = ""
    for position, (code, sign) in enumerate(parts):
        beside = [parts[at][0] for at in (position - 1, position + 1) if 0 <= at < len(parts)]
        # Which digit is whose could be read in two ways where nothing stands between two numbers.
        touches = any(each in _DIGITS for each in beside)
        pattern = _CODES[code] if code else re.escape(sign)
        expression += pattern.replace("{1,2}", "{2}") if touches else pattern
    return rf"\s*{expression}\s*"


def _require_a_day(codes: set[str], count: int) -> None:
    if len(codes) < count:
        msg = "has a code twice"
        raise FormatWrong(msg)
    if not codes >= {"m", "d"} or len(codes & {"Y", "y"}) != 1:
        msg = "must have a year (%Y or %y), %m and %d"
        raise FormatWrong(msg)
    if ("I" in codes) != ("p" in codes) or codes >= {"H", "I"}:
        msg = "must have the hour as %H, or as %I with %p"
        raise FormatWrong(msg)
    needs = {"M": codes & {"H", "I"}, "S": codes & {"M"}, "f": codes & {"S"}}
    if any(code in codes and not needed for code, needed in needs.items()):
        msg = "has a part of a time without the greater one"
        raise FormatWrong(msg)


def _parts(written: str) -> list[tuple[str, str]]:
    """The codes and the signs of a format in their order: (code, "") or ("", sign)."""
    if written.replace("%%", "").endswith("%"):
        msg = "ends in %"
        raise FormatWrong(msg)
    return [("", "%") if code == "%" else (code, sign) for code, sign in _PARTS.findall(written)]

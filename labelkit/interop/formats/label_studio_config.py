"""Label Studio's labelling interface: XML with the fields to show and the classes to choose."""

import re
from collections.abc import Mapping, Sequence

from labelkit.errors import LabelkitError
from labelkit.interop.task_types import Field

CONTROL, NOTE = "labelkit_label", "labelkit_note"
_MANY = 12  # with more classes than this, they are shown as a searchable list
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_ESCAPES |= {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def config(
    fields: Sequence[Field],
    classes: Sequence[str],
    descriptions: Mapping[str, str],
    guidelines: str = "",
) -> str:
    """Return an interface for choosing one class per row, with the guidelines at the top.

    Raises LabelkitError for a class with a character that XML does not allow.
    """
    lines = ["<View>"]
    for line in filter(str.strip, guidelines.splitlines()):
        lines.append(f"  <Header value={_quoted(_title(line.strip()))} size={_quoted('5')}/>")
    for field in fields:
        if len(fields) > 1:
            lines.append(f"  <Header value={_quoted(_title(field.title))} size={_quoted('6')}/>")
        # Without valueType some servers treat a text as a URL and fetch it.
        lines.append(f'  <Text name="{field.name}" value="${field.name}" valueType="text"/>')
    layout = 'layout="select"' if len(classes) > _MANY else 'showInLine="true"'
    to = fields[0].name
    lines.append(
        f'  <Choices name="{CONTROL}" toName="{to}" choice="single" required="true" {layout}>'
    )
    lines += [f"    <Choice {_choice(name, descriptions.get(name, ''))}/>" for name in classes]
    lines.append("  </Choices>")
    lines.append(
        f'  <TextArea name="{NOTE}" toName="{to}" placeholder="note" maxSubmissions="1" rows="1"/>'
    )
    return "\n".join([*lines, "</View>", ""])


def _choice(name: str, hint: str) -> str:
    bad = _NOT_XML.search(name)
    if bad:
        raise LabelkitError(
            f"the class {name!r} contains the character {bad[0]!r}, which is not allowed in Label "
            f"Studio's interface (XML); rename the class"
        )
    hint_attribute = f" hint={_quoted(_NOT_XML.sub('', hint))}" if hint else ""
    if name.startswith("$"):
        # A value that begins with $ refers to a field of the task; answers contain the alias.
        return f"value={_quoted(' ' + name)} alias={_quoted(name)}{hint_attribute}"
    return f"value={_quoted(name)}{hint_attribute}"


def _title(text: str) -> str:
    # Label Studio replaces `$name` in a title by that field of the task.
    return _NOT_XML.sub("", text).replace("$", "＄") or " "


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in text) + '"'

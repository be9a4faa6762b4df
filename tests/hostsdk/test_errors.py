"""An error is one line, in the form that other tools parse."""

import re

from hostsdk.errors import ErrorCode, ToolError

VENDOR_FORM = re.compile(
    r"error_code=(\d+);\s*error_message=(.*?);\s*error_component=(.*?);\s*line_no=(\d+);"
)


def test_it_has_the_vendors_form_whatever_the_message():
    error = ToolError(ErrorCode.SIZE_MISMATCH, "a; b\nc.", "Input List")
    match = VENDOR_FORM.fullmatch(error.line())
    assert match is not None
    assert match.groups()[:3] == ("203", "a, b c.", "Input List")

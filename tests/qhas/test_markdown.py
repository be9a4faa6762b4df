"""Outside text in Markdown is read back unchanged by a Markdown parser."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from qhas.markdown import as_code, as_text
from qhas.outside_text import shown
from tests.source import modules, name_of

HOSTILE = (
    "@octocat #12 [x](javascript:alert(1)) <img src=x onerror=1> | a\n::error::b\r\n`c` ![i](http://t/p.png)",
    "\n\n# heading",
    "    code",
    "- item",
    "1. item",
    "---",
    "===",
    "a\\|b | c",
    "_x_ __y__ ~~z~~ **w**",
    "[a]: http://b",
    "&lt;b&gt; &#64;octocat",
    "x\u2028::error::y",
    "``` \nfence",
    "<!-- a --> <b>",
    "$x$",
)
MARKUP = st.text(st.sampled_from("ab1 \\`*_[]()<>|~#@!&;:.=-+\n\t\u202e\u2028"), max_size=40)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def inline(markdown: str, where: str) -> list[Token]:
    """The tokens of the only text in a block of this kind."""
    tokens = PARSER.parse(markdown)
    (index,) = (number for number, token in enumerate(tokens) if token.type == where)
    return tokens[index + 1].children or []


def read_back(tokens: list[Token]) -> str:
    assert {token.type for token in tokens} <= {"text", "text_special"}
    return "".join(token.content for token in tokens).replace("\u200b", "")


@given(MARKUP | st.text(max_size=40))
@example(HOSTILE[0])
def test_whatever_the_text_it_is_one_paragraph_of_text(text: str) -> None:
    meant = " ".join(shown(text).split())
    if meant:
        assert read_back(inline(as_text(text), "paragraph_open")) == meant


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_place(text: str) -> None:
    meant = " ".join(shown(text).split())
    assert read_back(inline(f"# {as_text(text)}", "heading_open")) == meant
    assert read_back(inline(f"- {as_text(text)}", "paragraph_open")) == meant
    assert read_back(inline(f"| a |\n|---|\n| {as_text(text)} |", "td_open")) == meant


@pytest.mark.parametrize("text", HOSTILE)
def test_code_is_code_to_its_end(text: str) -> None:
    (code,) = inline(as_code(text), "paragraph_open")
    assert code.type == "code_inline"


@pytest.mark.parametrize("text", ["@octocat", "of @qualcomm/team", "#12", "owner/repo#12", "a@b.c"])
def test_nobody_is_called_and_no_issue_is_linked(text: str) -> None:
    for mark in "@#":
        assert not any(word[:1].isalnum() for word in as_text(text).split(mark)[1:])


@pytest.mark.parametrize(
    "text", ["net_1 on sm8750", "+25 % (100 µs → 125 µs)", "-3 %", "q::ConvLayer_s1.tcm", "größe 网络"]
)
def test_what_is_no_markup_stays_as_it_is(text: str) -> None:
    assert as_text(text) == text


def test_whoever_writes_markdown_escapes_in_the_same_way() -> None:
    writers = {
        name_of(path)
        for package in ("qhas", "tasks", "flows")
        for path in modules(package)
        if "|---" in (text := path.read_text(encoding="utf-8")) and "import as_" not in text
    }
    assert not writers

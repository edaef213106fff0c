"""The encoding that an error proposes for text that is not UTF-8."""

from typing import Any

import pytest

from labelkit.io.encodings import guess_encoding

TEXTS = {
    "cp1252": "ein schöner Film, très bien, ¿qué tal? El niño comió",
    "cp932": "これはとても良い映画です。もう一度見たいと思います",
    "euc_kr": "이 영화는 정말 재미있었습니다 다시 보고 싶어요",
    "cp1251": "Очень хороший фильм, хочу посмотреть его ещё раз",
    "gb18030": "这是一部很好的电影，我想再看一次",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_script_tells_the_encoding(encoding: str, write: Any, labelkit: Any) -> None:
    data = f"id,text\n1,plain\n2,{TEXTS[encoding]}\n".encode(encoding)
    assert guess_encoding(data) == encoding
    write("in.csv", data)
    done = labelkit("weak-label", "in.csv", "-o", "o.csv", "--keyword", "a=b", "--no-task")
    assert done.code == 1
    assert done.err.endswith(f" --no-task --encoding {encoding}\n")


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x80\x81\n\x82", b"a\xe9\xe8\n" * 3])
def test_any_bytes_have_a_guess(data: bytes) -> None:
    assert guess_encoding(data) == "cp1252"

"""Content of a chat message -> canonical parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate.canonical import Audio, Document, Image, Part, Refusal, Text
from auriga_router.translate.fields import Fields
from auriga_router.translate.media import is_data_url, split_data_url


def read_content(message: Fields) -> list[Part]:
    """``content``: a string, or a list of parts. Nothing said is no part."""
    content = message.raw("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content, message.at("content"))] if content else []
    if not isinstance(content, list):
        raise message.error("must be a string or a list of parts", "content")
    return list(_parts(message))


def read_texts(message: Fields) -> list[Text]:
    """``content`` of a message that can only hold words."""
    parts = read_content(message)
    for part in parts:
        if not isinstance(part, Text):
            raise message.error("only text parts are allowed here", "content")
    return [part for part in parts if isinstance(part, Text)]


def _parts(message: Fields) -> Iterator[Part]:
    for part in message.objects("content"):
        kind = part.need_text("type")
        if kind == "text":
            text = part.need_text("text")
            if text:
                yield Text(text, part.path)
        elif kind == "refusal":
            yield Refusal(part.need_text("refusal"), part.path)
        elif kind == "image_url":
            yield _image(part)
        elif kind == "input_audio":
            yield _audio(part)
        elif kind == "file":
            yield _file(part)
        else:
            raise part.error("is not a part that can be translated", "type")
        part.end()


def _image(part: Fields) -> Image:
    where = part.need_object("image_url")
    url = where.need_text("url")
    detail = where.word("detail", "auto", "low", "high", "original")
    where.end()
    detail = "" if detail in (None, "auto") else detail
    if is_data_url(url):
        media_type, data = split_data_url(url, where.at("url"))
        return Image(media_type, data, detail=detail or "", at=part.path)
    return Image(url=url, detail=detail or "", at=part.path)


def _audio(part: Fields) -> Audio:
    sound = part.need_object("input_audio")
    audio = Audio(sound.need_text("data"), sound.need_text("format"), part.path)
    sound.end()
    return audio


def _file(part: Fields) -> Document:
    file = part.need_object("file")
    if file.raw("file_id") is not None:
        raise file.error("files stored at a provider cannot be translated: send file_data", "file_id")
    media_type, data = split_data_url(file.need_text("file_data"), file.at("file_data"))
    document = Document(media_type, data, title=file.text("filename") or "", at=part.path)
    file.end()
    return document

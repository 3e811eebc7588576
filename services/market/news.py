"""News, with the marks of its pages taken out."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Final

from services.broker.library import Library, News
from services.broker.published import Article, Found

_SILENT: Final = frozenset({"script", "style", "template"})
_BREAKS: Final = frozenset({"p", "br", "li", "div", "tr", "h1", "h2", "h3", "h4"})


class NewsWire:
    """Articles about symbols. Every text in them is a stranger's."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def articles(self, wanted: News) -> Found[Article]:
        """Return articles, newest first, in plain text; raises as Library does."""
        named = tuple(symbol.replace("/", "") for symbol in wanted.symbols)  # BTCUSD, in news
        found = await self._library.news(replace(wanted, symbols=named))
        return replace(found, rows=tuple(_plain(article) for article in found.rows))


def _plain(article: Article) -> Article:
    return replace(
        article,
        headline=without_tags(article.headline),
        summary=without_tags(article.summary),
        content=without_tags(article.content),
    )


def without_tags(text: str) -> str:
    """Return the words of a piece of HTML, a line a paragraph, without scripts."""
    reader = _Words()
    reader.feed(text)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.words).split("\n"))
    return "\n".join(line for line in lines if line)


class _Words(HTMLParser):
    """Collects what a page shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

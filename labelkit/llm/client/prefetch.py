"""Answers that are had before the rows are labelled: several rows a request, or by a batch job."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from labelkit.data.duplicates import fold_text
from labelkit.llm.client.failure_limits import spread
from labelkit.llm.client.question import Question, Request
from labelkit.llm.client.scheduler import Asker
from labelkit.llm.prompts import multi_row as together
from labelkit.llm.prompts.chat import Task
from labelkit.llm.prompts.injection_filter import gives_orders


@dataclass
class Ahead:
    """How rows are asked: `single` gives a row's own request, by whose key its answer is kept."""

    asker: Asker
    single: Callable[[str], Request]
    task_for: Callable[[str], Task]
    size: int = 1
    rationale: bool = False
    stated: bool = False
    _first: Request = field(default_factory=dict)

    def left(self, texts: Sequence[str]) -> list[str]:
        """Return the texts that have no answer yet."""
        return [text for text in texts if not self._is_answered(text)]

    def keys_left(self, texts: Sequence[str]) -> list[str]:
        """Return the keys of the answers that are not there yet."""
        return [self._key(text) for text in self.left(texts)]

    def _is_answered(self, text: str) -> bool:
        request = self.single(text)
        return self.asker.cache.has(self.asker.key(request), request["max_tokens"])

    def _key(self, text: str) -> str:
        return self.asker.key(self.single(text))

    def questions(self, texts: Sequence[str]) -> Iterator[Question]:
        """Return what is asked about these texts, `size` of them in a request."""
        return map(self.question, self._grouped(texts))

    def _grouped(self, texts: Sequence[str]) -> list[Sequence[str]]:
        """Return the texts that go into one request; one that gives orders goes alone."""
        if self.size == 1:
            return [[text] for text in texts]
        orders = [gives_orders(text) for text in texts]
        plain_ones = [text for text, alone in zip(texts, orders, strict=True) if not alone]
        starts = range(0, len(plain_ones), self.size)
        return [
            *(plain_ones[start : start + self.size] for start in starts),
            *([text] for text, alone in zip(texts, orders, strict=True) if alone),
        ]

    def question(self, texts: Sequence[str]) -> Question:
        """Return the question about these texts in one request."""
        single = self._slim(self.single(texts[0]))
        if len(texts) == 1:
            return Question(single, self.asker.key(single), room=single["max_tokens"])
        own = {fold_text(text) for text in texts}
        task = self.task_for(texts[0])
        shown = tuple(example for example in task.examples if fold_text(example[0]) not in own)
        task = replace(task, examples=shown)
        request = together.request(task, texts, single, self.rationale, self.stated)
        keys = tuple(self._key(text) for text in texts)
        numbers = tuple(together.numbers_for(texts))
        return Question(request, self.asker.key(request), keys, numbers, single["max_tokens"])

    def _slim(self, request: Request) -> Request:
        """Return a request that shares with the first what is the same in all: many are held."""
        first = self._first = self._first or request
        messages = [
            known if known == message else message
            for known, message in zip(first["messages"], request["messages"], strict=False)
        ]
        messages += request["messages"][len(messages) :]
        schema = first["schema"] if first["schema"] == request["schema"] else request["schema"]
        return request | {"messages": messages, "schema": schema}

    async def together(self, texts: Sequence[str]) -> None:
        """Ask about `size` texts at a time; where an answer does not match them, about fewer."""
        groups = self._grouped(texts)
        await self.asker.each(groups, self._ask, rows=len, order=spread(len(groups)))

    async def _ask(self, texts: Sequence[str]) -> None:
        asked = self.question(texts)
        reply = await self.asker.put(asked)
        if reply.get("outdated"):
            return await self._ask_left(texts)
        if len(texts) == 1 or reply.get("gave_up") or self.asker.stopped is not None:
            return None
        if asked.matches(reply):
            return self.asker.pace.full_speed()
        self.asker.unmatched(asked, reply)
        middle = len(texts) // 2
        await self._ask_left(texts[:middle])
        await self._ask_left(texts[middle:])
        return None

    async def _ask_left(self, texts: Sequence[str]) -> None:
        """Ask about those of the texts that no other run has an answer for."""
        left = self.left(texts)
        if left and self.asker.stopped is None:
            await self._ask(left)

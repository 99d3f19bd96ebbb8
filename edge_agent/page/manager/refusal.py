"""What the door answers to whoever may not pass: an error's code, and a sentence in the reader's language."""

import msgspec
from aiohttp import web

from edge_agent.page.language import language_of
from edge_agent.page.parts import PARTS
from edge_agent.page.words import words


def refusal(request: web.Request, answer: type[web.HTTPError], error: str, **values: object) -> web.HTTPError:
    """Return an answer to raise: ``{"error": code, "sentence": words}``.

    The sentence is ``manager.refused.{error}`` of the texts; ``values`` fill it in, and stand beside it in the answer.
    """
    sentence = words(language_of(request, request.app[PARTS].sources)).say(f"manager.refused.{error}", **values)
    text = msgspec.json.encode({"error": error, "sentence": sentence, **values}).decode()
    return answer(text=text, content_type="application/json")

"""The tags one can lay on the simulated reader, as they are written in its control lines.

Each is a state machine without I/O: ``poll`` says how it is found, ``exchange`` takes a command's bytes and returns the
response's, or None for silence, and ``power_off`` is the loss of the field.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from edge_agent.simulator.tags import ndef as tags_ndef
from edge_agent.simulator.tags import sdm as tags_sdm
from edge_agent.simulator.tags.apdu import Applications, Ndef
from edge_agent.simulator.tags.felica import Felica
from edge_agent.simulator.tags.type2 import Classic, Ntag213
from edge_agent.simulator.tags.type4 import PHONE_ATS, Type4, random_uid

Tag = Ntag213 | Classic | Felica | Type4
Tell = Callable[[dict[str, object]], None]


class Content(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a tag carries: a URI or a text or raw ``octets`` in hexadecimal; ``ndef`` false: no NDEF at all.

    None of them: an empty message. ``claims`` and ``endless``: see the tags.
    """

    uri: str | None = None
    text: str | None = None
    octets: str | None = None
    ndef: bool = True
    claims: int | None = None
    endless: bool = False

    def message(self) -> bytes | None:
        """Return the NDEF message; None: there shall be none. Raises ValueError."""
        if not self.ndef:
            return None
        if self.uri is not None:
            return tags_ndef.uri(self.uri)
        if self.text is not None:
            return tags_ndef.text(self.text)
        return bytes.fromhex(self.octets or "")


class Ntag213Spec(Content, tag="ntag213", tag_field="kind"):
    """An NTAG213; ``uid``: 7 bytes in hexadecimal."""

    uid: str


class FelicaSpec(Content, tag="felica", tag_field="kind"):
    """A FeliCa card; ``idm``: 8 bytes in hexadecimal."""

    idm: str


class Type4Spec(Content, tag="type4", tag_field="kind"):
    """A Type 4 tag with a message that stays the same."""

    uid: str


class PhoneSpec(Content, tag="phone", tag_field="kind"):
    """A phone: ``answers`` from AID to token in hexadecimal; NDEF only if it is given some.

    Its UID is random: another whenever the field was off, as it is before each of nfcpy's ``sense``; ``steady``: one a
    tap, as some phones have it. ``wtx``: so often it asks for more time before each answer.
    """

    sak: Literal["20", "60"] = "20"
    answers: dict[str, str] = {}
    steady: bool = False
    wtx: int = 0


class SdmSpec(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="sdm", tag_field="kind"):
    """An NTAG 424 DNA; ``url`` with the placeholders of ``sdm.url``, by default ``?e={picc}&c={cmac}`` behind it.

    ``counter``: its reads so far; by default it goes on where this UID was last.
    """

    uid: str
    meta: str
    file: str
    url: str
    data: str = ""
    counter: int | None = None


class ClassicSpec(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="classic", tag_field="kind"):
    """A MIFARE Classic 1K; ``uid``: 4 bytes in hexadecimal."""

    uid: str


Spec = Ntag213Spec | FelicaSpec | Type4Spec | PhoneSpec | SdmSpec | ClassicSpec


class Drawer:
    """Makes tags of what is asked for, and remembers the counters of those it made."""

    def __init__(self, tell: Tell) -> None:
        """``tell`` is called with ``{"sdm": {"uid", "counter", "url"}}`` for each URL a tag computes."""
        self._tell = tell
        self._counters: dict[bytes, int] = {}

    def make(self, spec: Spec) -> Tag:
        """Return the tag. Raises ValueError for what no such tag can be."""
        match spec:
            case Ntag213Spec():
                return Ntag213(_hex(spec.uid), spec.message(), claims=spec.claims, endless=spec.endless)
            case FelicaSpec():
                return Felica(_hex(spec.idm), spec.message(), claims=spec.claims, endless=spec.endless)
            case ClassicSpec():
                return Classic(_hex(spec.uid))
            case Type4Spec():
                uid = _hex(spec.uid)
                return Type4("type4", lambda: uid, Applications(_ndef(spec), {}))
            case PhoneSpec():
                return _phone(spec)
            case SdmSpec():
                return self._sdm(spec)

    def _sdm(self, spec: SdmSpec) -> Type4:
        uid, meta, file, data = _hex(spec.uid), _hex(spec.meta), _hex(spec.file), _hex(spec.data)
        if len(uid) != 7 or len(meta) != 16 or len(file) != 16 or len(data) % 16:
            raise ValueError("an NTAG 424 DNA has a UID of 7 bytes, keys of 16, and data in blocks of 16")
        template = spec.url if tags_sdm.MAC in spec.url else spec.url + "?e={picc}&c={cmac}"
        if spec.counter is not None:
            self._counters[uid] = spec.counter

        def message() -> bytes:
            counter = self._counters[uid] = self._counters.get(uid, 0) + 1
            url = tags_sdm.url(template, uid, counter, meta, file, data=data)
            self._tell({"sdm": {"uid": uid.hex().upper(), "counter": counter, "url": url}})
            return tags_ndef.uri(url)

        return Type4("sdm", lambda: uid, Applications(Ndef(message), {}))


def _phone(spec: PhoneSpec) -> Type4:
    answers: Mapping[bytes, bytes] = {_hex(aid): _hex(token) for aid, token in spec.answers.items()}
    given = (spec.uri, spec.text, spec.octets) != (None, None, None)
    applications = Applications(_ndef(spec) if given else None, answers)
    drawn = random_uid()
    uid = (lambda: drawn) if spec.steady else random_uid
    return Type4("phone", uid, applications, sak=int(spec.sak, 16), ats=PHONE_ATS, wtx=spec.wtx)


def _ndef(spec: Type4Spec | PhoneSpec) -> Ndef | None:
    message = spec.message()
    return None if message is None else Ndef(lambda: message, spec.claims, spec.endless)


def _hex(digits: str) -> bytes:
    return bytes.fromhex(digits)

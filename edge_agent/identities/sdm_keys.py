"""The keys of the shop's NTAG 424 DNA tags. Apart from what verifies with them: a shop without tags loads no cipher."""

from dataclasses import dataclass, field

from pydantic import Field

from edge_agent.fields import Settings
from edge_agent.identities.keys_file import AesKey, load


@dataclass(frozen=True, slots=True)
class SdmKeys:
    """AES-128 keys: SDMMetaReadKey (``meta``) and SDMFileReadKey (``file``) of all the shop's tags."""

    meta: bytes = field(repr=False)
    file: bytes = field(repr=False)


class _KeysFile(Settings):
    meta: AesKey = Field(repr=False)
    file: AesKey = Field(repr=False)


def sdm_keys(text: str) -> SdmKeys:
    """Parse a keys file. Raises ValueError with one line that names every key at fault and no value."""
    keys = load(text, _KeysFile)
    return SdmKeys(keys.meta, keys.file)

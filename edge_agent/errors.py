"""The errors the agent raises on purpose, by whose fault it is.

Each message says what is wrong and what to do, in one line that an installer can act on.
"""


class AgentError(Exception):
    """Root of the agent's own errors; anything else that escapes is a defect."""


class ConfigError(AgentError):
    """The configuration cannot be used. Exit status 2."""


class StorageError(AgentError):
    """The state directory or the database cannot be used. Exit status 3."""


class LinkError(AgentError):
    """The MQTT connection was refused, lost or timed out; the supervisor of the link tries again.

    ``reason`` is a stable code for health and logs (``refused``, ``timeout``, ``not_authorized`` …).
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DeviceError(AgentError):
    """A device cannot be opened or has gone; its supervisor tries again.

    ``reason`` is a stable code for health and events (``missing``, ``busy``, ``unplugged``, ``refused`` …).
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def cause_of(error: BaseException) -> BaseException:
    """Return the error at the bottom of nested task groups: one part's failure is what ended them all."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

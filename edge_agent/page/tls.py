"""The page over https: its certificate and key, taken anew when their files are renewed."""

import ssl
from pathlib import Path

import structlog

from edge_agent.config.agent import PageSettings

log = structlog.get_logger()

_Files = tuple[Path, Path]
_Written = tuple[int, ...]  # when, of each file


def context_of(settings: PageSettings) -> ssl.SSLContext | None:
    """Return what https needs, None where plain http is configured. Raises OSError: the files cannot be used.

    The context that is returned answers with the files as they are when a client connects: a company's CA renews them
    while the agent runs. Renewed ones that cannot be used are told once in the log, and the earlier ones go on.
    """
    if settings.certificate is None or settings.key is None:
        return None
    return _Renewing((settings.certificate, settings.key)).first


class _Renewing:
    def __init__(self, files: _Files) -> None:
        self._files = files
        self._seen = _written(files)
        self.first = self._newest = _load(files)
        # Called for each client, also for those who ask for an IP address and therefore send no name.
        self.first.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        try:
            if (written := _written(self._files)) != self._seen:
                self._seen = written
                self._newest = _load(self._files)
                log.info("page_certificate_renewed", path=str(self._files[0]))
        except OSError as error:
            log.warning("page_certificate_unusable", path=str(self._files[0]), reason=reason_of(error))
        connection.context = self._newest


def _load(files: _Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*files, password=lambda: "")  # without it an encrypted key asks the terminal, for ever
    return context


def _written(files: _Files) -> _Written:
    return tuple(path.stat().st_mtime_ns for path in files)


def reason_of(error: OSError) -> str:
    """Return in a few words why the files cannot be used."""
    known = {"KEY_VALUES_MISMATCH": "the key does not belong to the certificate"}
    if isinstance(error, ssl.SSLError):
        return known.get(error.reason or "", error.reason or "not a certificate and key in PEM, the key unencrypted")
    return error.strerror or str(error)

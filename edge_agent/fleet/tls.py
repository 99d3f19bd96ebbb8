"""The TLS that an operator's terminal speaks to the broker."""

import ssl

from edge_agent.fleet.errors import FleetError
from edge_agent.fleet.settings import FleetSettings


class _Socket(ssl.SSLSocket):
    """Closes when the handshake fails: paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def context_of(settings: FleetSettings) -> ssl.SSLContext:
    """Return what a connection is secured with. Raises FleetError naming the files."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.sslsocket_class = _Socket
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.client_certificate is not None:
            # An encrypted key would ask the terminal for its password: an empty one makes it an error instead.
            context.load_cert_chain(settings.client_certificate, settings.client_key, password="")
    except (OSError, ValueError) as error:
        named = (settings.ca_file, settings.client_certificate, settings.client_key)
        raise FleetError(f"{', '.join(str(file) for file in named if file)}: {error}") from None
    return context

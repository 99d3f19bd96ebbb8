"""The MQTT connection: the only package that imports paho."""

from edge_agent.uplink.link import Link, Message, probe
from edge_agent.uplink.settings import TlsSettings, UplinkSettings
from edge_agent.uplink.uplink import Uplink

__all__ = ["Link", "Message", "TlsSettings", "Uplink", "UplinkSettings", "probe"]

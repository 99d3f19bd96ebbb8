"""A Bluetooth adapter that listens, by bleak on BlueZ."""

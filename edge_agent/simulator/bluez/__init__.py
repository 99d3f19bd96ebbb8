"""A simulated BlueZ: org.bluez on a private D-Bus, with radios, beacons and faults on command."""

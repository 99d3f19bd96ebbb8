"""Driving a line display: the agent's own words between those of the register. Pure: no port, no loop, no clock.

The relay owns the ports (it stands between register and display) and asks the arbiter what to write.
"""

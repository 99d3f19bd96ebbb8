"""What the shop knows: observations become events. Pure: no clock, no loop, no I/O."""

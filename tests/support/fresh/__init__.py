"""Slips written by another hand than the templates', each with the order a person reads from it."""

"""Meters on Modbus, by TCP or by a serial line, whose registers a map in YAML names.

| module | what is in it |
| --- | --- |
| `registermap` | which registers mean what, and how a value is made of them |
| `device` | reads registers, and begins anew when the line was cut |
| `meter` | the meter made of both |
| `maps/` | maps that come with the package |
"""

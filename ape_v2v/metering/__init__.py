"""Energy meters: what a charging session needs of one, and kinds of them.

| module | what is in it |
| --- | --- |
| `meter` | the ports: `Meter`, `EnergySource`, and a `Reading` |
| `named`, `equipment` | meters and sources by name, and what one side charges with |
| `records` | where the records of a meter come from |
| `signed` | records that a meter has signed: what they say, and whose they are |
| `csvmeter` | what a logger or a spreadsheet writes |
| `modbus` | meters on Modbus, by a map of their registers |
| `ocpp` | chargers that connect here: their registers, and their contactors |
| `simulated`, `cable`, `curve` | both sides' meters on one simulated cable |
"""

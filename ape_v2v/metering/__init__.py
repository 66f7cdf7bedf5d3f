"""Energy meters: what a charging session needs of one, and kinds of them.

| module | what is in it |
| --- | --- |
| `meter` | the ports: `Meter`, `EnergySource`, and a `Reading` |
| `named`, `equipment` | meters and sources by name, and what one side charges with |
| `ocmf`, `payloads` | a meter that signs, and what its records say |
| `records`, `signatures`, `keys` | where they come from, and who has signed them |
| `envelopes` | OCMF records in SAFE XML and in OCPP's messages |
| `csvmeter` | what a logger or a spreadsheet writes |
| `modbus` | meters on Modbus, by a map of their registers |
| `ocpp` | chargers that connect here: their registers, and their contactors |
| `simulated`, `cable`, `curve` | both sides' meters on one simulated cable |
"""

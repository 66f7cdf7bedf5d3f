"""Records that a meter has signed.

| module | what is in it |
| --- | --- |
| `ocmf`, `payloads` | a meter that signs, and what its records say |
| `signatures`, `keys` | who has signed them |
| `envelopes` | OCMF records in SAFE XML and in OCPP's messages |
"""

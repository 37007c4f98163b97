"""How long the tests under load run: short with every `make test`, and with PENSTOCK_MEASURES=full as the measures say
(2,000 statements between flips of each second, twenty kills), minutes each."""

import os

FULL = os.environ.get("PENSTOCK_MEASURES") == "full"

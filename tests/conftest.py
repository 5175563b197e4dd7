"""What all tests share: random cases are the same in every run, so that a run says what the change did.

``HYPOTHESIS_PROFILE=explore make test`` draws new ones; ``make soak`` does.
"""

import os

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

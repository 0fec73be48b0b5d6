"""Starts the stand-in. Run by the Python that has LocalStack (`scripts/e2e_support/cloud.py` does).

    run.py PORT RIE

RIE is the file of AWS's Runtime Interface Emulator. LocalStack is used as it is, but for what it leaves out and for what a test of lost logs
rests on; each of those changes, in functions.py, services.py and stacks.py, says what AWS does.
"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

port, rie = int(sys.argv[1]), Path(sys.argv[2])
# LocalStack reads these where it is imported.
os.environ.update(
    GATEWAY_LISTEN=f"127.0.0.1:{port}",
    # Nothing is asked of the internet, and nothing is told to it.
    SKIP_SSL_CERT_DOWNLOAD="1", DISABLE_EVENTS="1", DNS_ADDRESS="0",
    LAMBDA_IGNORE_ARCHITECTURE="1",
)

# In this order: functions.py gives LocalStack's Lambda its executor before anything else of it has looked for one.
from e2e_support.stand_in import functions
from e2e_support.stand_in import services, stacks

functions.put_in_place(rie)
services.put_in_place()
stacks.put_in_place()

from localstack.runtime.main import main

main()

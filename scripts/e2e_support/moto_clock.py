"""moto_server, whose SQS has a clock that can be put forward: the file named first holds by how many seconds.

So what a queue holds back for an hour is handed out without anybody's waiting for an hour.
"""

import sys
from pathlib import Path

from moto.server import main
from moto.sqs import models as sqs

ahead = Path(sys.argv.pop(1))


def put_forward(clock, units_in_a_second):
    return lambda *arguments: clock(*arguments) + float(ahead.read_text() or 0) * units_in_a_second


sqs.unix_time = put_forward(sqs.unix_time, 1)
sqs.unix_time_millis = put_forward(sqs.unix_time_millis, 1000)
main()

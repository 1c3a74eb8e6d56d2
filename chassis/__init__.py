"""What every service stands on. Knows no noun of the product."""

import os

# Between fork and exec, gRPC's handlers start threads in the child, which crash it now and then: programs that we
# start would be dead before they began. gRPC reads this when its first channel or server is made.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # noqa: TID251  # gRPC has no other switch
# gRPC's event engine reads sockets in a thread of its own, which wakes the thread that wakes the event loop; without
# it one thread less has to wake up for each message. gRPC reads this when it is imported.
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_client,-event_engine_listener")  # noqa: TID251  # as above

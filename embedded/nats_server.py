"""`python -m embedded.nats_server`: one NATS with JetStream in the foreground, for a container.

Its settings are `NatsServerSettings`: DATA_DIRECTORY and PASSWORDS_DIRECTORY must be set.
"""

import tempfile
from pathlib import Path

from chassis import settings
from embedded import foreground, lock
from embedded.nats import Nats
from embedded.server_settings import NatsServerSettings


async def serve(given: NatsServerSettings) -> int:
    """Serve until cancelled, then stop in order. Return 1 when the server has ended by itself.

    Raises:
        StartFailed: it cannot start, or another one uses the data directory.
    """
    data = given.data_directory / "nats"
    host, _, port = given.listen.rpartition(":")
    with lock.alone(data), tempfile.TemporaryDirectory(prefix="stateroom-") as runtime:
        server = Nats(
            data,
            Path(runtime),
            passwords=given.passwords,
            host=host,
            port=int(port),
            monitor=given.monitor_listen,
            logs_to_file=False,
        )
        try:
            await server.start()
            return await foreground.ended(server)
        finally:
            await server.stop(given.stop_grace_seconds)


if __name__ == "__main__":
    foreground.run(serve(settings.load(NatsServerSettings)))

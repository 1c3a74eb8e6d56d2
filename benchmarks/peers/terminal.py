"""terminado, which Jupyter uses: a terminal over a WebSocket in one process, without log, accounts or restarts."""

import sys

from terminado.management import UniqueTermManager
from terminado.websocket import TermSocket
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application


def main() -> None:
    """Serve the program given as arguments at /terminal."""
    manager = UniqueTermManager(shell_command=sys.argv[1:])
    application = Application([(r"/(terminal)", TermSocket, {"term_manager": manager})])
    sockets = bind_sockets(0, "127.0.0.1")
    HTTPServer(application).add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    IOLoop.current().start()


if __name__ == "__main__":
    main()

"""Twisted's TCP transport, HTTP channel and asyncio reactor."""

import daphne.server  # noqa: F401  # isort:skip  # installs the asyncio reactor

from twisted import logger
from twisted.internet import reactor, tcp
from twisted.web import http

from .expectations import attributes, callables, check

TRANSPORT, HTTP, SERVER = (f"servers/daphne/{name}.py" for name in ("transport", "http", "server"))


def test_the_transport() -> None:
    expected = callables(
        tcp.Server,
        __init__="self, sock, protocol, client, server, sessionno, reactor",
        connectionLost="self, reason",
        doRead="self",
        doWrite="self",
        startWriting="self",
        stopWriting="self",
        write="self, bytes",
        writeSomeData="self, data",
        loseConnection="self",
        loseWriteConnection="self",
        abortConnection="self",
        pauseProducing="self",
        resumeProducing="self",
        unregisterProducer="self",
    )
    check("twisted", expected, used_in=TRANSPORT)


def test_the_buffers_of_the_transport() -> None:
    names = "bufferSize dataBuffer offset _tempDataBuffer _tempDataLen connected server socket"
    check("twisted", attributes(tcp.Server, names), used_in=TRANSPORT)


def test_a_port_makes_transports_of_our_class() -> None:
    check("twisted", attributes(tcp.Port, "transport factory"), used_in=SERVER)


def test_the_http_channel() -> None:
    expected = [
        *callables(
            http.HTTPChannel,
            connectionMade="self",
            connectionLost="self, reason",
            dataReceived="self, data",
            allHeadersReceived="self",
            requestDone="self, request",
            loseConnection="self",
            _respondToBadRequestAndDisconnect="self",
        ),
        *attributes(http.HTTPChannel, "abortTimeout requests _buffer length requestFactory"),
        *attributes(http.Request, "content requestHeaders finished channel transport"),
        *attributes(http.HTTPFactory, "timeOut"),
    ]
    check("twisted", expected, used_in=HTTP)


def test_the_asyncio_reactor() -> None:
    expected = [
        *callables(
            type(reactor),
            adoptStreamPort="self, fileDescriptor, addressFamily, factory",
            run="self, installSignalHandlers=True",
            stop="self",
        ),
        *attributes(reactor, "_asyncioEventloop seconds"),
    ]
    check("twisted", expected, used_in=SERVER)


def test_the_names_for_logging() -> None:
    names = "FilteringLogObserver LogLevel LogLevelFilterPredicate STDLibLogObserver"
    expected = [
        *attributes(logger, names),
        *callables(
            type(logger.globalLogBeginner),
            beginLoggingTo="self, observers, discardBuffer=False, redirectStandardIO=True",
        ),
    ]
    check("twisted", expected, used_in=SERVER)

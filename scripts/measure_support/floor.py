"""The floor: what no forwarder can do without, done by the C libraries and by nothing else.

Base64 and inflate of the event, by zlib; compression of what is sent, by zstd at level 3. The buffers are made and touched before, so not
even the memory counts. What is counted is the time of this thread on a processor.
"""

import binascii
import ctypes
import ctypes.util
import time

LEVEL = 3
# zlib.h: the window of a gzip member, and what `inflate` returns at its end.
GZIP_WINDOW = 16 + 15
Z_FINISH, Z_STREAM_END = 4, 1
# zstd.h
COMPRESSION_LEVEL = 100


class Stream(ctypes.Structure):
    """z_stream of zlib.h."""

    _fields_ = [
        ("next_in", ctypes.c_char_p), ("avail_in", ctypes.c_uint), ("total_in", ctypes.c_ulong),
        ("next_out", ctypes.c_void_p), ("avail_out", ctypes.c_uint), ("total_out", ctypes.c_ulong),
        ("msg", ctypes.c_char_p), ("state", ctypes.c_void_p), ("zalloc", ctypes.c_void_p), ("zfree", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p), ("data_type", ctypes.c_int), ("adler", ctypes.c_ulong), ("reserved", ctypes.c_ulong),
    ]


def library(name):
    path = ctypes.util.find_library(name)
    if not path:
        raise SystemExit(f"scripts/measure: lib{name} is not on this machine; it is zlib1g or libzstd1 in Debian")
    return ctypes.CDLL(path)


class Floor:
    def __init__(self):
        self.zlib, self.zstd = library("z"), library("zstd")
        self.zlib.zlibVersion.restype = ctypes.c_char_p
        self.zstd.ZSTD_versionString.restype = ctypes.c_char_p
        for function, result, arguments in [
            ("ZSTD_compressBound", ctypes.c_size_t, [ctypes.c_size_t]),
            ("ZSTD_createCCtx", ctypes.c_void_p, []),
            ("ZSTD_CCtx_setParameter", ctypes.c_size_t, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
            ("ZSTD_compress2", ctypes.c_size_t, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]),
            ("ZSTD_getFrameContentSize", ctypes.c_ulonglong, [ctypes.c_char_p, ctypes.c_size_t]),
            ("ZSTD_decompress", ctypes.c_size_t, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]),
            ("ZSTD_isError", ctypes.c_uint, [ctypes.c_size_t]),
        ]:
            getattr(self.zstd, function).restype = result
            getattr(self.zstd, function).argtypes = arguments
        self.context = self.zstd.ZSTD_createCCtx()
        self.zstd.ZSTD_CCtx_setParameter(self.context, COMPRESSION_LEVEL, LEVEL)

    def versions(self):
        return f"zlib {self.zlib.zlibVersion().decode()}, zstd {self.zstd.ZSTD_versionString().decode()}"

    def decompressed(self, body):
        """A payload that was compressed by zstd with its size at its head, as all are here."""
        size = self.zstd.ZSTD_getFrameContentSize(body, len(body))
        if size >= 1 << 40:
            raise ValueError("a payload whose size zstd does not know")
        out = ctypes.create_string_buffer(max(size, 1))
        written = self.zstd.ZSTD_decompress(out, size, body, len(body))
        if self.zstd.ZSTD_isError(written):
            raise ValueError("a payload that zstd cannot read")
        return out.raw[:written]

    def compressed(self, plain):
        bound = self.zstd.ZSTD_compressBound(len(plain))
        out = ctypes.create_string_buffer(bound)
        written = self.zstd.ZSTD_compress2(self.context, out, bound, plain, len(plain))
        return out.raw[:written]

    def prepared(self, data, inflated_length, payloads):
        """A function that does the work of this event once, and returns the seconds that it took on a processor."""
        inflated = ctypes.create_string_buffer(inflated_length + 1)
        bound = max(self.zstd.ZSTD_compressBound(len(payload)) for payload in [*payloads, b""])
        compressed = ctypes.create_string_buffer(bound)

        def once():
            start = time.thread_time()
            packed = binascii.a2b_base64(data)
            stream = Stream(next_in=packed, avail_in=len(packed), next_out=ctypes.addressof(inflated), avail_out=inflated_length + 1)
            self.zlib.inflateInit2_(ctypes.byref(stream), GZIP_WINDOW, self.zlib.zlibVersion(), ctypes.sizeof(stream))
            end = self.zlib.inflate(ctypes.byref(stream), Z_FINISH)
            self.zlib.inflateEnd(ctypes.byref(stream))
            written = [self.zstd.ZSTD_compress2(self.context, compressed, bound, payload, len(payload)) for payload in payloads]
            spent = time.thread_time() - start
            if any(self.zstd.ZSTD_isError(length) for length in written):
                raise ValueError("zstd did not compress a payload")
            if end != Z_STREAM_END or stream.total_out != inflated_length:
                raise ValueError("zlib did not inflate the whole event")
            return spent

        return once

"""Archives whose bytes depend on nothing but what is in them."""

import gzip
import io
import tarfile
import zipfile

# zip knows no earlier time. Not the commit's: the same program gives the same zip, so that an update of the stack uploads nothing.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
BEST = 9


def zip_of(files):
    """A zip of files: name to (bytes, whether it is a program)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, (data, is_program) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            # Whatever system this is: the modes below are Unix's.
            entry.create_system = 3
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, BEST)
    return out.getvalue()


def tar_gz_of(files, seconds):
    """A tar.gz of files: name to (bytes, whether it is a program); all of one time, and of nobody."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (data, is_program) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), seconds, 0o755 if is_program else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(tar.getvalue(), BEST, mtime=0)

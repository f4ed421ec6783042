"""A file system that shows a folder, and never answers what is asked below one path of it.

silent_fuse.py FOLDER MOUNTPOINT SILENT -- COMMAND…
Speaks the kernel's protocol (include/uapi/linux/fuse.h) on /dev/fuse, reads only, mounts with mount(2), runs the command,
ends with its exit code. SILENT is a path below FOLDER; "." answers nothing but the first greeting. What waits for an answer
is let go when this ends. To be run in a mount namespace of its own.
"""

import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import threading

folder, point, silent, _, *command = sys.argv[1:]
folder = os.path.realpath(folder)
silent = os.path.normpath(os.path.join(folder, silent))
LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS = 1, 2, 3, 5, 14, 15, 17
RELEASE, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 18, 26, 27, 28, 29, 36, 42

fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
libc = ctypes.CDLL(None, use_errno=True)
MS_NOSUID, MS_NODEV = 2, 4
if libc.mount(b"silent", point.encode(), b"fuse", MS_NOSUID | MS_NODEV, options.encode()) != 0:
    print("cannot mount:", os.strerror(ctypes.get_errno()), file=sys.stderr)
    sys.exit(99)

paths = {1: folder}
numbers = {folder: 1}


def number(path):
    if path not in numbers:
        numbers[path] = len(numbers) + 1
        paths[numbers[path]] = path
    return numbers[path]


def attr(path):
    s = os.lstat(path)
    times = int(s.st_mtime)
    return struct.pack(
        "<6Q10I", number(path), s.st_size, s.st_blocks, times, times, times,
        0, 0, 0, s.st_mode, s.st_nlink, s.st_uid, s.st_gid, 0, 4096, 0,
    )


def entries(path, offset, room):
    out = b""
    for at, name in enumerate(sorted(os.listdir(path))):
        raw = os.fsencode(name)
        kind = stat.S_IFMT(os.lstat(os.path.join(path, name)).st_mode) >> 12
        one = struct.pack("<QQII", at + 2, at + 1, len(raw), kind) + raw
        one += b"\0" * (-len(one) % 8)
        if at >= offset:
            if len(out) + len(one) > room:
                break
            out += one
    return out


def answer(code, node, body):
    path = paths[node]
    if code == LOOKUP:
        path = os.path.join(path, os.fsdecode(body.rstrip(b"\0")))
        if path == silent or path.startswith(silent + "/"):
            return None
        about = attr(path)
        return struct.pack("<QQQQII", number(path), 0, 0, 0, 0, 0) + about
    if silent == folder or path == silent or path.startswith(silent + "/"):
        return None
    if code == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attr(path)
    if code == READLINK:
        return os.fsencode(os.readlink(path))
    if code in (OPEN, OPENDIR):
        return struct.pack("<QII", 0, 0, 0)
    if code == READDIR:
        _, offset, room = struct.unpack_from("<QQI", body)
        return entries(path, offset, room)
    if code == READ:
        _, offset, room = struct.unpack_from("<QQI", body)
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(room)
    if code in (RELEASE, RELEASEDIR):
        return b""
    if code == STATFS:
        return struct.pack("<5Q4I6I", *[0] * 5, 4096, 255, 4096, 0, *[0] * 6)
    raise OSError(errno.ENOSYS, "")


def serve():
    while True:
        try:
            asked = os.read(fuse, 1 << 20)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                continue
            return
        _, code, unique, node = struct.unpack_from("<IIQQ", asked)
        if code in (FORGET, BATCH_FORGET, INTERRUPT):
            continue
        failed, out = 0, b""
        if code == INIT:
            out = struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 12, 9, 1 << 16, 1, 0, 0, 0, *[0] * 7)
        else:
            try:
                out = answer(code, node, asked[40:])
            except OSError as error:
                failed = error.errno
        if out is not None:
            os.write(fuse, struct.pack("<IiQ", 16 + len(out), -failed, unique) + out)


threading.Thread(target=serve, daemon=True).start()
ended = subprocess.run(command).returncode
# What the command has left behind still waits: it is told from what has ended by its state.
sys.stdout.flush()
os._exit(ended)

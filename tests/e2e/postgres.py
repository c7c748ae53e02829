"""postgres.py - a private PostgreSQL server: scratch folder, Unix socket only, an unprivileged user, durable settings.

SPDX-License-Identifier: Apache-2.0"""
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path


class Postgres:
    def __init__(self):
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        assert binaries, "PostgreSQL is not installed"
        self.bin = binaries[-1]
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-pg-"))
        self.folder.chmod(0o755)
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        data, self.socket = self.folder / "data", self.folder / "socket"
        for folder in (data, self.socket):
            folder.mkdir()
            if os.getuid() == 0:
                shutil.chown(folder, self.user)
        self.socket.chmod(0o755)
        self.run("initdb", "-D", data, "-U", "posthorn", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.data, self.count = data, 0
        self.start()

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", "-o", f"-c listen_addresses='' -k {self.socket}", "start")

    def crash(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def run(self, program, *arguments):
        command = [str(self.bin / program), *map(str, arguments)]
        if os.getuid() == 0:
            command = ["runuser", "-u", self.user, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")

    def fresh(self):
        """URL of a new, empty database."""
        self.count += 1
        name = f"posthorn{self.count}"
        self.run("createdb", "-h", self.socket, "-U", "posthorn", name)
        return f"postgresql://posthorn@/{name}?host={self.socket}"

    def close(self):
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

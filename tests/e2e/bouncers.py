"""bouncers.py - Postfix and Exim as a recipient's first server: they take everything, learn later that the next one refuses it, and write a
bounce of their own. Unpacked and never installed (relays.py).

SPDX-License-Identifier: Apache-2.0"""
from relays import peers, postfix, tools


class Postfix(postfix.Postfix):
    """What is for our return path's host goes to `home`, all else to `next_hop`."""

    def __init__(self, next_hop, home, host):
        super().__init__(tools("postfix"), next_hop=next_hop)
        self.home, self.host = home, host

    def configure(self):
        super().configure()
        with open(self.folder / "config/main.cf", "a") as main:
            main.write(f"transport_maps = inline:{{ {{ {self.host} = smtp:[127.0.0.1]:{self.home} }} }}\n")

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")


EXIM = """primary_hostname = mx.example.org
exim_path = /peer/usr/sbin/exim4
log_file_path = /var/log/exim4/%slog
local_interfaces = 127.0.0.1
disable_ipv6
host_lookup =
daemon_smtp_ports = {port}
tls_advertise_hosts =
keep_environment =
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin acl
accept:
  accept
begin routers
home:
  driver = manualroute
  domains = {host}
  transport = home
  route_list = * 127.0.0.1
  self = send
others:
  driver = manualroute
  transport = others
  route_list = * 127.0.0.1
  self = send
begin transports
home:
  driver = smtp
  port = {home}
others:
  driver = smtp
  port = {next_hop}
begin retry
* * F,1h,1h
"""


class Exim(peers.Exim):
    def __init__(self, next_hop, home, host):
        super().__init__(tools("exim"))
        self.next_hop, self.home, self.host = next_hop, home, host

    def config(self):
        self.write("etc/exim4/exim4.conf", EXIM.format(port=self.port, next_hop=self.next_hop, home=self.home, host=self.host))

    def log_text(self):
        return (self.jail / "var/log/exim4/mainlog").read_text(errors="replace")

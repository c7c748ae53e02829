"""policy_server.py - HTTPS servers of MTA-STS policies: one port, a certificate and an answer for each name.

SPDX-License-Identifier: Apache-2.0"""
import http.server
import ssl
import threading
import time


class PolicyServer:
    """policies: {domain: text, or (status, text), or "big", "slow", "redirect"}; certificates: {domain: Pair}, read at each handshake."""

    def __init__(self, default_certificate):
        self.policies, self.contexts, self.asked = {}, {}, []
        policy_server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                domain = self.headers["Host"].partition(":")[0].removeprefix("mta-sts.")
                policy_server.asked.append(domain)
                policy = policy_server.policies.get(domain, (404, "none here"))
                if self.path != "/.well-known/mta-sts.txt":
                    policy = (404, "elsewhere")
                if policy == "slow":
                    time.sleep(300)
                if policy == "redirect":
                    self.send_response(301)
                    self.send_header("Location", f"https://mta-sts.{domain}/other")
                    return self.end_headers()
                status, text = policy if isinstance(policy, tuple) else (200, policy)
                body = b"version: STSv1\n" * 700_000 if policy == "big" else text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *arguments):
                pass

        def choose(connection, name, _):
            if name and name.removeprefix("mta-sts.") in policy_server.contexts:
                connection.context = policy_server.contexts[name.removeprefix("mta-sts.")]

        context = self.context(default_certificate)
        context.sni_callback = choose
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def context(pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, pair))
        return context

    def publish(self, domain, policy, certificate):
        self.policies[domain] = policy
        self.contexts[domain] = self.context(certificate)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def policy(mode, *mx, max_age=86400):
    return f"version: STSv1\r\nmode: {mode}\r\n" + "".join(f"mx: {m}\r\n" for m in mx) + f"max_age: {max_age}\r\n"

"""counting_sink.py - a small SMTP server that counts what arrives by recipient and never goes down.

SPDX-License-Identifier: Apache-2.0"""
import collections
import socketserver
import threading


class CountingSink:
    def __init__(self, host="127.0.0.1", port=0):
        self.arrived, self.lock, self.sessions = collections.Counter(), threading.Lock(), 0
        sink = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                with sink.lock:
                    sink.sessions += 1
                try:
                    self.talk()
                except (ConnectionError, ValueError):
                    pass
                finally:
                    with sink.lock:
                        sink.sessions -= 1

            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def talk(self):
                recipient = None
                self.say("220 sink.test ready")
                for line in self.rfile:
                    verb = line[:4].upper()
                    if verb == b"EHLO":
                        self.say("250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME")
                    elif verb == b"RCPT":
                        recipient = line.split(b"<")[1].split(b">")[0].decode()
                        self.say("250 2.1.5 ok")
                    elif verb == b"DATA":
                        self.say("354 go on")
                        for line in self.rfile:
                            if line == b".\r\n":
                                break
                        else:
                            return
                        with sink.lock:
                            sink.arrived[recipient] += 1
                        self.say("250 2.0.0 taken")
                    elif verb == b"QUIT":
                        self.say("221 2.0.0 bye")
                        return
                    else:
                        self.say("250 2.0.0 ok")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 512

        self.server = Server((host, port), Session)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

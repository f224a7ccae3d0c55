"""A service of the machine, as a container engine or a multiplexer is one: acts for everybody who reaches its socket.

argv: the path of a socket, an abstract name, a secret. Each connection is given the secret, and an open file with it."""
import os, select, socket, sys

path, name, secret = sys.argv[1:]
file = os.memfd_create('secret')
os.write(file, secret.encode())
servers = []
for address in (path, '\0' + name):
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    servers.append(server)
os.chmod(path, 0o777)
print('ready', flush=True)
while True:
    for server in select.select(servers, [], [])[0]:
        connection, _ = server.accept()
        try:
            os.lseek(file, 0, os.SEEK_SET)
            socket.send_fds(connection, [secret.encode()], [file])
        except OSError:
            pass
        connection.close()

"""The hostile agent: runs each program that is put into `orders/` of its workspace."""
import os, subprocess, time

running = {}
while True:
    for name in sorted(os.listdir('orders')):
        if not name.endswith('.go'):
            continue
        number = name[:-3]
        os.unlink('orders/' + name)
        out = open('orders/%s.out' % number, 'wb')
        program = ['/usr/bin/python3', '-B', 'orders/%s.py' % number, number]
        running[number] = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    for number, process in list(running.items()):
        code = process.poll()
        if code is None:
            continue
        del running[number]
        # It could not say so itself. One that leaves a process behind ends with 0, and that process says so.
        if code != 0:
            open('orders/%s.done' % number, 'w').close()
    time.sleep(0.02)

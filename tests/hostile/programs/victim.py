"""The victim: keeps a memory and a letter through its tools, and stays connected to them."""
import json, os, subprocess, time

server = subprocess.Popen([os.environ['AETHER_MCP_COMMAND']], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def send(message):
    server.stdin.write((json.dumps({'jsonrpc': '2.0', **message}) + '\n').encode())
    server.stdin.flush()


def ask(number, method, params):
    send({'id': number, 'method': method, 'params': params})
    while True:
        answer = json.loads(server.stdout.readline())
        if answer.get('id') == number:
            return answer


client = {'protocolVersion': '2025-11-25', 'capabilities': {}, 'clientInfo': {'name': 'victim', 'version': '1'}}
ask(1, 'initialize', client)
send({'method': 'notifications/initialized'})
tools = [
    ('aether_memory_store', {'text': os.environ['VICTIM_MEMORY'], 'key': 'secret'}),
    ('aether_mail_send', {'to': 'operator', 'subject': 'A secret', 'body': os.environ['VICTIM_LETTER']}),
]
for number, (tool, arguments) in enumerate(tools):
    ask(number + 2, 'tools/call', {'name': tool, 'arguments': arguments})
for name in ('VICTIM_MEMORY', 'VICTIM_LETTER'):
    del os.environ[name]
with open('diary.txt', 'w') as diary:
    diary.write(os.environ['VICTIM_FILE'])
open('settled', 'w').close()
while True:
    time.sleep(1000)

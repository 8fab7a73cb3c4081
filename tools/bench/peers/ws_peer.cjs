// Node with `ws`: says each line of its standard input to every client. First prints its port, then a line per client.
'use strict';

const readline = require('node:readline');
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 2048 });
server.on('listening', () => process.stdout.write(`${server.address().port}\n`));
server.on('connection', (client) => {
  client.on('error', () => client.terminate());
  process.stdout.write('in\n');
});
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (text) => server.clients.forEach((client) => client.send(text)));
lines.on('close', () => process.exit(0));

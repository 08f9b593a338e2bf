// Rooms on npm's `ws`, in the floors' few letters (src/floor.rs).
import { WebSocketServer } from 'ws';

const ROOM_DIGITS = 8;
const rooms = new Map();
const server = new WebSocketServer({
  host: '127.0.0.1', port: 0, backlog: 4096, perMessageDeflate: false, clientTracking: false,
});

function join(socket, names) {
  const joined = [];
  for (let at = 0; at < names.length; at += ROOM_DIGITS) {
    const name = names.slice(at, at + ROOM_DIGITS);
    if (!rooms.has(name)) rooms.set(name, new Set());
    joined.push(rooms.get(name).add(socket));
  }
  socket.on('close', () => joined.forEach((readers) => readers.delete(socket)));
  socket.send('J');
}

function publish(text) {
  const readers = rooms.get(text.toString('latin1', 0, ROOM_DIGITS));
  for (const reader of readers) reader.send(text, { binary: false });
}

server.on('connection', (socket) => {
  socket.on('message', (said) => {
    if (said[0] === 0x4a) join(socket, said.toString('latin1', 1));
    else publish(said.subarray(1));
  });
});
server.on('listening', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
process.stdin.on('end', () => process.exit()).resume();

// Rooms on npm's `socket.io`: its own rooms, its own in-memory adapter, WebSocket alone.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const ROOM_DIGITS = 8;
const http = createServer();
const io = new Server(http, {
  transports: ['websocket'], serveClient: false, perMessageDeflate: false, pingInterval: 600_000,
});

io.on('connection', (socket) => {
  socket.on('join', (rooms) => {
    socket.join(rooms);
    socket.emit('joined');
  });
  socket.on('text', (text) => io.to(text.slice(0, ROOM_DIGITS)).emit('text', text));
});
http.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening on 127.0.0.1:${http.address().port}`);
});
process.stdin.on('end', () => process.exit()).resume();

/** The WebSocket: acknowledges what it read, keeps the clock, comes back by itself. */

import { decode } from "@msgpack/msgpack";
import type { Batch, FromPage, Letter } from "./messages";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 3000;
const PING_MS = 1000;
const FIRST_PINGS_MS = [0, 100, 250, 500];
const UNANSWERED_MS = 4000;

export interface Listener {
  letters(letters: readonly Letter[]): void;
  connected(yes: boolean): void;
}

export class Connection {
  private socket: WebSocket | null = null;
  private retryMs = FIRST_RETRY_MS;
  private unansweredSince: number | null = null;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {
    this.open();
    setInterval(() => this.ping(), PING_MS);
  }

  say(words: FromPage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words));
  }

  private open(): void {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.listener.connected(true);
      for (const ms of FIRST_PINGS_MS) setTimeout(() => this.ping(), ms);
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => this.read(event.data);
    socket.onclose = () => this.lost(socket);
    this.socket = socket;
    this.unansweredSince = null;
  }

  private read(bytes: ArrayBuffer): void {
    const [number, letters] = decode(new Uint8Array(bytes)) as Batch;
    if (number > 0) this.say({ ack: number });
    this.unansweredSince = null;
    this.retryMs = FIRST_RETRY_MS;
    this.listener.letters(letters);
  }

  /** A server that hangs closes nothing: silence after a ping counts as lost too. */
  private ping(): void {
    const now = performance.now();
    if (this.unansweredSince !== null && now - this.unansweredSince > UNANSWERED_MS) {
      if (this.socket) this.lost(this.socket);
      return;
    }
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.unansweredSince ??= now;
    this.say({ ping: now });
  }

  private lost(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.socket = null;
    this.unansweredSince = null;
    socket.close();
    this.listener.connected(false);
    setTimeout(() => this.open(), this.retryMs);
    this.retryMs = Math.min(LAST_RETRY_MS, this.retryMs * 1.6);
  }
}

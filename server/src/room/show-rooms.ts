// ShowRooms
// ---------
// Claim first, room second (ARCHITECTURE.md): a Colyseus room exists only on the node whose actor owns the show, under an
// id that carries the epoch, and none of Colyseus' own matchmaking can make one (C1..C4, C12, C13).

import { matchMaker } from '@colyseus/core';
import type { ShowId } from '@housefull/schema/ids';
import { type Refusal, refuse } from '@housefull/schema/refusals';
import type { JoinTicket } from '@housefull/schema/rest';
import type { Directory } from '../routing/show-port.ts';
import type { ActorLog } from './actor-deps.ts';
import { type RoomLimits, ShowRoom, type SocketIdentity, showRoomClass } from './show-room.ts';

/** The room name in join tickets. */
const ROOM_NAME = 'show';

export interface ShowRoomsDeps {
  readonly directory: Directory;
  readonly limits: RoomLimits;
  readonly log: ActorLog;
  /** Where clients reach this node when it is not where they asked, without scheme. */
  readonly publicAddress?: string | undefined;
}

export class ShowRooms {
  readonly #deps: ShowRoomsDeps;
  readonly #rooms = new Map<ShowId, string>();
  readonly #creating = new Map<ShowId, Promise<string>>();
  #successors = 0;

  constructor(deps: ShowRoomsDeps) {
    this.#deps = deps;
    const { directory, limits, log } = deps;
    const portOf = (showId: ShowId) => directory.live(showId);
    const disposed = (showId: ShowId, roomId: string): void => {
      if (this.#rooms.get(showId) === roomId) this.#rooms.delete(showId);
    };
    matchMaker.defineRoomType(ROOM_NAME, showRoomClass({ portOf, limits, log, disposed }));
  }

  /** A join ticket for the room of the show, opening both where needed. Never rejects. */
  async join(
    showId: ShowId,
    identity: SocketIdentity,
  ): Promise<{ ok: true; ticket: JoinTicket } | { ok: false; refusal: Refusal }> {
    try {
      // A room may end between being found and being joined; the second try then makes the next one.
      for (let attempt = 0; attempt < 2; attempt++) {
        const found = await this.#deps.directory.find(showId);
        if (!found.ok) return found;
        const room = await this.#roomOf(showId, found.port.snapshot().epoch);
        if (room === undefined) continue;
        const reserved = await room.reserve(identity);
        if ('code' in reserved) return { ok: false, refusal: reserved };
        const { publicAddress } = this.#deps;
        const { sessionId } = reserved;
        const ticket = { name: ROOM_NAME, sessionId, roomId: room.roomId, processId: matchMaker.processId };
        return { ok: true, ticket: publicAddress === undefined ? ticket : { ...ticket, publicAddress } };
      }
    } catch (error) {
      this.#deps.log.error({ showId, error }, 'no room for the show');
    }
    return { ok: false, refusal: refuse('unavailable', { retryAfterMs: 500 }) };
  }

  async #roomOf(showId: ShowId, epoch: number): Promise<ShowRoom | undefined> {
    let roomId = this.#rooms.get(showId);
    if (roomId === undefined) {
      let creating = this.#creating.get(showId);
      if (creating === undefined) {
        creating = this.#create(showId, epoch).finally(() => this.#creating.delete(showId));
        this.#creating.set(showId, creating);
      }
      roomId = await creating;
    }
    const room = matchMaker.getLocalRoomById(roomId);
    return room instanceof ShowRoom ? room : undefined;
  }

  async #create(showId: ShowId, epoch: number): Promise<string> {
    let roomId = `${showId}_${epoch}`;
    // An empty room may still be going while its successor of the same epoch comes.
    while (matchMaker.getLocalRoomById(roomId) !== undefined) roomId = `${showId}_${epoch}_${++this.#successors}`;
    await matchMaker.handleCreateRoom(ROOM_NAME, { showId }, undefined, roomId);
    this.#rooms.set(showId, roomId);
    return roomId;
  }
}

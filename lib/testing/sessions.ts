/** Keeps the sessions of a server: their settings, and the server's ids of them. */
import { randomUUID } from "node:crypto";
import { Settings } from "./settings.js";
import { classified, invalidHandle } from "./spark-error.js";

/** A session as the server saw it. */
export interface ScriptedSession {
  readonly sessionId: string;
  /** The session that it was cloned from (CloneSession), if it was. */
  readonly clonedFrom: string | undefined;
  /** Its settings. All sessions that are not clones share them. */
  readonly conf: ReadonlyMap<string, string>;
  /** Whether the client has ended it (ReleaseSession). */
  readonly released: boolean;
}

interface Session extends ScriptedSession {
  readonly settings: Settings;
  /** The server's own id of the session; undefined: the id that all sessions of the server have. */
  serverSideId: string | undefined;
  released: boolean;
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

export class Sessions {
  /** All sessions in order of arrival. */
  readonly all: Session[] = [];
  /** The settings of the sessions that are not clones. */
  readonly settings: Settings;
  /** The server's id of the sessions; a restart or a fault changes it for all of them. */
  #serverSideId: string = randomUUID();

  constructor(conf: Readonly<Record<string, string>>) {
    this.settings = new Settings(conf);
  }

  settingsOf(sessionId: string): Settings {
    return this.#find(sessionId)?.settings ?? this.settings;
  }

  serverSideIdOf(sessionId: string): string {
    return this.#find(sessionId)?.serverSideId ?? this.#serverSideId;
  }

  /** Accepts a request of a session. @throws INVALID_HANDLE.SESSION_CHANGED or SESSION_CLOSED */
  admit(sessionId: string, observed: string | undefined, isRelease: boolean): void {
    if (observed && observed !== this.serverSideIdOf(sessionId)) throw invalidHandle("SESSION_CHANGED", sessionId);
    const session = this.#find(sessionId);
    if (!session) this.#add(sessionId, this.settings);
    else if (session.released && !isRelease) throw invalidHandle("SESSION_CLOSED", sessionId);
  }

  /** @throws INVALID_CLONE_SESSION_REQUEST for an id that cannot be that of a new session */
  clone(sessionId: string, newSessionId: string): Session {
    const known = this.#find(newSessionId);
    if (!UUID.test(newSessionId)) throw invalidClone("FORMAT", `${newSessionId} is not a UUID`);
    if (known?.released) throw invalidClone("ALREADY_CLOSED", `${newSessionId} was closed`);
    if (known) throw invalidClone("ALREADY_EXISTS", `${newSessionId} exists`);
    return this.#add(newSessionId, this.settingsOf(sessionId).copy(), sessionId);
  }

  release(sessionId: string): void {
    const session = this.#find(sessionId);
    if (session) session.released = true;
  }

  /** From now on all answers come from another server-side session. */
  change(serverSideId: string): void {
    this.#serverSideId = serverSideId;
    for (const session of this.all) session.serverSideId = undefined;
  }

  /** Restarts: drops all sessions. */
  restart(): void {
    this.change(randomUUID());
    this.all.length = 0;
  }

  #find(id: string): Session | undefined {
    return this.all.find(({ sessionId }) => sessionId === id);
  }

  #add(sessionId: string, settings: Settings, clonedFrom?: string): Session {
    const serverSideId = clonedFrom === undefined ? undefined : randomUUID();
    const session = { sessionId, clonedFrom, settings, conf: settings.values, serverSideId, released: false };
    this.all.push(session);
    return session;
  }
}

function invalidClone(reason: string, what: string): Error {
  const errorClass = `INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_${reason}`;
  return classified(errorClass, "42K04", `Invalid session clone request. Target session ID ${what}.`);
}

// Where the account is logged in, and an end to it.
import { For, Show } from "solid-js";
import type { Session } from "../../gen/shopmesh/user/v1/user_service_pb";
import { reasonOf } from "../../rpc/errors";
import { createList } from "../../rpc/load";
import { users } from "../../rpc/users";
import { ActionError, createAction } from "../../ui/action";
import { timeWords } from "../../ui/labels";
import { More } from "../../ui/load-more";
import { Loaded } from "../../ui/states";

export function Sessions() {
  const list = createList(async (pageToken, signal) => {
    const answer = await users.listSessions({ pageToken }, signal ? { signal } : {});
    return { items: answer.sessions, next: answer.nextPageToken };
  });
  const revoke = createAction(async ({ sessionId }: Session) => {
    await users.revokeSession({ sessionId }).catch((error) => {
      if (reasonOf(error) !== "SESSION_NOT_FOUND") throw error;
    });
    const shown = list.data();
    const left = (shown?.items ?? []).filter((session) => session.sessionId !== sessionId);
    list.put({ items: left, next: shown?.next ?? "" });
  });
  return (
    <section class="panel" aria-labelledby="sessions">
      <h2 id="sessions">Where you are logged in</h2>
      <ActionError of={revoke} />
      <Loaded of={list}>
        {(page) => (
          <>
            <ul class="lines">
              <For each={page().items}>
                {(session) => <Line session={session} onRevoke={() => revoke.run(session)} />}
              </For>
            </ul>
            <More list={list} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function Line(props: { session: Session; onRevoke: () => void }) {
  const device = () => deviceWords(props.session.userAgent);
  return (
    <li class="spread">
      <p>
        {device()}{" "}
        <Show when={props.session.current}>
          <span class="badge good">Here</span>
        </Show>
        <br />
        <span class="muted">
          Since {timeWords(props.session.createTime)}, last used{" "}
          {timeWords(props.session.refreshTime)}
        </span>
      </p>
      <Show when={!props.session.current}>
        <button
          type="button"
          class="quiet"
          aria-label={`End the session of ${device()}`}
          onClick={() => props.onRevoke()}
        >
          End it
        </button>
      </Show>
    </li>
  );
}

const BROWSERS: [RegExp, string][] = [
  [/Edg/, "Edge"],
  [/OPR|Opera/, "Opera"],
  [/Firefox|FxiOS/, "Firefox"],
  [/Chrome|CriOS/, "Chrome"],
  [/Safari/, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** A `user-agent` as a person would put it; other clients by what they call themselves. */
function deviceWords(userAgent: string): string {
  const named = (list: [RegExp, string][]) => list.find(([sign]) => sign.test(userAgent))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? (userAgent.split(/[\s/]/)[0] || "Unknown device");
}

// The sessions of the account. The person can revoke each of them.
import { For, Show } from "solid-js";
import type { Session } from "../../gen/shopmesh/user/v1/user_service_pb";
import { reasonOf } from "../../rpc/errors";
import { createList } from "../../rpc/load";
import { users } from "../../rpc/users";
import { ActionError, createAction } from "../../ui/action";
import { LoadMore } from "../../ui/load-more";
import { Loaded } from "../../ui/states";
import { formatTime } from "../../util/format";

export function Sessions() {
  const list = createList(async (pageToken, signal) => {
    const response = await users.listSessions({ pageToken }, signal ? { signal } : {});
    return { items: response.sessions, nextPageToken: response.nextPageToken };
  });
  const revoke = createAction(async ({ sessionId }: Session) => {
    await users.revokeSession({ sessionId }).catch((error) => {
      if (reasonOf(error) !== "SESSION_NOT_FOUND") throw error;
    });
    const { items = [], nextPageToken = "" } = list.data() ?? {};
    const remaining = items.filter((session) => session.sessionId !== sessionId);
    list.setData({ items: remaining, nextPageToken });
  });
  return (
    <section class="panel" aria-labelledby="sessions">
      <h2 id="sessions">Where you are logged in</h2>
      <ActionError action={revoke} />
      <Loaded load={list}>
        {(page) => (
          <>
            <ul class="lines">
              <For each={page().items}>
                {(session) => <Row session={session} onRevoke={() => revoke.run(session)} />}
              </For>
            </ul>
            <LoadMore list={list} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function Row(props: { session: Session; onRevoke: () => void }) {
  const device = () => deviceName(props.session.userAgent);
  return (
    <li class="spread">
      <p>
        {device()}{" "}
        <Show when={props.session.current}>
          <span class="badge good">This device</span>
        </Show>
        <br />
        <span class="muted">
          Since {formatTime(props.session.createTime)}, last used{" "}
          {formatTime(props.session.refreshTime)}
        </span>
      </p>
      <Show when={!props.session.current}>
        <button
          type="button"
          class="quiet"
          aria-label={`End the session of ${device()}`}
          onClick={() => props.onRevoke()}
        >
          End session
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

/** Returns browser and system of a `user-agent`; of other clients the name that they give. */
function deviceName(userAgent: string): string {
  const find = (names: [RegExp, string][]) => names.find(([sign]) => sign.test(userAgent))?.[1];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? (userAgent.split(/[\s/]/)[0] || "Unknown device");
}

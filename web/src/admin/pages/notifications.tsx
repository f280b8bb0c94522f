// All mails of the shop, and what became of them.
import { Show } from "solid-js";
import { NotificationState } from "../../gen/shopmesh/notify/v1/notification_service_pb";
import { badFieldsOf } from "../../rpc/errors";
import { createFilters, FilterForm, FilterSelect, FilterText } from "../../ui/filters";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { notifications } from "../clients";
import { Mails } from "../mail-list";
import { createPaged, Pager } from "../paged-list";
import { watchWhile } from "../poll-while";
import { Rows } from "../rows";

const STATES = [
  { value: "", text: "Any", states: [] },
  { value: "failed", text: "Failed", states: [NotificationState.FAILED] },
  { value: "pending", text: "On its way", states: [NotificationState.PENDING] },
  { value: "sent", text: "Sent", states: [NotificationState.SENT] },
];

export default function Notifications() {
  const filters = createFilters();
  const list = createPaged(filters.search, async (pageToken, signal) => {
    const request = {
      pageToken,
      states: STATES.find(({ value }) => value === filters.get("state"))?.states ?? [],
      recipient: filters.get("recipient"),
    };
    const answer = await notifications.listNotifications(request, { signal });
    return { items: answer.notifications, next: answer.nextPageToken };
  });
  watchWhile(list, ({ items }) => items.some(({ state }) => state === NotificationState.PENDING));
  const recipientError = () => badFieldsOf(list.error()).recipient;
  let top: HTMLElement | undefined;
  return (
    <Page title="Notifications">
      <FilterForm filters={filters}>
        <FilterSelect filters={filters} label="State" name="state" options={STATES} />
        <FilterText
          filters={filters}
          label="Recipient"
          name="recipient"
          type="email"
          class="grow"
          error={recipientError()}
        />
      </FilterForm>
      <Loaded of={list} skeleton={<Rows />} ownWords={recipientError() !== undefined}>
        {(page) => (
          <Show
            when={page().items.length > 0}
            fallback={
              <Empty title="No such mails">
                <p>The recipient is the whole address.</p>
              </Empty>
            }
          >
            <section ref={top} tabindex="-1" aria-label="Mails" aria-busy={list.loading()}>
              <Mails mails={page().items} onChange={list.again} />
            </section>
            <Pager of={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

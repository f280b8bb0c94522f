// All mails of the shop and their delivery states.
import { Show } from "solid-js";
import { NotificationState } from "../../gen/shopmesh/notify/v1/notification_service_pb";
import { invalidFieldsOf } from "../../rpc/errors";
import { createFilters, FilterForm, FilterSelect, FilterText } from "../../ui/filters";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { notifications } from "../clients";
import { MailList } from "../mail-list";
import { createPagedList, Pager } from "../paged-list";
import { pollWhile } from "../poll-while";
import { RowsSkeleton } from "../rows";

const STATES = [
  { value: "", text: "Any", states: [] },
  { value: "failed", text: "Failed", states: [NotificationState.FAILED] },
  { value: "pending", text: "On its way", states: [NotificationState.PENDING] },
  { value: "sent", text: "Sent", states: [NotificationState.SENT] },
];

export default function Notifications() {
  const filters = createFilters();
  const list = createPagedList(filters.search, async (pageToken, signal) => {
    const request = {
      pageToken,
      states: STATES.find(({ value }) => value === filters.get("state"))?.states ?? [],
      recipient: filters.get("recipient"),
    };
    const response = await notifications.listNotifications(request, { signal });
    return { items: response.notifications, nextPageToken: response.nextPageToken };
  });
  pollWhile(list, ({ items }) => items.some(({ state }) => state === NotificationState.PENDING));
  const recipientError = () => invalidFieldsOf(list.error()).recipient;
  let top: HTMLElement | undefined;
  return (
    <Page title="Notifications">
      <FilterForm filters={filters} class="admin-filters">
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
      <Loaded load={list} skeleton={<RowsSkeleton />} ownError={recipientError() !== undefined}>
        {(page) => (
          <Show
            when={page().items.length > 0}
            fallback={
              <Empty title="No such mails" text="Enter the whole address of the recipient." />
            }
          >
            <section ref={top} tabindex="-1" aria-label="Mails" aria-busy={list.loading()}>
              <MailList mails={page().items} onChange={list.reload} />
            </section>
            <Pager list={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

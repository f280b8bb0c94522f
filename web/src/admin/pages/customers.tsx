// All accounts: who may come in, and who may see these pages.
import { Show } from "solid-js";
import { Role, type User } from "../../gen/shopmesh/user/v1/user_service_pb";
import { users } from "../../rpc/users";
import { ownerId } from "../../session/session";
import { ActionError, createAction } from "../../ui/action";
import { createFilters, FilterForm, FilterSelect, FilterText } from "../../ui/filters";
import { timeWords } from "../../ui/labels";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { createPaged, Pager } from "../paged-list";
import { ForKeyed, Rows } from "../rows";

const ROLES = [
  { value: "", text: "Any", role: Role.UNSPECIFIED },
  { value: "customer", text: "Customer", role: Role.CUSTOMER },
  { value: "admin", text: "Admin", role: Role.ADMIN },
];

export default function Customers() {
  const filters = createFilters();
  const list = createPaged(filters.search, async (pageToken, signal) => {
    const request = {
      pageToken,
      query: filters.get("q"),
      role: ROLES.find(({ value }) => value === filters.get("role"))?.role ?? Role.UNSPECIFIED,
    };
    const answer = await users.listUsers(request, { signal });
    return { items: answer.users, next: answer.nextPageToken };
  });
  const put = (user: User | undefined) => {
    const page = list.data();
    if (!user || !page) return;
    const items = page.items.map((old) => (old.userId === user.userId ? user : old));
    list.put({ ...page, items });
  };
  let top: HTMLUListElement | undefined;
  return (
    <Page title="Customers">
      <FilterForm filters={filters}>
        <FilterText filters={filters} label="Name or email" name="q" type="search" class="grow" />
        <FilterSelect filters={filters} label="Role" name="role" options={ROLES} />
      </FilterForm>
      <Loaded of={list} skeleton={<Rows />}>
        {(page) => (
          <Show when={page().items.length > 0} fallback={<Empty title="No such accounts" />}>
            <ul
              ref={top}
              tabindex="-1"
              class="rows"
              aria-label="Accounts"
              aria-busy={list.loading()}
            >
              <ForKeyed each={page().items} by={({ userId }) => userId}>
                {(user) => <Account user={user()} put={put} />}
              </ForKeyed>
            </ul>
            <Pager of={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function Account(props: { user: User; put: (user: User | undefined) => void }) {
  const key = { userId: props.user.userId };
  const disabled = () => props.user.disableTime !== undefined;
  const isAdmin = () => props.user.role === Role.ADMIN;
  const access = createAction(async () => {
    const change = disabled() ? users.enableUser : users.disableUser;
    props.put((await change(key)).user);
  });
  const role = createAction(async () => {
    const role = isAdmin() ? Role.CUSTOMER : Role.ADMIN;
    props.put((await users.setUserRole({ ...key, role })).user);
  });
  return (
    <li class="account">
      <span class="account-who">
        <strong id={key.userId}>{props.user.displayName}</strong>
        <span class="muted">{props.user.email}</span>
      </span>
      <span class="muted">Since {timeWords(props.user.createTime)}</span>
      <span class="account-state">
        <Show when={isAdmin()}>
          <span class="badge good">Admin</span>
        </Show>
        <Show when={props.user.disableTime}>
          <span class="badge bad">Disabled</span>
        </Show>
      </span>
      <Show
        when={props.user.userId !== ownerId()}
        fallback={<span class="muted account-actions">This is you.</span>}
      >
        <span class="account-actions">
          <button
            type="button"
            class="quiet"
            aria-disabled={role.busy()}
            aria-describedby={key.userId}
            onClick={() => role.run()}
          >
            {isAdmin() ? "Make customer" : "Make admin"}
          </button>
          <button
            type="button"
            class={disabled() ? "quiet" : "danger"}
            aria-disabled={access.busy()}
            aria-describedby={key.userId}
            onClick={() => access.run()}
          >
            {disabled() ? "Enable" : "Disable"}
          </button>
        </span>
      </Show>
      <ActionError of={role} />
      <ActionError of={access} />
    </li>
  );
}

// All accounts: whether they may log in, and whether they are admins.
import { Show } from "solid-js";
import { Role, type User } from "../../gen/shopmesh/user/v1/user_service_pb";
import { users } from "../../rpc/users";
import { userId } from "../../session/state";
import { ActionError, createAction } from "../../ui/action";
import { createFilters, FilterForm, FilterSelect, FilterText } from "../../ui/filters";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { formatTime } from "../../util/format";
import { createPagedList, Pager } from "../paged-list";
import { ForKeyed, RowsSkeleton } from "../rows";

const ROLES = [
  { value: "", text: "Any", role: Role.UNSPECIFIED },
  { value: "customer", text: "Customer", role: Role.CUSTOMER },
  { value: "admin", text: "Admin", role: Role.ADMIN },
];

export default function Customers() {
  const filters = createFilters();
  const list = createPagedList(filters.search, async (pageToken, signal) => {
    const request = {
      pageToken,
      query: filters.get("q"),
      role: ROLES.find(({ value }) => value === filters.get("role"))?.role ?? Role.UNSPECIFIED,
    };
    const response = await users.listUsers(request, { signal });
    return { items: response.users, nextPageToken: response.nextPageToken };
  });
  const replace = (user: User | undefined) => {
    const page = list.data();
    if (!user || !page) return;
    const items = page.items.map((old) => (old.userId === user.userId ? user : old));
    list.setData({ ...page, items });
  };
  let top: HTMLUListElement | undefined;
  return (
    <Page title="Customers">
      <FilterForm filters={filters} class="admin-filters">
        <FilterText filters={filters} label="Name or email" name="q" type="search" class="grow" />
        <FilterSelect filters={filters} label="Role" name="role" options={ROLES} />
      </FilterForm>
      <Loaded load={list} skeleton={<RowsSkeleton />}>
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
                {(user) => <Account user={user()} onChange={replace} />}
              </ForKeyed>
            </ul>
            <Pager list={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

type ChangeHandler = (user: User | undefined) => void;

function Account(props: { user: User; onChange: ChangeHandler }) {
  return (
    <li class="account">
      <span class="account-name">
        <strong id={props.user.userId}>{props.user.displayName}</strong>
        <span class="muted">{props.user.email}</span>
      </span>
      <span class="muted">Since {formatTime(props.user.createTime)}</span>
      <span class="account-state">
        <Show when={props.user.role === Role.ADMIN}>
          <span class="badge good">Admin</span>
        </Show>
        <Show when={props.user.disableTime}>
          <span class="badge bad">Disabled</span>
        </Show>
      </span>
      <Show
        when={props.user.userId !== userId()}
        fallback={<span class="muted account-actions">This is you.</span>}
      >
        <AccountActions user={props.user} onChange={props.onChange} />
      </Show>
    </li>
  );
}

function AccountActions(props: { user: User; onChange: ChangeHandler }) {
  const key = { userId: props.user.userId };
  const isDisabled = () => props.user.disableTime !== undefined;
  const isAdmin = () => props.user.role === Role.ADMIN;
  const access = createAction(async () => {
    const change = isDisabled() ? users.enableUser : users.disableUser;
    props.onChange((await change(key)).user);
  });
  const role = createAction(async () => {
    const role = isAdmin() ? Role.CUSTOMER : Role.ADMIN;
    props.onChange((await users.setUserRole({ ...key, role })).user);
  });
  return (
    <>
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
          class={isDisabled() ? "quiet" : "danger"}
          aria-disabled={access.busy()}
          aria-describedby={key.userId}
          onClick={() => access.run()}
        >
          {isDisabled() ? "Enable" : "Disable"}
        </button>
      </span>
      <ActionError action={role} />
      <ActionError action={access} />
    </>
  );
}

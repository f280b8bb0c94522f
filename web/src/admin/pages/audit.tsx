// The audit trail: what admins and internal systems changed, in all services.
import { type DescService, getOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { For, Show } from "solid-js";
import { NotificationService } from "../../gen/shopmesh/notify/v1/notification_service_pb";
import { Access, access } from "../../gen/shopmesh/options/v1/access_pb";
import { OrderAdminService } from "../../gen/shopmesh/order/v1/order_admin_service_pb";
import { InventoryService } from "../../gen/shopmesh/product/v1/inventory_service_pb";
import { ProductService } from "../../gen/shopmesh/product/v1/product_service_pb";
import { AuditActorKind, type AuditEntry } from "../../gen/shopmesh/user/v1/audit_service_pb";
import { UserService } from "../../gen/shopmesh/user/v1/user_service_pb";
import { hasInvalidFields, invalidFieldsOf } from "../../rpc/errors";
import { userId } from "../../session/state";
import {
  createFilters,
  FilterForm,
  FilterSelect,
  type Filters,
  FilterText,
} from "../../ui/filters";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { formatTime } from "../../util/format";
import { audit } from "../clients";
import { endOfDay, startOfDay } from "../days";
import { createPagedList, Pager } from "../paged-list";
import { RowsSkeleton, TableHead } from "../rows";

const SERVICES = [
  UserService,
  ProductService,
  InventoryService,
  OrderAdminService,
  NotificationService,
];

/** The methods whose calls are audited: only admins may call them, and they change something. */
const METHODS = SERVICES.flatMap((service: DescService) =>
  service.methods
    .filter(
      (method) =>
        getOption(method, access) === Access.ADMIN &&
        method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    )
    .map(({ name }) => ({ value: `${service.typeName}/${name}`, text: words(name) })),
);
const METHOD_OPTIONS = [{ value: "", text: "Any" }, ...METHODS];

const COLUMNS = [
  { heading: "Call" },
  { heading: "By", class: "roomy" },
  { heading: "Subject", class: "roomy" },
  { heading: "Changes" },
];

export default function Audit() {
  const filters = createFilters();
  const list = createPagedList(filters.search, async (pageToken, signal) => {
    const [startTime, endTime] = [startOfDay(filters.get("from")), endOfDay(filters.get("to"))];
    const request = {
      pageToken,
      actorId: filters.get("actor"),
      method: filters.get("method"),
      subjectId: filters.get("subject"),
      ...(startTime && { startTime }),
      ...(endTime && { endTime }),
    };
    const response = await audit.listAuditEntries(request, { signal });
    return { items: response.entries, nextPageToken: response.nextPageToken };
  });
  let top: HTMLTableElement | undefined;
  return (
    <Page title="Audit">
      <AuditFilters filters={filters} errors={invalidFieldsOf(list.error())} />
      <Loaded load={list} skeleton={<RowsSkeleton />} ownError={hasInvalidFields(list.error())}>
        {(page) => (
          <Show when={page().items.length > 0} fallback={<Empty title="No such changes" />}>
            <table
              ref={top}
              tabindex="-1"
              class="data"
              aria-label="Audit"
              aria-busy={list.loading()}
            >
              <TableHead columns={COLUMNS} />
              <tbody>
                <For each={page().items}>{(entry) => <Row entry={entry} />}</For>
              </tbody>
            </table>
            <Pager list={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function AuditFilters(props: { filters: Filters; errors: Record<string, string> }) {
  const common = (label: string, name: string) => ({ filters: props.filters, label, name });
  return (
    <FilterForm filters={props.filters} class="admin-filters">
      <FilterSelect {...common("Method", "method")} options={METHOD_OPTIONS} />
      <FilterText {...common("From", "from")} type="date" error={props.errors.start_time} />
      <FilterText {...common("To", "to")} type="date" error={props.errors.end_time} />
      <FilterText {...common("Actor", "actor")} error={props.errors.actor_id} />
      <FilterText {...common("Subject", "subject")} error={props.errors.subject_id} />
    </FilterForm>
  );
}

function Row(props: { entry: AuditEntry }) {
  const { method, createTime, traceId, changes } = props.entry;
  return (
    <tr>
      <th scope="row" class="words">
        {words(method.slice(method.lastIndexOf("/") + 1))}
        <span class="muted">{formatTime(createTime)}</span>
        <span class="muted tight">{actorLabel(props.entry)}</span>
      </th>
      <td class="roomy email">
        {actorLabel(props.entry)}
        <a class="below" href={`/admin/audit?actor=${props.entry.actorId}`}>
          {props.entry.actorId}
        </a>
        <span class="below muted">Trace {traceId}</span>
      </td>
      <td class="roomy email">
        <Subject entry={props.entry} />
      </td>
      <td class="email">
        <span class="tight">
          <Subject entry={props.entry} />
        </span>
        <For each={changes}>
          {({ field, oldValue, newValue }) => (
            <span class="below">
              {words(field)}: {oldValue ?? "none"} → {newValue ?? "none"}
            </span>
          )}
        </For>
      </td>
    </tr>
  );
}

function Subject(props: { entry: AuditEntry }) {
  const { subjectKind, subjectId } = props.entry;
  return (
    <>
      {words(subjectKind)}
      <a class="below" href={subjectPath(subjectKind, subjectId)}>
        {subjectId}
      </a>
    </>
  );
}

/** Returns the page of a subject, or else that of its entries. */
function subjectPath(kind: string, id: string): string {
  switch (kind) {
    case "product":
      return `/admin/products/${id}`;
    case "inventory":
      return `/admin/inventory/${id}`;
    case "order":
      return `/admin/orders/${id}`;
    default:
      return `/admin/audit?subject=${id}`;
  }
}

function actorLabel({ actorId, actorKind }: AuditEntry): string {
  if (actorId === userId()) return "You";
  return actorKind === AuditActorKind.API_CLIENT ? "An internal system" : "Another admin";
}

/** Returns a name of the contract as words: `SetUserRole` and `set_user_role` as `Set user role`. */
function words(name: string): string {
  const text = name
    .replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

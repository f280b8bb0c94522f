// Mails with their delivery state, the replies of the mail server, and the button to resend.
import { createSignal, createUniqueId, For, Show } from "solid-js";
import {
  type Notification,
  NotificationState,
} from "../gen/shopmesh/notify/v1/notification_service_pb";
import { createLoad } from "../rpc/load";
import { ActionError, createAction } from "../ui/action";
import { shortOrderNumber } from "../ui/labels";
import { Loaded } from "../ui/states";
import { formatTime } from "../util/format";
import { notifications } from "./clients";
import { notificationKindLabel, notificationStateLabel } from "./labels";
import { ForKeyed } from "./rows";

interface MailListProps {
  /** The page is about one order: a mail does not repeat its number and recipient. */
  ofOneOrder?: boolean | undefined;
  onChange: () => void;
}

export function MailList(props: MailListProps & { mails: Notification[] }) {
  return (
    <ul class="rows mails">
      <ForKeyed each={props.mails} by={({ notificationId }) => notificationId}>
        {(mail) => <Mail mail={mail()} ofOneOrder={props.ofOneOrder} onChange={props.onChange} />}
      </ForKeyed>
    </ul>
  );
}

function Mail(props: MailListProps & { mail: Notification }) {
  const id = createUniqueId();
  const [open, setOpen] = createSignal(false);
  const resend = createAction(async () => {
    const { notificationId } = props.mail;
    await notifications.resendNotification({ notificationId });
    props.onChange();
  });
  return (
    <li class="mail">
      <span class="mail-subject">
        <span id={id}>{props.mail.subject || notificationKindLabel(props.mail.kind)}</span>
        <span class="muted">
          {props.ofOneOrder ? notificationKindLabel(props.mail.kind) : props.mail.recipient}
        </span>
      </span>
      <span class="muted mail-time">
        {formatTime(props.mail.createTime)}
        <Show when={!props.ofOneOrder && props.mail.orderId}>
          {(orderId) => (
            <a href={`/admin/orders/${orderId()}`}>Order {shortOrderNumber(orderId())}</a>
          )}
        </Show>
      </span>
      <MailBadge state={props.mail.state} />
      <span class="mail-actions">
        <button
          type="button"
          class="quiet"
          aria-expanded={open()}
          aria-describedby={id}
          onClick={() => setOpen(!open())}
        >
          Attempts
        </button>
        <Show when={props.mail.state !== NotificationState.PENDING}>
          <button
            type="button"
            class="quiet"
            aria-disabled={resend.busy()}
            aria-describedby={id}
            onClick={() => resend.run()}
          >
            Resend
          </button>
        </Show>
      </span>
      <ActionError action={resend} />
      <Show when={open()}>
        <Attempts mail={props.mail} />
      </Show>
    </li>
  );
}

/** Loads again whenever `mail` changes: it has another state or another attempt. */
function Attempts(props: { mail: Notification }) {
  const load = createLoad(async (signal) => {
    const { notificationId } = props.mail;
    return (await notifications.getNotification({ notificationId }, { signal })).notification;
  });
  return (
    <div class="attempts">
      <Loaded load={load}>
        {(mail) => (
          <>
            <Show
              when={mail().attempts.length > 0}
              fallback={<p class="muted">There was no attempt yet.</p>}
            >
              <ol>
                <For each={mail().attempts}>
                  {(attempt) => (
                    <li>
                      <span class="muted">{formatTime(attempt.time)}</span>
                      <code>
                        {attempt.replyCode > 0 && attempt.replyCode} {attempt.replyText}
                      </code>
                    </li>
                  )}
                </For>
              </ol>
            </Show>
            <Show when={mail().nextAttemptTime}>
              {(time) => <p class="muted">The next attempt is at {formatTime(time())}.</p>}
            </Show>
          </>
        )}
      </Loaded>
    </div>
  );
}

function MailBadge(props: { state: NotificationState }) {
  return (
    <span
      class="badge"
      classList={{
        good: props.state === NotificationState.SENT,
        low: props.state === NotificationState.PENDING,
        bad: props.state === NotificationState.FAILED,
      }}
    >
      {notificationStateLabel(props.state)}
    </span>
  );
}

// Mails with their state, what the mail server said, and another try.
import { createSignal, createUniqueId, For, Show } from "solid-js";
import {
  type Notification,
  NotificationState,
} from "../gen/shopmesh/notify/v1/notification_service_pb";
import { createLoad } from "../rpc/load";
import { ActionError, createAction } from "../ui/action";
import { shortNumber, timeWords } from "../ui/labels";
import { Loaded } from "../ui/states";
import { notifications } from "./clients";
import { kindWords, notificationWords } from "./labels";
import { ForKeyed } from "./rows";

export function Mails(props: {
  mails: Notification[];
  /** The page is about one order, so its mails need not say so. */
  ofOneOrder?: boolean;
  onChange: () => void;
}) {
  return (
    <ul class="rows mails">
      <ForKeyed each={props.mails} by={({ notificationId }) => notificationId}>
        {(mail) => <Mail mail={mail()} ofOneOrder={props.ofOneOrder} onChange={props.onChange} />}
      </ForKeyed>
    </ul>
  );
}

function Mail(props: {
  mail: Notification;
  ofOneOrder?: boolean | undefined;
  onChange: () => void;
}) {
  const id = createUniqueId();
  const [open, setOpen] = createSignal(false);
  const resend = createAction(async () => {
    const { notificationId } = props.mail;
    await notifications.resendNotification({ notificationId });
    props.onChange();
  });
  return (
    <li class="mail">
      <span class="mail-what">
        <span id={id}>{props.mail.subject || kindWords(props.mail.kind)}</span>
        <span class="muted">
          {props.ofOneOrder ? kindWords(props.mail.kind) : props.mail.recipient}
        </span>
      </span>
      <span class="muted mail-when">
        {timeWords(props.mail.createTime)}
        <Show when={!props.ofOneOrder && props.mail.orderId}>
          {(orderId) => <a href={`/admin/orders/${orderId()}`}>Order {shortNumber(orderId())}</a>}
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
      <ActionError of={resend} />
      <Show when={open()}>
        <Attempts mail={props.mail} />
      </Show>
    </li>
  );
}

/** Asked anew whenever the mail has another state or another try. */
function Attempts(props: { mail: Notification }) {
  const load = createLoad(async (signal) => {
    const { notificationId } = props.mail;
    return (await notifications.getNotification({ notificationId }, { signal })).notification;
  });
  return (
    <div class="attempts">
      <Loaded of={load}>
        {(mail) => (
          <>
            <Show
              when={mail().attempts.length > 0}
              fallback={<p class="muted">The mail server was not asked yet.</p>}
            >
              <ol>
                <For each={mail().attempts}>
                  {(attempt) => (
                    <li>
                      <span class="muted">{timeWords(attempt.time)}</span>
                      <code>
                        {attempt.replyCode > 0 && attempt.replyCode} {attempt.replyText}
                      </code>
                    </li>
                  )}
                </For>
              </ol>
            </Show>
            <Show when={mail().nextAttemptTime}>
              {(time) => <p class="muted">Tried again at {timeWords(time())}.</p>}
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
      {notificationWords(props.state)}
    </span>
  );
}

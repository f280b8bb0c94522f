// Exact money, without floats: amounts are whole billionths, and Intl formats their decimal digits.
import type { Money } from "../gen/google/type/money_pb";

/** An amount that can be stored as JSON. */
export interface Amount {
  currency: string;
  /** Billionths, as decimal digits. */
  nanos: string;
}

const NANOS = 1_000_000_000n;

export function amountOf(
  money: Pick<Money, "currencyCode" | "units" | "nanos"> | undefined,
): Amount {
  const nanos = (money?.units ?? 0n) * NANOS + BigInt(money?.nanos ?? 0);
  return { currency: money?.currencyCode || "EUR", nanos: nanos.toString() };
}

export function moneyOf({ currency, nanos }: Amount): Money {
  const total = BigInt(nanos);
  return {
    $typeName: "google.type.Money",
    currencyCode: currency,
    units: total / NANOS,
    nanos: Number(total % NANOS),
  };
}

export function multiply({ currency, nanos }: Amount, quantity: number): Amount {
  return { currency, nanos: (BigInt(nanos) * BigInt(quantity)).toString() };
}

export function sum(amounts: Amount[]): Amount {
  const nanos = amounts.reduce((total, { nanos }) => total + BigInt(nanos), 0n);
  return { currency: amounts[0]?.currency ?? "EUR", nanos: nanos.toString() };
}

export function isSameAmount(one: Amount, other: Amount): boolean {
  return one.currency === other.currency && one.nanos === other.nanos;
}

const formats = new Map<string, Intl.NumberFormat>();

/** Formats the amount in the locale of the browser. */
export function formatAmount(amount: Amount): string {
  const { currency } = amount;
  const format =
    formats.get(currency) ?? new Intl.NumberFormat(undefined, { style: "currency", currency });
  formats.set(currency, format);
  return format.format(decimalOf(amount));
}

/** Returns the amount as a decimal literal, which Intl formats without rounding it to a float. */
export function decimalOf({ nanos }: Amount): Intl.StringNumericLiteral {
  const total = BigInt(nanos);
  const size = total < 0n ? -total : total;
  const sign = total < 0n ? "-" : "";
  const fraction = (size % NANOS).toString().padStart(9, "0");
  return `${sign}${size / NANOS}.${fraction}` as Intl.StringNumericLiteral;
}

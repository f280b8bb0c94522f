// Money without floats: sums are whole nanos, and Intl writes them from decimal digits.
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
  const all = BigInt(nanos);
  return {
    $typeName: "google.type.Money",
    currencyCode: currency,
    units: all / NANOS,
    nanos: Number(all % NANOS),
  };
}

export function times({ currency, nanos }: Amount, quantity: number): Amount {
  return { currency, nanos: (BigInt(nanos) * BigInt(quantity)).toString() };
}

export function sum(amounts: Amount[]): Amount {
  const nanos = amounts.reduce((total, { nanos }) => total + BigInt(nanos), 0n);
  return { currency: amounts[0]?.currency ?? "EUR", nanos: nanos.toString() };
}

export function same(one: Amount, other: Amount): boolean {
  return one.currency === other.currency && one.nanos === other.nanos;
}

const formats = new Map<string, Intl.NumberFormat>();

/** In the person's locale. */
export function written(amount: Amount): string {
  const { currency } = amount;
  const format =
    formats.get(currency) ?? new Intl.NumberFormat(undefined, { style: "currency", currency });
  formats.set(currency, format);
  return format.format(digits(amount));
}

/** The whole of it as a decimal, for a format to write. */
export function digits({ nanos }: Amount): Intl.StringNumericLiteral {
  const all = BigInt(nanos);
  const size = all < 0n ? -all : all;
  const text = `${all < 0n ? "-" : ""}${size / NANOS}.${(size % NANOS).toString().padStart(9, "0")}`;
  return text as Intl.StringNumericLiteral;
}

// Amounts that an admin types, and what a chart draws of them.

import { products } from "../rpc/products";
import { type Amount, amountOf, digits } from "../util/money";

const NANO_DIGITS = 9;

let currency: Promise<string> | undefined;

/** The shop has one currency; its products tell which. */
export function shopCurrency(): Promise<string> {
  currency ??= products.listProducts({ pageSize: 1 }).then(
    ({ products }) => amountOf(products[0]?.price).currency,
    (error) => {
      currency = undefined;
      throw error;
    },
  );
  return currency;
}

/** `12.50` or `12,50`; undefined where it is no amount of the currency. */
export function parsed(text: string, currency: string): Amount | undefined {
  const match = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim());
  const [, units = "", fraction = ""] = match ?? [];
  if (!match || fraction.length > fractionDigits(currency)) return undefined;
  return { currency, nanos: BigInt(units + fraction.padEnd(NANO_DIGITS, "0")).toString() };
}

/** As a person types it, without the sign of the currency. */
export function typed(amount: Amount): string {
  const fraction = fractionDigits(amount.currency);
  const format = new Intl.NumberFormat(undefined, {
    minimumFractionDigits: fraction,
    maximumFractionDigits: fraction,
    useGrouping: false,
    numberingSystem: "latn",
  });
  return format.format(digits(amount));
}

/** For the height of a bar only: no sum is made of it. */
export function drawn({ nanos }: Amount): number {
  return Number(BigInt(nanos) / 10_000_000n) / 100;
}

function fractionDigits(currency: string): number {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.resolvedOptions().maximumFractionDigits ?? 0;
}

// Amounts that an admin types, and amounts as the height of a bar.
import { products } from "../rpc/products";
import { type Amount, amountOf, decimalOf } from "../util/money";

const NANO_DIGITS = 9;

let currency: Promise<string> | undefined;

/** Returns the currency of the shop. It has only one, so any product has it. */
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

/** Parses `12.50` or `12,50`. Returns undefined if that is not an amount of the currency. */
export function parseAmount(text: string, currency: string): Amount | undefined {
  const match = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim());
  const [, units = "", fraction = ""] = match ?? [];
  if (!match || fraction.length > fractionDigits(currency)) return undefined;
  return { currency, nanos: BigInt(units + fraction.padEnd(NANO_DIGITS, "0")).toString() };
}

/** Formats an amount for a text field, without the sign of the currency. */
export function amountText(amount: Amount): string {
  const fraction = fractionDigits(amount.currency);
  const format = new Intl.NumberFormat(undefined, {
    minimumFractionDigits: fraction,
    maximumFractionDigits: fraction,
    useGrouping: false,
    numberingSystem: "latn",
  });
  return format.format(decimalOf(amount));
}

/** Returns the amount as a float, only for the height of a bar. */
export function barValue({ nanos }: Amount): number {
  return Number(BigInt(nanos) / 10_000_000n) / 100;
}

function fractionDigits(currency: string): number {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.resolvedOptions().maximumFractionDigits ?? 0;
}

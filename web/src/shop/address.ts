// The shipping address, stored on this device while it is typed, until the person logs out.
import COUNTRY_CODES from "../../../proto/data/countries.json";
import { createStored } from "../util/stored";

/** The country of the browser's locale, or Germany. */
const DEFAULT_COUNTRY = (() => {
  const region = new Intl.Locale(navigator.language || "en").maximize().region ?? "";
  return COUNTRY_CODES.includes(region) ? region : "DE";
})();

export interface AddressDraft {
  fullName: string;
  street: string;
  city: string;
  postalCode: string;
  countryCode: string;
}

const EMPTY: AddressDraft = {
  fullName: "",
  street: "",
  city: "",
  postalCode: "",
  countryCode: DEFAULT_COUNTRY,
};

const draft = createStored<AddressDraft | null>("shopmesh.address", (json) =>
  json && typeof json === "object" ? { ...EMPTY, ...(json as Partial<AddressDraft>) } : null,
);

export const addressDraft = (): AddressDraft => draft.value() ?? EMPTY;

export function updateAddress(changes: Partial<AddressDraft>): void {
  draft.set({ ...addressDraft(), ...changes });
}

export function forgetAddress(): void {
  draft.set(null);
}

const NAMES = new Intl.DisplayNames(undefined, { type: "region" });

export function countryName(code: string): string {
  try {
    return NAMES.of(code) ?? code;
  } catch {
    return code;
  }
}

/** Returns every country in the language of the browser, sorted in its order. */
export function countryOptions(): { value: string; text: string }[] {
  const order = new Intl.Collator();
  const options = COUNTRY_CODES.map((value) => ({ value, text: countryName(value) }));
  return options.sort((one, other) => order.compare(one.text, other.text));
}

// The shipping address, stored on this device while it is typed, until the person logs out.
import { createStored } from "../util/stored";

// ISO 3166-1 alpha-2, the codes that the contract accepts.
const COUNTRY_CODES = (
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS " +
  "BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE " +
  "EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM " +
  "HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC " +
  "LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA " +
  "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
  "SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO " +
  "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
).split(" ");

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
